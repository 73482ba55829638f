package client

import (
	"context"
	"errors"
	"net/http"
)

// IDToken authorizes with a token of a Cognito user pool, sent as it is: what the
// API's authorizer and AppSync expect. The source is asked for every attempt, so
// it should keep the token until it expires.
func IDToken(source func(context.Context) (string, error)) func(*http.Request) error {
	return token("", source)
}

// BearerToken authorizes with a token after the word Bearer, for Lambda authorizers
// and gateways that expect that.
func BearerToken(source func(context.Context) (string, error)) func(*http.Request) error {
	return token("Bearer ", source)
}

func token(prefix string, source func(context.Context) (string, error)) func(*http.Request) error {
	return func(req *http.Request) error {
		t, err := source(req.Context())
		if err != nil {
			return err
		}
		if t == "" {
			return errors.New("the token is empty")
		}
		req.Header.Set("Authorization", prefix+t)
		return nil
	}
}

// Static is a source of a token that does not change.
func Static(token string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return token, nil }
}

// APIKey authorizes with an API key, of API Gateway or of AppSync.
func APIKey(key string) func(*http.Request) error {
	return func(req *http.Request) error {
		if key == "" {
			return errors.New("the API key is empty")
		}
		req.Header.Set("X-Api-Key", key)
		return nil
	}
}
