package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
)

// Identity is who signs requests with an access key: for methods that IAM
// authorizes, and for AWS's services. What it may do is not in the template, so everything
// is allowed to it that no policy of a resource denies.
type Identity struct {
	// SecretAccessKey is the key's secret.
	SecretAccessKey string
	// AccountID is the caller's account; default the stack's own.
	AccountID string
	// UserARN is the caller's ARN; default a user of that account named as the key.
	UserARN string
	// UserID is the caller's unique id, default the access key.
	UserID string
}

// clockSkew is how far a signature's time may be from the gateway's: "within
// five minutes" (IAM User Guide, Signature Version 4, Troubleshooting).
const clockSkew = 5 * time.Minute

// identify checks the signature of a request to the gateway.
func (s *Stack) identify(r *apigateway.Request, _ string) (*apigateway.Identity, error) {
	return s.signer("execute-api", r)
}

// signer checks the Signature Version 4 of a request to a service by signing it
// again, with the headers that its client signed.
func (s *Stack) signer(to string, r *apigateway.Request) (*apigateway.Identity, error) {
	given := r.Header.Get("Authorization")
	parameters, ok := strings.CutPrefix(given, "AWS4-HMAC-SHA256 ")
	if !ok {
		return nil, apigateway.ErrMissingToken
	}
	field := map[string]string{}
	for p := range strings.SplitSeq(parameters, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		field[name] = value
	}
	// <access key>/<date>/<region>/<service>/aws4_request
	scope := strings.Split(field["Credential"], "/")
	if len(scope) != 5 {
		return nil, apigateway.ErrInvalidSignature
	}
	key, region, service := scope[0], scope[2], scope[3]
	caller, secret, known := s.principalOf(key)
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if !known || err != nil || region != s.opts.Region || service != to {
		return nil, apigateway.ErrInvalidSignature
	}
	skew := s.kernel.Now().Sub(at).Abs()
	if s.opts.RealTime { // Who signs outside has not skipped the time that the stack has.
		skew = min(skew, time.Since(at).Abs())
	}
	if skew > clockSkew {
		return nil, apigateway.ErrExpiredToken
	}
	again, err := signedAgain(r, strings.Split(field["SignedHeaders"], ";"), aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, to, region, at)
	if err != nil || again != given {
		return nil, apigateway.ErrInvalidSignature
	}
	if id, ok := s.opts.Identities[key]; ok {
		return id.withDefaults(key, s.opts.AccountID).caller(key), nil
	}
	if caller == "" {
		caller = "arn:aws:iam::" + s.opts.AccountID + ":root"
	}
	return Identity{UserARN: caller}.withDefaults(key, s.opts.AccountID).caller(key), nil
}

func signedAgain(r *apigateway.Request, headers []string, c aws.Credentials, service, region string, at time.Time) (string, error) {
	u := &url.URL{Scheme: "https", Host: r.Host, RawQuery: r.RawQuery}
	var err error
	if u.Path, err = url.PathUnescape(r.Path); err != nil {
		return "", err
	}
	u.RawPath = r.Path
	req := &http.Request{Method: r.Method, URL: u, Host: r.Host, Header: http.Header{}, Body: http.NoBody}
	for _, name := range headers {
		name = http.CanonicalHeaderKey(name)
		if values := r.Header.Values(name); len(values) > 0 {
			req.Header[name] = values
		}
		if name == "Content-Length" {
			req.ContentLength = int64(len(r.Body))
		}
	}
	sum := sha256.Sum256(r.Body)
	if err := v4.NewSigner().SignHTTP(context.Background(), c, req, hex.EncodeToString(sum[:]), service, region, at); err != nil {
		return "", err
	}
	return req.Header.Get("Authorization"), nil
}

func (i Identity) withDefaults(key, account string) Identity {
	if i.AccountID == "" {
		i.AccountID = account
	}
	if i.UserARN == "" {
		i.UserARN = fmt.Sprintf("arn:aws:iam::%s:user/%s", i.AccountID, key)
	}
	if i.UserID == "" {
		i.UserID = key
	}
	return i
}

func (i Identity) caller(key string) *apigateway.Identity {
	return &apigateway.Identity{AccountID: i.AccountID, AccessKey: key, Caller: i.UserID, User: i.UserID, UserARN: i.UserARN}
}
