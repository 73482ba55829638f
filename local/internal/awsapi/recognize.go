package awsapi

import (
	"net/http"
	"strings"
)

// Signature is what a request says of its Signature Version 4.
type Signature struct {
	AccessKey, Region, Service string
	// Headers are the signed ones; Value is the signature.
	Headers []string
	Value   string
	// Presigned says that it is in the query, where this package does not look for more than whose it is.
	Presigned bool
}

// SignatureOf reads the signature of a request, by its header or its query; false if it has none of the form.
func SignatureOf(r *http.Request) (Signature, bool) {
	if given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "); ok {
		field := map[string]string{}
		for p := range strings.SplitSeq(given, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			field[name] = value
		}
		s, ok := scope(field["Credential"])
		s.Headers, s.Value = strings.Split(field["SignedHeaders"], ";"), field["Signature"]
		return s, ok
	}
	if strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		s, ok := scope(r.URL.Query().Get("X-Amz-Credential"))
		s.Presigned = true
		return s, ok
	}
	return Signature{}, false
}

// scope reads <access key>/<date>/<region>/<service>/aws4_request.
func scope(credential string) (Signature, bool) {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[4] != "aws4_request" {
		return Signature{}, false
	}
	return Signature{AccessKey: parts[0], Region: parts[2], Service: parts[3]}, true
}

// Recognize reports whether a request is a call of an AWS service, and not one that clients of an app
// make: signed for a service other than API Gateway and the data plane of AppSync, or unsigned but of a
// form that only such calls have. formAtRoot says whether the app itself may take a form that is posted to "/".
func Recognize(r *http.Request, formAtRoot func() bool) bool {
	if s, ok := SignatureOf(r); ok {
		switch s.Service {
		case "execute-api":
			return false
		case "appsync":
			return isControlPlane(r.URL.Path)
		}
		return true
	}
	switch {
	case strings.HasPrefix(r.URL.Path, lambdaPath) || strings.HasPrefix(r.URL.Path, "/2017-10-31/functions/"):
		return true
	case r.Method != http.MethodPost:
		return false
	case r.URL.Path == "/" && strings.Contains(r.Header.Get("X-Amz-Target"), "."):
		return true
	case strings.HasPrefix(r.URL.Path, "/service/") && r.Header.Get("Smithy-Protocol") != "":
		return true
	}
	return r.URL.Path == "/" && isForm(r) && !formAtRoot()
}

// isControlPlane reports whether a path is one of AppSync's own API, not of a GraphQL API.
func isControlPlane(path string) bool {
	return strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/v2/") || strings.HasPrefix(path, "/tags/")
}

func isForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}
