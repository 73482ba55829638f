package awsapi

import (
	"net/http"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// AuthError is why a request's signature is not accepted.
type AuthError uint8

const (
	// MissingToken is a request without a signature.
	MissingToken AuthError = iota
	// UnknownKey is an access key that nobody has, or a session token that does not belong to it.
	UnknownKey
	// BadSignature is a signature that does not match, or is too old, or for another region.
	BadSignature
)

// AuthError is the error as the protocol has it: each kind has other names in JSON than in Query.
//
// Source: the common errors of the API references of DynamoDB, Lambda and SNS. SQS keeps the names of Query.
func (w Wire) AuthError(kind AuthError, message string) *api.Error {
	e := &api.Error{Message: message, Status: http.StatusForbidden}
	old := w.protocol == query || w.protocol == ec2Query || w.protocol == restXML
	switch {
	case kind == MissingToken && old:
		e.Code = "MissingAuthenticationToken"
	case kind == MissingToken:
		e.Code = "MissingAuthenticationTokenException"
	case kind == UnknownKey && (old || w.service == "sqs"):
		e.Code = "InvalidClientTokenId"
	case kind == UnknownKey:
		e.Code = "UnrecognizedClientException"
	case old || w.service == "sqs":
		e.Code = "SignatureDoesNotMatch"
	default:
		e.Code = "InvalidSignatureException"
	}
	if w.protocol == awsJSON && w.service != "sqs" {
		e.Status = http.StatusBadRequest
	}
	return e
}
