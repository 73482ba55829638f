package sns

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// maxRequest is more than a request without a signature can need.
const maxRequest = 64 << 10

// Serve answers what the URLs in messages point at, all of it below BaseURL and
// without a signature: the signing certificate, and GET or POST of
// ?Action=ConfirmSubscription and ?Action=Unsubscribe. Signed calls in the query
// protocol come by way of DecodeQuery.
func (s *Service) Serve(r *http.Request, done func(status int, header http.Header, body []byte)) {
	switch {
	case strings.HasSuffix(r.URL.Path, ".pem"):
		if !strings.HasSuffix(r.URL.Path, signer().path) {
			answer(done, http.StatusNotFound, "text/plain", []byte("There is no such certificate.\n"))
			return
		}
		answer(done, http.StatusOK, "application/x-pem-file", signer().cert)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		answer(done, http.StatusMethodNotAllowed, "text/plain", []byte("Only GET and POST are allowed.\n"))
		return
	}
	form, err := formOf(r)
	if err != nil {
		answerError(done, api.Errorf("MalformedQueryString", "%s", err))
		return
	}
	action, input, err := DecodeQuery(form)
	if err != nil {
		answerError(done, err)
		return
	}
	var out []byte
	switch action {
	case "ConfirmSubscription":
		out, err = s.confirm(input, false)
	case "Unsubscribe":
		out, err = s.endSubscription(input, false)
	default:
		err = &api.Error{Code: "MissingAuthenticationToken", Message: "Request is missing Authentication Token", Status: 403}
	}
	if err != nil {
		answerError(done, err)
		return
	}
	answer(done, http.StatusOK, "text/xml", EncodeResponse(action, out))
}

func formOf(r *http.Request) (url.Values, error) {
	form, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || r.Method == http.MethodGet || r.Body == nil {
		return form, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return nil, err
	}
	posted, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	for name, values := range form {
		posted[name] = append(posted[name], values...)
	}
	return posted, nil
}

func answer(done func(int, http.Header, []byte), status int, contentType string, body []byte) {
	done(status, http.Header{"Content-Type": {contentType}}, body)
}

func answerError(done func(int, http.Header, []byte), err error) {
	var e *api.Error
	if !errors.As(err, &e) {
		e = &api.Error{Code: "InternalError", Message: err.Error(), Status: 501}
	}
	answer(done, e.HTTPStatus(), "text/xml", EncodeError(e))
}
