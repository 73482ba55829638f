package scenarios_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/handler"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// taker is the app's intake with a table that, for orders with the word
// "stumble" in their notes, is out of order so many times.
type taker struct {
	outages int
	// taken are the notes of the orders that were recorded, in that order.
	taken []string
}

func (k *taker) meddle(a act, do func() (*http.Response, error)) (*http.Response, error) {
	if a.op != "dynamodb.PutItem" {
		return do()
	}
	body, err := io.ReadAll(a.req.Body)
	if err != nil {
		return nil, err
	}
	a.req.Body = io.NopCloser(bytes.NewReader(body))
	var in struct {
		Item struct{ Body struct{ S string } }
	}
	var sent struct{ Notes string }
	if json.Unmarshal(body, &in) != nil || json.Unmarshal([]byte(in.Item.Body.S), &sent) != nil || sent.Notes == "" {
		return do()
	}
	if strings.Contains(sent.Notes, "stumble") && k.outages > 0 {
		k.outages--
		return refusing(a, http.StatusBadRequest, "ResourceNotFoundException"), nil
	}
	if !slices.Contains(k.taken, sent.Notes) {
		k.taken = append(k.taken, sent.Notes)
	}
	return do()
}

// of returns those of the notes that begin with the prefix.
func of(notes []string, prefix string) []string {
	var some []string
	for _, n := range notes {
		if strings.HasPrefix(n, prefix) {
			some = append(some, n)
		}
	}
	return some
}

func TestATenantsOrdersKeepTheirOrderAndNobodyElses(t *testing.T) {
	k := &taker{outages: 2}
	s := variant(t, fifoByTenant, meddle(handler.Intake, k.meddle))
	acme, globex := caller(t, s, "Authorization", "acme"), caller(t, s, "Authorization", "globex")
	var locations []string
	var want []string
	for i := range 12 {
		notes := fmt.Sprintf("acme %02d", i)
		if i == 3 {
			notes += " stumble"
		}
		want = append(want, notes)
		locations = append(locations, acme.submit(order("tok_visa", notes)))
	}
	s.Advance(10 * time.Second)
	if got := of(k.taken, "acme"); len(got) > 3 {
		t.Errorf("orders were taken before the one that waits to be tried again: %v", got)
	}
	theirs := globex.submit(order("tok_visa", "globex 1"))
	started := s.Now()
	globex.settle(theirs)
	if took := s.Now().Sub(started); took > 15*time.Second {
		t.Errorf("another tenant's order took %v", took)
	}
	if k.outages == 0 {
		t.Error("there is no outage left: the test shows nothing")
	}
	for _, location := range locations {
		if got := path(acme.settle(location)); got != "ACCEPTED RESERVED PAID COMPLETED" {
			t.Errorf("status path %q", got)
		}
	}
	if diff := cmp.Diff(want, of(k.taken, "acme")); diff != "" {
		t.Errorf("a tenant's orders were taken in another order than sent:\n%s", diff)
	}
	if left := available(t, s, "KB-1001"); left != 1_000_000-13*2 {
		t.Errorf("%d left of KB-1001 after 13 orders of 2", left)
	}
}

// An order that never can be taken lets those behind it go on once it is dead.
func TestADeadOrderLetsItsTenantGoOn(t *testing.T) {
	k := &taker{outages: 5}
	s := variant(t, fifoByTenant, meddle(handler.Intake, k.meddle))
	c := caller(t, s, "Authorization", "acme")
	dead := c.submit(order("tok_visa", "acme 1 stumble"))
	next := c.submit(order("tok_visa", "acme 2"))
	c.settle(next)
	url := s.Outputs()["DeadLetterQueueUrl"]
	if n := messages(t, s, url); n != 1 || len(k.taken) != 1 {
		t.Fatalf("%d messages are dead, taken %v", n, k.taken)
	}
	if status := c.do("GET", dead, "").want(200).text("status"); status != "QUEUED" {
		t.Errorf("the dead order's status is %s", status)
	}
	redrive(t, s, url)
	if got := path(c.settle(dead)); got != "ACCEPTED RESERVED PAID COMPLETED" {
		t.Errorf("status path %q", got)
	}
	if n := executions(t, s); n != 2 {
		t.Errorf("%d executions, want 2", n)
	}
}

// SQS drops what is sent again within five minutes: intake never sees it.
func TestTheSameKeyInAFIFOQueue(t *testing.T) {
	k := &taker{outages: 1}
	s := variant(t, expressByOrder, meddle(handler.Intake, k.meddle))
	c := caller(t, s, "X-Api-Key", acmeKey)
	po := c.with("Idempotency-Key", "po-1")
	first := po.submit(order("tok_visa", "stumble first"))
	if again := po.submit(order("tok_visa", "second")); again != first {
		t.Errorf("the same key gave %s and %s", first, again)
	}
	other := c.submit(order("tok_visa", "other"))
	c.settle(other)
	if status := c.do("GET", first, "").want(200).text("status"); status != "QUEUED" {
		t.Fatalf("the order that stumbles is %s: the test shows nothing", status)
	}
	// Polls count against the key's quota: let the time go by without them.
	s.Advance(6 * time.Minute)
	result := c.settle(first)
	sent, _ := result["order"].(map[string]any)
	if sent["notes"] != "stumble first" || result["conflicts"] != nil || path(result) != "ACCEPTED RESERVED PAID COMPLETED" {
		t.Errorf("notes %v, conflicts %v, %s", sent["notes"], result["conflicts"], path(result))
	}
	po.submit(order("tok_visa", "third"))
	s.Advance(time.Minute)
	if result := c.settle(first); result["conflicts"] != 1.0 || path(result) != "ACCEPTED RESERVED PAID COMPLETED" {
		t.Errorf("after five minutes: conflicts %v, %s", result["conflicts"], path(result))
	}
	if left := available(t, s, "KB-1001"); left != 1_000_000-2*2 {
		t.Errorf("%d left of KB-1001 after two orders of 2", left)
	}
}

// Two runs of one Express execution do what one does.
func TestAnExpressOrderThatIsDeliveredTwice(t *testing.T) {
	twice := func(r local.Runtime) (local.Handler, error) {
		h, err := localapp.Functions()[handler.Intake](r)
		return handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
			if _, err := h.Invoke(ctx, payload); err != nil {
				return nil, err
			}
			return h.Invoke(ctx, payload)
		}), err
	}
	s := variant(t, expressByOrder, map[string]local.NewFunction{handler.Intake: twice})
	c := caller(t, s, "X-Api-Key", acmeKey)
	for _, tt := range []struct{ token, path string }{
		{"tok_visa", "ACCEPTED RESERVED PAID COMPLETED"},
		{"tok_flaky", "ACCEPTED RESERVED PAID COMPLETED"},
		{"tok_declined", "ACCEPTED RESERVED REJECTED"},
	} {
		result := c.settle(c.submit(order(tt.token, "")))
		if got := path(result); got != tt.path {
			t.Errorf("%s: status path %q, want %q", tt.token, got, tt.path)
		}
	}
	s.Advance(10 * time.Minute)
	if left := available(t, s, "KB-1001"); left != 1_000_000-2*2 {
		t.Errorf("%d left of KB-1001 after two orders of 2", left)
	}
}
