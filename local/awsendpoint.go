package local

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
	"github.com/orderflow-cdk/orderflow/local/internal/awsapi"
)

// endpoint is what a stack remembers of AWS clients.
type endpoint struct {
	answered uint64             // calls, of which their ids are made
	sessions map[string]session // of roles that were assumed, by access key
}

// isAWS reports whether a request is a call of an AWS service other than those whose
// requests clients of the app make.
func (w *world) isAWS(r *http.Request) bool { return awsapi.Recognize(r, w.formAtRoot) }

// formAtRoot reports whether the gateway may take what is posted to "/".
func (w *world) formAtRoot() bool {
	if w.api == nil {
		return false
	}
	t := w.names.template
	return slices.ContainsFunc(t.LogicalIDs(), func(id string) bool {
		if typ, _ := t.Type(id); typ != "AWS::ApiGateway::Method" {
			return false
		}
		method, _ := t.Property(id, "HttpMethod").(string)
		of, _ := t.Property(id, "ResourceId").(map[string]any)
		return of["Fn::GetAtt"] != nil && (method == http.MethodPost || method == "ANY")
	})
}

// serveAWS answers a call of an AWS service.
func (s *Stack) serveAWS(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(body []byte, done answered) {
		signature, signed := awsapi.SignatureOf(r)
		c, wire, refused := awsapi.Decode(r, body, signature.Service)
		answer := func(out []byte, err error) {
			res := wire.Encode(c.Action, out, awsapi.Known(err), s.newRequestID())
			done(res.Status, res.Header, res.Body)
		}
		caller, err := s.verify(r, body, signature, signed, wire)
		switch {
		case err != nil:
			answer(nil, err)
		case refused != nil:
			answer(nil, refused)
		default:
			c.Caller = caller
			if c.Service == "sts" && c.Action == "GetCallerIdentity" {
				c.Input = accessKeyInput(signature.AccessKey)
			}
			s.bus.Do(c, answer)
		}
	})
}

// newRequestID is an id in the form of AWS's, the same in every run with the same calls.
func (s *Stack) newRequestID() string {
	s.endpoint.answered++
	id := hexID(fmt.Sprintf("%d %d", s.opts.Seed, s.endpoint.answered))
	return fmt.Sprintf("%s-%s-4%s-a%s-%s", id[:8], id[8:12], id[12:15], id[15:18], id[18:30])
}

// verify checks a request's signature as AWS does, and returns who signed it: a role, a user, or the account ("").
//
// Source: IAM User Guide, "Troubleshoot Signature Version 4 signing", and the common errors of each service's API reference.
func (s *Stack) verify(r *http.Request, body []byte, sig awsapi.Signature, signed bool, wire awsapi.Wire) (caller string, err error) {
	refuse := func(kind awsapi.AuthError, format string, args ...any) (string, error) {
		return "", wire.AuthError(kind, fmt.Sprintf(format, args...))
	}
	if !signed {
		return refuse(awsapi.MissingToken, "Request is missing Authentication Token")
	}
	if sig.Presigned {
		return "", &api.Error{Code: awsapi.CodeNotSimulated, Status: http.StatusNotImplemented, Message: "not simulated: presigned requests to AWS services; sign the header Authorization"}
	}
	caller, secret, known := s.principalOf(sig.AccessKey)
	if !known || !s.isTokenOf(sig.AccessKey, r.Header.Get("X-Amz-Security-Token")) {
		return refuse(awsapi.UnknownKey, "The security token included in the request is invalid.")
	}
	if sig.Region != s.opts.Region {
		return refuse(awsapi.BadSignature, "Credential should be scoped to a valid region. This stack runs in %s.", s.opts.Region)
	}
	at, parsed := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if parsed != nil {
		return refuse(awsapi.BadSignature, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	now := s.kernel.Now()
	if s.opts.RealTime { // Who signs outside has not skipped the time that the stack has.
		now = time.Now()
	}
	if now.Sub(at).Abs() > clockSkew {
		return refuse(awsapi.BadSignature, "Signature expired: %s is more than %s from %s: the stack's time is not yours",
			at.Format("20060102T150405Z"), clockSkew, now.UTC().Format("20060102T150405Z"))
	}
	again, failed := signedAgain(&apigateway.Request{Method: r.Method, Host: r.Host, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Header: r.Header, Body: body},
		sig.Headers, aws.Credentials{AccessKeyID: sig.AccessKey, SecretAccessKey: secret}, sig.Service, sig.Region, at)
	_, value, _ := strings.Cut(again, "Signature=")
	if failed != nil || subtle.ConstantTimeCompare([]byte(value), []byte(sig.Value)) != 1 {
		return refuse(awsapi.BadSignature, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return caller, nil
}

// isTokenOf reports whether a session token belongs to a key. Keys of an account or a user have none.
func (s *Stack) isTokenOf(accessKey, token string) bool {
	if assumed, ok := s.endpoint.sessions[accessKey]; ok {
		return token == assumed.credentials.SessionToken
	}
	if _, ok := s.opts.Identities[accessKey]; ok {
		return true
	}
	p := s.principals()[accessKey]
	return p.token == "" || token == p.token
}
