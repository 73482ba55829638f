// Package sigv4 signs the requests of package client with AWS credentials, for APIs that IAM
// authorizes:
//
//	config, err := config.LoadDefaultConfig(ctx)
//	c, err := client.New(url, client.Options{
//		Authorize:        sigv4.Authorize(config.Credentials, config.Region, sigv4.APIGateway),
//		GraphQLURL:       graphQLURL,
//		AuthorizeGraphQL: sigv4.Authorize(config.Credentials, config.Region, sigv4.AppSync),
//	})
//
// It is apart from package client, whose users need not depend on the AWS SDK.
package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Services for which requests are signed.
const (
	APIGateway = "execute-api"
	AppSync    = "appsync"
)

// now is replaced by tests.
var now = time.Now

// Authorize returns a function that signs a request by Signature Version 4. The credentials are
// asked for each time: wrap them in aws.NewCredentialsCache, as config.LoadDefaultConfig does.
func Authorize(credentials aws.CredentialsProvider, region, service string) func(*http.Request) error {
	signer := v4.NewSigner()
	return func(req *http.Request) error {
		c, err := credentials.Retrieve(req.Context())
		if err != nil {
			return fmt.Errorf("sigv4: %w", err)
		}
		hash, err := bodyHash(req)
		if err != nil {
			return fmt.Errorf("sigv4: the request's body: %w", err)
		}
		if err := signer.SignHTTP(req.Context(), c, req, hash, service, region, now()); err != nil {
			return fmt.Errorf("sigv4: %w", err)
		}
		return nil
	}
}

// bodyHash reads a copy of the body.
func bodyHash(req *http.Request) (string, error) {
	h := sha256.New()
	if req.Body != nil && req.Body != http.NoBody {
		if req.GetBody == nil {
			return "", fmt.Errorf("it can be read only once")
		}
		body, err := req.GetBody()
		if err != nil {
			return "", err
		}
		defer body.Close()
		if _, err := io.Copy(h, body); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
