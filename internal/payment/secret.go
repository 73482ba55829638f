package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// StoredSecret is an API key in Secrets Manager: either the secret's whole text,
// or the member "apiKey" of a JSON object. It is fetched when it is first needed.
type StoredSecret struct {
	Client *secretsmanager.Client
	ARN    string

	// Not a mutex around the fetch: in the local stack a call of AWS is where
	// another invocation goes on. Fetching twice does no harm.
	value atomic.Pointer[string]
}

// Value implements Secret.
func (s *StoredSecret) Value(ctx context.Context) (string, error) {
	if v := s.value.Load(); v != nil {
		return *v, nil
	}
	out, err := s.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(s.ARN)})
	if err != nil {
		return "", fmt.Errorf("payment: API key: %w", err)
	}
	value, err := apiKey(aws.ToString(out.SecretString))
	if err != nil {
		return "", err
	}
	s.value.Store(&value)
	return value, nil
}

// Forget implements Secret.
func (s *StoredSecret) Forget() { s.value.Store(nil) }

// apiKey never puts the secret's text into an error.
func apiKey(secret string) (string, error) {
	secret = strings.TrimSpace(secret)
	if strings.HasPrefix(secret, "{") {
		var m struct {
			APIKey string `json:"apiKey"`
		}
		if err := json.Unmarshal([]byte(secret), &m); err != nil {
			return "", &PaymentRequestInvalid{Reason: "the secret is neither plain text nor a JSON object"}
		}
		secret = m.APIKey
	}
	if secret == "" || strings.ContainsAny(secret, "\r\n") {
		return "", &PaymentRequestInvalid{Reason: `the secret holds no API key: store it as plain text or as {"apiKey":"…"}`}
	}
	return secret, nil
}
