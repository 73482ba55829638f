package local

import (
	"errors"
	"net/http"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
)

// signedFor is the service that a request's Signature Version 4 is for, or "".
func signedFor(r *http.Request) string {
	parameters, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return ""
	}
	_, scope, _ := strings.Cut(parameters, "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	if parts := strings.Split(scope, "/"); len(parts) == 5 {
		return parts[3]
	}
	return ""
}

// isAWS reports whether a request is a call of an AWS service other than those whose
// requests clients of the app make.
func isAWS(r *http.Request) bool {
	switch signedFor(r) {
	case "":
		return r.Method == http.MethodPost && r.URL.Path == "/" && r.Header.Get("X-Amz-Target") != ""
	case "execute-api", "appsync":
		return false
	}
	return true
}

// serveAWS answers a call of an AWS service.
func (s *Stack) serveAWS(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(body []byte, done answered) {
		c, wire, err := decodeCall(r, body)
		if err != nil {
			done(http.StatusNotImplemented, http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
				(&api.Error{Code: "NotSimulated", Message: err.Error()}).Body(""))
			return
		}
		answer := func(out []byte, err error) {
			status, header, out, failed := wire.encode(c.Action, out, err)
			if failed != nil {
				status, out = http.StatusInternalServerError, (&api.Error{Code: "InternalFailure", Message: failed.Error()}).Body("")
			}
			done(status, header, out)
		}
		who, err := s.signer(signedFor(r), &apigateway.Request{Method: r.Method, Host: r.Host, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Header: r.Header, Body: body})
		if err != nil {
			code := "UnrecognizedClientException"
			if errors.Is(err, apigateway.ErrInvalidSignature) {
				code = "InvalidSignatureException"
			}
			answer(nil, &api.Error{Code: code, Message: err.Error(), Status: http.StatusForbidden})
			return
		}
		c.Caller, _, _ = s.principalOf(who.AccessKey)
		s.bus.Do(c, answer)
	})
}
