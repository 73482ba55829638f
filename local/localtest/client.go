package localtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// host is where clients find the stack; any but AWS's own will do.
const host = "localtest"

// Client makes requests of the stack's REST API and its GraphQL API. It is immutable.
type Client struct {
	stack     *Stack
	t         testing.TB
	header    http.Header
	authorize func(r *http.Request, body []byte, service string)
}

// Anonymous is a client without credentials.
func (s *Stack) Anonymous() *Client { return &Client{stack: s, t: s.t, header: http.Header{}} }

// SignedIn is a user of the template's Cognito user pool, with the claims that the ID token carries
// besides the standard ones. It signs in anew before a token expires.
func (s *Stack) SignedIn(user string, claims M) *Client {
	c := s.Anonymous()
	var (
		token  string
		issued time.Time
	)
	c.authorize = func(r *http.Request, _ []byte, _ string) {
		s.t.Helper()
		// Cognito's default lifetime is an hour.
		if token == "" || s.Now().Sub(issued) > 50*time.Minute {
			var err error
			if token, err = s.IDToken(user, claims); err != nil {
				s.t.Fatalf("localtest: signing in: %v", err)
			}
			issued = s.Now()
		}
		r.Header.Set("Authorization", token)
	}
	return c
}

// WithAPIKey is a client with an API key of the template, by the id that Ref gives: an
// output's value, or the logical id.
func (s *Stack) WithAPIKey(id string) *Client {
	s.t.Helper()
	key, err := s.APIKey(id)
	if err != nil {
		s.t.Fatalf("localtest: %v", err)
	}
	return s.Anonymous().With("X-Api-Key", key)
}

// SignedBy is a client that signs with AWS credentials, for methods that IAM authorizes: those of
// one of Options.Identities.
func (s *Stack) SignedBy(credentials aws.Credentials) *Client {
	c := s.Anonymous()
	c.authorize = func(r *http.Request, body []byte, service string) {
		s.t.Helper()
		if err := sign(r, credentials, body, service, s); err != nil {
			s.t.Fatalf("localtest: signing: %v", err)
		}
	}
	return c
}

// sign signs a request by the stack's clock.
func sign(r *http.Request, credentials aws.Credentials, body []byte, service string, s *Stack) error {
	sum := sha256.Sum256(body)
	return v4.NewSigner().SignHTTP(context.Background(), credentials, r, hex.EncodeToString(sum[:]), service, s.Region(), s.Now())
}

// With is the client with another header; an empty value takes it away.
func (c *Client) With(name, value string) *Client {
	other := *c
	other.header = c.header.Clone()
	if value == "" {
		other.header.Del(name)
	} else {
		other.header.Set(name, value)
	}
	return &other
}

// Response is the answer to a request.
type Response struct {
	Value
	Status int
	Header http.Header
}

// Do makes a request of the REST API and waits for its answer. A body that is a string or []byte is
// sent as it is, nil is none, and anything else is sent as JSON.
func (c *Client) Do(method, path string, body any) *Response {
	c.t.Helper()
	return c.do(method, path, body, "execute-api")
}

func (c *Client) do(method, path string, body any, service string) *Response {
	c.t.Helper()
	r := c.request(method, path, body, service)
	rec := httptest.NewRecorder()
	c.stack.ServeHTTP(rec, r)
	return &Response{Value{rec.Body.Bytes(), c.t}, rec.Code, rec.Result().Header}
}

func (c *Client) request(method, path string, body any, service string) *http.Request {
	c.t.Helper()
	var content []byte
	switch b := body.(type) {
	case nil:
	case string:
		content = []byte(b)
	case []byte:
		content = b
	default:
		content = encode(c.t, b)
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(content))
	r.Host, r.URL.Host, r.URL.Scheme = host, host, "http"
	r.Header = c.header.Clone()
	if body != nil && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.authorize != nil {
		c.authorize(r, content, service)
	}
	return r
}

// Want ends the test if the answer has another status.
func (r *Response) Want(status int) *Response {
	r.t.Helper()
	if r.Status != status {
		r.t.Fatalf("status %d, want %d\n%s", r.Status, status, r.Body)
	}
	return r
}

// Problem ends the test if the answer is no problem+json (RFC 9457) of that status with a title.
func (r *Response) Problem(status int) *Response {
	r.t.Helper()
	r.Want(status)
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	var p struct {
		Status int
		Title  string
	}
	if mediaType != "application/problem+json" || json.Unmarshal(r.Body, &p) != nil || p.Status != status || p.Title == "" {
		r.t.Fatalf("this is no problem+json of status %d, but %s:\n%s", status, mediaType, r.Body)
	}
	return r
}

// GraphQL makes a query or a mutation of the GraphQL API and returns its data. Errors end the
// test; a test of errors uses Do with "/graphql".
func (c *Client) GraphQL(query string, variables M) Value {
	c.t.Helper()
	r := c.do("POST", "/graphql", M{"query": query, "variables": variables}, "appsync").Want(http.StatusOK)
	var answer struct{ Data, Errors json.RawMessage }
	r.Decode(&answer)
	if len(answer.Errors) > 0 {
		c.t.Fatalf("localtest: GraphQL: %s", answer.Errors)
	}
	return Value{answer.Data, c.t}
}
