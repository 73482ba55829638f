package publish_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/publish"
)

func paid(t *testing.T, edit func(*event.Event)) *publish.Message {
	t.Helper()
	e := event.Event{
		ID: "a-YQ:3", Type: "order.paid", OrderID: "a-YQ", Tenant: "a", Status: "PAID", PreviousStatus: "RESERVED", Sequence: 3,
		OccurredAt: time.UnixMilli(1764000005250),
		Changes:    event.Changes{Results: map[string]json.RawMessage{"Charge": json.RawMessage(`{"chargeId":"ch_1"}`)}},
	}
	if edit != nil {
		edit(&e)
	}
	m, err := publish.NewMessage(e, "YQ")
	if err != nil {
		t.Fatal(err)
	}
	return &m
}

// script answers one request after the other: a status and a body, or no answer if the status is 0.
type script struct {
	answers  []answer
	requests []*http.Request
	bodies   []string
}

type answer struct {
	status int
	body   string
}

func (s *script) Do(req *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	s.requests, s.bodies = append(s.requests, req), append(s.bodies, string(b))
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	if a.status == 0 {
		return nil, errors.New("connection reset by peer")
	}
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

const done = `{"data":{"publishOrderStatus":{"id":"a-YQ:3"}}}`

func client(s *script, edit func(*aws.Config)) *publish.GraphQL {
	cfg := aws.Config{
		Region: "eu-central-1", HTTPClient: s, Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", "TOKEN"),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Microsecond, nil })
			})
		},
	}
	if edit != nil {
		edit(&cfg)
	}
	endpoint := &url.URL{Scheme: "https", Host: "abc.appsync-api.eu-central-1.amazonaws.com", Path: "/graphql"}
	return publish.NewGraphQL(cfg, endpoint, func() time.Time { return time.UnixMilli(1764000005250) }, context.WithTimeout)
}

func TestGraphQLRequest(t *testing.T) {
	s := &script{answers: []answer{{200, done}}}
	if err := client(s, nil).Publish(t.Context(), paid(t, nil)); err != nil {
		t.Fatal(err)
	}
	want := `{"query":"mutation Publish($event: OrderStatusEventInput!) { publishOrderStatus(event: $event) ` +
		`{ id type orderId tenant status previousStatus sequence occurredAt changes } }","variables":{"event":{"id":"a-YQ:3","type":"order.paid",` +
		`"orderId":"a-YQ","tenant":"a","status":"PAID","previousStatus":"RESERVED","sequence":3,"occurredAt":"2025-11-24T16:00:05.250Z",` +
		`"changes":"{\"results\":{\"Charge\":{\"chargeId\":\"ch_1\"}}}"}}}`
	if diff := cmp.Diff(want, s.bodies[0]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	h := s.requests[0].Header
	if !strings.HasPrefix(h.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKID/20251124/eu-central-1/appsync/aws4_request, SignedHeaders=") ||
		h.Get("X-Amz-Date") != "20251124T160005Z" || h.Get("X-Amz-Security-Token") != "TOKEN" || h.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", h)
	}
	s = &script{answers: []answer{{200, done}}}
	anonymous := client(s, func(c *aws.Config) { c.Credentials = aws.AnonymousCredentials{} })
	if err := anonymous.Publish(t.Context(), paid(t, nil)); err != nil || s.requests[0].Header.Get("Authorization") != "" {
		t.Errorf("anonymous: %v, %v", err, s.requests[0].Header)
	}
}

func TestGraphQLAnswers(t *testing.T) {
	const refused = `{"errors":[{"errorType":"UnauthorizedException","message":"no"}]}`
	tests := []struct {
		name    string
		answers []answer
		calls   int
		want    string // "": success
	}{
		{"at once", []answer{{200, done}}, 1, ""},
		{"throttled, then done", []answer{{429, ""}, {200, done}}, 2, ""},
		{"no answer, 503, then done", []answer{{0, ""}, {503, "busy"}, {200, done}}, 3, ""},
		{"always 500", []answer{{500, "{}"}}, 3, "AppSync publishOrderStatus: HTTP 500"},
		{"never an answer", []answer{{0, ""}}, 3, "AppSync publishOrderStatus: no answer: connection reset by peer"},
		{"not let in", []answer{{401, refused}}, 1, "AppSync publishOrderStatus: HTTP 401: UnauthorizedException: no"},
		{"errors in 200", []answer{{200, `{"data":null,"errors":[{"message":"a"},{"message":"b"}]}`}}, 1, "AppSync publishOrderStatus: HTTP 200: a (and 1 more)"},
		{"errors beside data", []answer{{200, done[:len(done)-1] + `,"errors":[{"message":"a"}]}`}}, 1, "AppSync publishOrderStatus: HTTP 200: a"},
		{"null", []answer{{200, `{"data":{"publishOrderStatus":null}}`}}, 1, "AppSync publishOrderStatus: HTTP 200: the answer has neither errors nor the event"},
		{"a page", []answer{{200, `<html>`}}, 1, "AppSync publishOrderStatus: HTTP 200: the answer is no JSON"},
		{"a redirect", []answer{{302, ""}}, 1, "AppSync publishOrderStatus: HTTP 302"},
	}
	for _, test := range tests {
		s := &script{answers: test.answers}
		err := client(s, nil).Publish(t.Context(), paid(t, nil))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != test.want || len(s.requests) != test.calls {
			t.Errorf("%s: %q after %d calls, want %q after %d", test.name, got, len(s.requests), test.want, test.calls)
		}
		for _, b := range s.bodies {
			if b != s.bodies[0] {
				t.Errorf("%s: an attempt sent another body", test.name)
			}
		}
	}
}

func TestGraphQLStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &script{answers: []answer{{503, ""}}}
	if err := client(s, nil).Publish(ctx, paid(t, nil)); err == nil || len(s.requests) > 1 {
		t.Errorf("%v after %d calls", err, len(s.requests))
	}
}

func TestNewMessageKeepsToTheSize(t *testing.T) {
	big := strings.Repeat("x", event.MaxSize)
	tests := []struct {
		name string
		edit func(*event.Event)
		want []string
	}{
		{"small", func(*event.Event) {}, nil},
		{"large results", func(e *event.Event) { e.Changes.Results["X"] = json.RawMessage(`"` + big + `"`) }, []string{"results"}},
		{"large detail", func(e *event.Event) { e.Changes.Detail = big }, []string{"results", "detail"}},
	}
	for _, test := range tests {
		m := paid(t, test.edit)
		if diff := cmp.Diff(test.want, m.Changes.Omitted); diff != "" || len(m.JSON) > event.MaxSize {
			t.Errorf("%s: %d bytes, omitted (-want +got)\n%s", test.name, len(m.JSON), diff)
		}
	}
	_, err := publish.NewMessage(event.Event{Tenant: big}, "YQ")
	var tooLarge *publish.TooLarge
	if !errors.As(err, &tooLarge) || tooLarge.Size <= event.MaxSize {
		t.Errorf("%v", err)
	}
}

// SQS takes no U+FFFE and no U+FFFF, and so a queue behind the topic would never get the event. As
// escapes it takes them.
func TestNewMessageHasOnlyWhatQueuesTake(t *testing.T) {
	const odd = "\uffff\ufffe\u0001\u2028\U0001ffff\ufffd"
	m := paid(t, func(e *event.Event) {
		e.Changes = event.Changes{Detail: odd, Results: map[string]json.RawMessage{"Charge": json.RawMessage(`{"text":"` + "\ufffe" + `"}`)}}
	})
	for _, r := range string(m.JSON) {
		if r < ' ' || r == 0xfffe || r == 0xffff {
			t.Errorf("%q in %s", r, m.JSON)
		}
	}
	var e event.Event
	if err := json.Unmarshal(m.JSON, &e); err != nil || e.Changes.Detail != odd {
		t.Errorf("%+q, %v", e.Changes.Detail, err)
	}
	if n := len(paid(t, func(e *event.Event) { e.Changes.Detail = strings.Repeat("\uffff", 5000) }).JSON); n > event.MaxSize {
		t.Errorf("%d bytes", n)
	}
}
