package appsync_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
)

// identifyKey knows one access key, and checks its signatures by signing
// again what the client says that it signed.
func identifyKey(method, host, path, query string, h http.Header, body []byte) (*appsync.IAMIdentity, error) {
	given := h.Get("Authorization")
	_, signed, _ := strings.Cut(given, "SignedHeaders=")
	signed, _, _ = strings.Cut(signed, ",")
	at, err := time.Parse("20060102T150405Z", h.Get("X-Amz-Date"))
	if err != nil {
		return nil, err
	}
	req := &http.Request{Method: method, URL: &url.URL{Scheme: "https", Host: host, Path: path, RawQuery: query}, Host: host, Header: http.Header{}, Body: http.NoBody}
	for name := range strings.SplitSeq(signed, ";") {
		if v := h.Get(name); v != "" {
			req.Header.Set(name, v)
		}
	}
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, req, hex.EncodeToString(sum[:]), "appsync", "us-east-1", at); err != nil {
		return nil, err
	}
	if again := req.Header.Get("Authorization"); again != given {
		return nil, errors.New("signed " + given + ", expected " + again)
	}
	return &appsync.IAMIdentity{AccountID: "123456789012", UserARN: "arn:aws:iam::123456789012:user/u", Username: "AKIDEXAMPLE"}, nil
}
