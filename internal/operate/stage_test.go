package operate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/operate"
	"github.com/orderflow-cdk/orderflow/internal/servetest"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
)

// stage is the app's stack, served, and the one who operates it.
type stage struct {
	*operate.Stack
	t     *testing.T
	local *local.Stack
	url   string
	// lost makes the n-th request of an action, from 1, be answered by nobody: before it takes effect if it is negative. 0: none.
	lost     map[string]int
	mu       sync.Mutex
	received []string // the events that hooks.example was told
	gone     bool     // it answers 410
}

// newStage runs the template of an environment, as change changes it.
func newStage(t *testing.T, env string, change func([]byte) []byte) *stage {
	t.Helper()
	template, err := snapshot.Template(env)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		template = change(template)
	}
	s := &stage{t: t, lost: map[string]int{}}
	hosts := local.Hosts{"hooks.example": http.HandlerFunc(s.hook)}
	s.local, s.url = servetest.Start(t, "", func(url string) (*local.Stack, error) {
		return localapp.FromTemplate(env, template, local.Options{Seed: 1, RealTime: true, Endpoint: url, Egress: localapp.Egress(hosts)})
	})
	if err := localapp.PutStock(s.local, localapp.StockLevel{SKU: "tea", Available: 1000}); err != nil {
		t.Fatal(err)
	}
	s.open(env, s.local.RootCredentials())
	return s
}

// open has somebody operate the stack.
func (s *stage) open(env string, c aws.Credentials) {
	s.t.Helper()
	cfg := aws.Config{
		Region: s.local.Region(), BaseEndpoint: &s.url, HTTPClient: &losing{s, http.DefaultClient},
		Credentials:      credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
		RetryMaxAttempts: 1,
	}
	var err error
	if s.Stack, err = operate.Open(s.t.Context(), cfg, "orderflow-"+env); err != nil {
		s.t.Fatal(err)
	}
	s.SetClock(s.local.Now, func(ctx context.Context, d time.Duration) error {
		s.pass(d)
		return ctx.Err()
	})
}

// hook is a tenant's endpoint.
func (s *stage) hook(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		w.WriteHeader(http.StatusGone)
		return
	}
	s.received = append(s.received, r.Header.Get("webhook-id"))
	w.WriteHeader(http.StatusNoContent)
}

// hooks says whether the tenants' endpoint is gone, and returns what it was told so far.
func (s *stage) hooks(gone bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = gone
	return slices.Clone(s.received)
}

// losing is the network of the one who operates.
type losing struct {
	s *stage
	*http.Client
}

// Do implements aws.HTTPClient.
func (l *losing) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if form, err := url.ParseQuery(string(body)); err == nil && form.Has("Action") {
		action = form.Get("Action")
	}
	if r.URL.Path == "/graphql" {
		action = "graphql"
	}
	l.s.mu.Lock()
	n := l.s.lost[action]
	if n != 0 {
		l.s.lost[action] = n - n/max(n, -n)
	}
	l.s.mu.Unlock()
	if n != 0 {
		if n == -1 {
			return nil, io.ErrUnexpectedEOF
		}
		if n == 1 {
			if res, err := l.Client.Do(r); err == nil {
				_ = res.Body.Close()
			}
			return nil, io.ErrUnexpectedEOF
		}
	}
	return l.Client.Do(r)
}

// request makes a request of the API as a user of a tenant, and reads its answer.
func (s *stage) request(method, path, tenant, body string, answer any) {
	s.t.Helper()
	token, err := s.local.IDToken("ada", map[string]any{"custom:tenant": tenant})
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 || answer != nil && json.Unmarshal(text, answer) != nil {
		s.t.Fatalf("%s %s: %s: %s (%v)", method, path, res.Status, text, err)
	}
}

// order submits an order and returns its id.
func (s *stage) order(tenant string) string {
	s.t.Helper()
	var a struct{ OrderID string }
	s.request("POST", "/orders", tenant, `{"currency":"EUR","items":[{"sku":"tea","quantity":1,"unitPrice":250}],"payment":{"method":"card","token":"tok_visa"},`+
		`"shipTo":{"name":"Ada","line1":"1 St","city":"Paris","postalCode":"75001","country":"FR"}}`, &a)
	return a.OrderID
}

// status is where an order stands.
func (s *stage) status(tenant, order string) string {
	s.t.Helper()
	var a struct{ Status string }
	s.request("GET", "/orders/"+order+"/status", tenant, "", &a)
	return a.Status
}

// becomes waits until an order has a status, and lets time pass that would only be waited for.
func (s *stage) becomes(tenant, order, status string) {
	s.t.Helper()
	for range 100 {
		if s.status(tenant, order) == status {
			return
		}
		s.local.RunUntilIdle(10 * time.Minute)
		time.Sleep(time.Millisecond)
	}
	s.t.Fatalf("%s is %s, want %s", order, s.status(tenant, order), status)
}

// pass lets time pass, without running ahead of who answers outside of the stack.
func (s *stage) pass(d time.Duration) {
	end := s.local.Now().Add(d)
	s.local.RunUntilIdle(d)
	if rest := end.Sub(s.local.Now()); rest > 0 {
		s.local.Advance(rest)
	}
}

// faults sets all faults that there are.
func (s *stage) faults(all ...local.Fault) {
	s.t.Helper()
	if err := s.local.SetFaults(all...); err != nil {
		s.t.Fatal(err)
	}
}

// call makes a call of a service from outside, with its answer.
func (s *stage) call(service, action string, in, out any) {
	s.t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := s.local.Call(service, action, b)
	if err != nil {
		s.t.Fatalf("%s:%s: %v", service, action, err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			s.t.Fatal(err)
		}
	}
}

// depth is how many messages are in a queue, received or not.
func (s *stage) depth(output string) int {
	s.t.Helper()
	_, n, err := s.local.Messages(s.Outputs[output], 0, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	return n.Visible + n.InFlight + n.Delayed
}
