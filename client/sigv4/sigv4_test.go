package sigv4

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestAuthorize(t *testing.T) {
	now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	defer func() { now = time.Now }()
	var fail error
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "session"}, fail
	})
	sign := func(service, body string) string {
		req, err := http.NewRequest(http.MethodPost, "https://api.example/live/orders", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := Authorize(credentials, "eu-central-1", service)(req); err != nil {
			t.Fatal(err)
		}
		if req.Header.Get("X-Amz-Date") != "20260102T030405Z" || req.Header.Get("X-Amz-Security-Token") != "session" {
			t.Errorf("%v", req.Header)
		}
		got := make([]byte, 10)
		if n, _ := req.Body.Read(got); string(got[:n]) != body {
			t.Errorf("the body is used up: %q", got[:n])
		}
		return req.Header.Get("Authorization")
	}
	a := sign(AppSync, `{"a":1}`)
	if !strings.HasPrefix(a, "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-central-1/appsync/aws4_request, SignedHeaders=") || !strings.Contains(a, "host;") {
		t.Error(a)
	}
	if a != sign(AppSync, `{"a":1}`) || a == sign(AppSync, `{"a":2}`) || a == sign(APIGateway, `{"a":1}`) {
		t.Error("the signature does not depend on body and service alone")
	}
	fail = errors.New("no role")
	req, _ := http.NewRequest(http.MethodGet, "https://api.example/", nil)
	if err := Authorize(credentials, "eu-central-1", APIGateway)(req); !errors.Is(err, fail) {
		t.Errorf("%v", err)
	}
}
