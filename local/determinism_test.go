package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
)

// traceOf is all that a run tells, a line for each event, and its logs: orders and webhooks, faults that chance decides, a reload,
// a websocket's worth of frames.
func traceOf(t *testing.T, environment string, seed uint64) (trace []string, logs string) {
	t.Helper()
	var lines bytes.Buffer
	hosts := local.Hosts{"hook.example.com": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = local.Sleep(r.Context(), 30*time.Millisecond) // or less: the sender tells
		w.WriteHeader(http.StatusNoContent)
	})}
	s, err := localapp.New(environment, local.Options{
		Seed: seed, Egress: localapp.Egress(hosts), Logs: &lines,
		OnEvent: func(e local.Event) {
			e.Detail = comparable(e.Detail)
			b, err := json.Marshal(e)
			if err != nil {
				t.Error(err)
			}
			trace = append(trace, string(b))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 30}); err != nil { // two each: the last find none
		t.Fatal(err)
	}
	if err := s.SetFaults(
		local.Fault{Target: "dynamodb:*", Kind: local.Throttle, Probability: 0.05},
		local.Fault{Target: "charge", Kind: local.CrashAfter, Probability: 0.1},
		local.Fault{Target: "sqs:*", Kind: local.Duplicate, Probability: 0.1},
		local.Fault{Target: "states:*", Kind: local.Slow, Delay: 20 * time.Millisecond, Probability: 0.1},
	); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(s.Outputs()["ApiUrl"], client.Options{
		HTTPClient: &http.Client{Transport: s.Transport()}, Now: s.Now,
		Authorize: client.IDToken(func(context.Context) (string, error) {
			return s.IDToken("u", map[string]any{record.TenantClaim: "acme"})
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = c.CreateWebhook(t.Context(), client.NewWebhook{URL: "https://hook.example.com/"}) // unless a fault comes in between
	template, err := snapshot.Template(environment)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		_, _ = c.Submit(t.Context(), orderBody(i), client.SubmitOptions{IdempotencyKey: key(0, i)}) // its own would be drawn
		s.Advance(50 * time.Millisecond)
		if i == 12 {
			if err := s.Reload(template); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.SetFaults(); err != nil {
		t.Fatal(err)
	}
	if !s.RunUntilIdle(24 * time.Hour) {
		t.Fatal("the stack does not come to rest")
	}
	return trace, lines.String()
}

// drawn is what code draws from crypto/rand by itself, as it must: secrets, and the SDK's tokens of idempotency.
var drawn = regexp.MustCompile(`whsec_[A-Za-z0-9+/=]+|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// comparable is a text without what the seed does not decide: that, and the order in which the SDK writes the members of a map.
func comparable(detail string) string {
	detail = drawn.ReplaceAllString(detail, "-")
	var v any
	if json.Unmarshal([]byte(detail), &v) != nil {
		return detail
	}
	b, err := json.Marshal(v)
	if err != nil {
		return detail
	}
	return string(b)
}

// TestSameSeedSameRun: everything that happens, when, and in which order, is decided by the seed; another seed decides otherwise.
func TestSameSeedSameRun(t *testing.T) {
	for _, environment := range []string{"dev", "staging"} {
		t.Run(environment, func(t *testing.T) {
			trace, logs := traceOf(t, environment, 7)
			again, logsAgain := traceOf(t, environment, 7)
			for i := range min(len(trace), len(again)) {
				if trace[i] != again[i] {
					t.Fatalf("event %d of %d and %d is another:\n%s", i, len(trace), len(again), cmp.Diff(trace[max(0, i-3):i+1], again[max(0, i-3):i+1]))
				}
			}
			if len(trace) != len(again) {
				t.Errorf("%d events, then %d", len(trace), len(again))
			}
			if diff := cmp.Diff(strings.Split(logs, "\n"), strings.Split(logsAgain, "\n")); diff != "" {
				t.Errorf("logs (-first +again):\n%s", diff)
			}
			kinds := map[local.EventKind]int{}
			for _, line := range trace {
				var e local.Event
				if err := json.Unmarshal([]byte(line), &e); err != nil {
					t.Fatal(err)
				}
				kinds[e.Kind]++
			}
			for _, kind := range []local.EventKind{local.EventRequest, local.EventCall, local.EventInvocation, local.EventState, local.EventLog, local.EventHTTP, local.EventFault} {
				if kinds[kind] == 0 {
					t.Errorf("no event of kind %s: %v", kind, kinds)
				}
			}
			if other, _ := traceOf(t, environment, 8); cmp.Equal(trace, other) {
				t.Error("another seed gives the same run")
			}
		})
	}
}
