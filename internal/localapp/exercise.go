package localapp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
)

// Exercise runs an environment and has the app do all that it can do: orders that end in every way, cancellations,
// webhooks that are managed, delivered and given up, what subscribers read, and what happens when a channel is down for long. It
// is for reports of what a run used. template is the environment's; nil stands for the committed one. It takes about four simulated days, less
// than a second of real ones.
//
// stop is asked now and then whether it is enough; nil stands for never. Then, and without an error, the app did what it should
// have done. The stack is to be closed by the caller, also with an error.
func Exercise(environment string, template []byte, o local.Options, stop func(*local.Stack) bool) (*local.Stack, error) {
	if template == nil {
		var err error
		if template, err = snapshot.Template(environment); err != nil {
			return nil, err
		}
	}
	answering := func(status int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	}
	o.Egress = Egress(local.Hosts{"hooks.acme.example": answering(http.StatusNoContent), "broken.acme.example": answering(http.StatusInternalServerError),
		"gone.acme.example": answering(http.StatusGone)})
	s, err := FromTemplate(environment, template, o)
	if err != nil {
		return nil, err
	}
	x := &exercise{Stack: s, stop: stop}
	stock := []StockLevel{{"KB-1001", 1_000_000}, {"RARE", 1}}
	for i := range many {
		stock = append(stock, StockLevel{manySKU(i), 1_000})
	}
	if err := PutStock(s, stock...); err != nil {
		return s, err
	}
	for _, step := range []func(){
		x.webhooks, x.orders, x.cancellation, x.compensation, x.undelivered, x.givenUp, x.outage,
	} {
		if x.enough() {
			return s, nil
		}
		step()
	}
	if x.enough() {
		return s, nil
	}
	return s, errors.Join(x.errs...)
}

type exercise struct {
	*local.Stack
	stop func(*local.Stack) bool
	over bool
	errs []error
}

func (x *exercise) enough() bool {
	x.over = x.over || x.stop != nil && x.stop(x.Stack)
	return x.over
}

func (x *exercise) failed(format string, args ...any) {
	x.errs = append(x.errs, fmt.Errorf("exercise: "+format, args...))
}

// do is a request of the tenant's user. The answer's status has to be the one that is wanted.
func (x *exercise) do(method, url, body string, want int, header ...string) map[string]any {
	if x.enough() {
		return nil
	}
	token, err := x.IDToken("user-of-acme", map[string]any{record.TenantClaim: "acme"})
	if err != nil {
		x.failed("%w", err)
	}
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	r.Header = http.Header{"Authorization": {token}, "Content-Type": {"application/json"}}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	x.ServeHTTP(w, r)
	if w.Code != want {
		x.failed("%s %s: status %d, want %d: %s", method, url, w.Code, want, w.Body)
	}
	var fields map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &fields) // what is no object has no fields
	return fields
}

// many is how many lines a reservation writes in one transaction.
const many = 99

func manySKU(i int) string { return fmt.Sprintf("M-%03d", i) }

// order places an order and returns its id. What is ordered is a SKU, or several with commas between them.
func (x *exercise) order(skus, card string, header ...string) string {
	var items []string
	for sku := range strings.SplitSeq(skus, ",") {
		items = append(items, `{"sku":"`+sku+`","quantity":2,"unitPrice":4990}`)
	}
	body := `{"currency":"EUR","items":[` + strings.Join(items, ",") + `],"payment":{"method":"card","token":"` + card + `"},` +
		`"shipTo":{"name":"Ada","line1":"1 St","city":"Paris","postalCode":"75001","country":"FR"}}`
	id, _ := x.do(http.MethodPost, "/orders", body, http.StatusAccepted, header...)["orderId"].(string)
	return id
}

// until lets time pass until something is so.
func (x *exercise) until(limit, step time.Duration, what string, is func() bool) {
	for end := x.Now().Add(limit); !x.enough(); x.Advance(step) {
		if is() {
			return
		}
		if x.Now().After(end) {
			x.failed("not within %v: %s", limit, what)
			return
		}
	}
}

// becomes lets time pass until an order has a status.
func (x *exercise) becomes(id, status string, step time.Duration) {
	if id == "" {
		return
	}
	x.until(10*time.Minute, step, id+" is "+status, func() bool {
		return x.do(http.MethodGet, "/orders/"+id+"/status", "", http.StatusOK)["status"] == status
	})
}

func (x *exercise) fault(faults ...local.Fault) {
	if err := x.SetFaults(faults...); err != nil {
		x.failed("%w", err)
	}
}

// messages is how many messages are in a queue of an output.
func (x *exercise) messages(output string) int {
	in, err := json.Marshal(map[string]any{"QueueUrl": x.Outputs()[output], "AttributeNames": []string{"ApproximateNumberOfMessages"}})
	if err != nil {
		x.failed("%w", err)
	}
	out, err := x.Call("sqs", "GetQueueAttributes", in)
	if err != nil {
		x.failed("%w", err)
	}
	var answer struct {
		Attributes struct {
			ApproximateNumberOfMessages int `json:",string"`
		}
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		x.failed("%w", err)
	}
	return answer.Attributes.ApproximateNumberOfMessages
}

func (x *exercise) webhooks() {
	id, _ := x.do(http.MethodPost, "/webhooks", `{"url":"https://hooks.acme.example/in"}`, http.StatusCreated)["id"].(string)
	x.do(http.MethodGet, "/webhooks", "", http.StatusOK)
	x.do(http.MethodGet, "/webhooks/"+id, "", http.StatusOK)
	x.do(http.MethodPost, "/webhooks/"+id+"/rotate", "", http.StatusOK)
	x.do(http.MethodPost, "/webhooks/"+id+"/test", "", http.StatusAccepted)
	gone, _ := x.do(http.MethodPost, "/webhooks", `{"url":"https://hooks.acme.example/gone"}`, http.StatusCreated)["id"].(string)
	x.do(http.MethodDelete, "/webhooks/"+gone, "", http.StatusNoContent)
	x.Advance(10 * time.Second)
}

func (x *exercise) orders() {
	paid := x.order("KB-1001", "tok_visa")
	x.becomes(paid, "COMPLETED", time.Second)
	x.do(http.MethodGet, "/orders/"+paid, "", http.StatusOK)
	query, err := json.Marshal(map[string]any{"query": `query($id: ID!) { order(orderId: $id) { status } }`, "variables": map[string]string{"id": paid}})
	if err != nil {
		x.failed("%w", err)
	}
	if found := x.do(http.MethodPost, x.Outputs()["GraphQLUrl"], string(query), http.StatusOK); !x.over && found["errors"] != nil {
		x.failed("GraphQL: %v", found)
	}
	x.becomes(x.order("KB-1001", "tok_declined"), "REJECTED", time.Second)
	x.becomes(x.order("NO-SUCH", "tok_visa"), "REJECTED", time.Second)
	x.becomes(x.order("RARE", "tok_visa"), "REJECTED", time.Second)
	var skus strings.Builder // the last of which is unknown, so that those before it are given back
	for i := range many {
		skus.WriteString(manySKU(i) + ",")
	}
	x.becomes(x.order(skus.String()+"NO-SUCH", "tok_visa"), "REJECTED", time.Second)
	x.becomes(x.order("KB-1001", "tok_flaky"), "COMPLETED", time.Second)
	first := x.order("KB-1001", "tok_visa", "Idempotency-Key", "k")
	x.becomes(first, "COMPLETED", time.Second)
	x.order("KB-1001", "tok_declined", "Idempotency-Key", "k") // a conflict, which is counted
	x.Advance(time.Minute)
}

func (x *exercise) cancellation() {
	id := x.order("KB-1001", "tok_flaky")
	x.becomes(id, "RESERVED", 10*time.Millisecond)
	x.do(http.MethodDelete, "/orders/"+id+"/status", "", http.StatusAccepted)
	x.becomes(id, "CANCELLED", time.Second)
}

// compensation has steps fail for good, so that what was done is undone, or what may have been done.
func (x *exercise) compensation() {
	for _, step := range []string{"ship", "reserve"} {
		x.fault(local.Fault{Target: step, Kind: local.FailWith, ErrorName: "Broken"})
		x.becomes(x.order("KB-1001", "tok_visa"), "FAILED", time.Second)
		x.fault()
	}
	// One that cannot be undone for a while, with which an Express workflow needs another execution.
	x.fault(local.Fault{Target: "ship", Kind: local.FailWith, ErrorName: "Broken"}, local.Fault{Target: "release", Kind: local.FailWith, ErrorName: "Broken"})
	id := x.order("KB-1001", "tok_visa")
	x.Advance(time.Minute)
	x.fault()
	x.becomes(id, "FAILED", time.Second)
	x.Advance(time.Minute)
}

// undelivered has the topic fail to send to the queue of webhooks for good.
func (x *exercise) undelivered() {
	id := x.order("KB-1001", "tok_visa")
	x.fault(local.Fault{Target: "sqs:SendMessage", Kind: local.FailWith, ErrorName: "InvalidMessageContents", Times: 1})
	x.becomes(id, "COMPLETED", time.Second)
	x.until(time.Hour, 10*time.Second, "an event in the subscription's dead letters", func() bool { return x.messages("SubscriptionDeadLetterQueueUrl") > 0 })
	x.fault()
}

// givenUp has a webhook fail until its deliveries are given up.
func (x *exercise) givenUp() {
	id, _ := x.do(http.MethodPost, "/webhooks", `{"url":"https://broken.acme.example/in"}`, http.StatusCreated)["id"].(string)
	x.becomes(x.order("KB-1001", "tok_visa"), "COMPLETED", time.Second)
	x.until(96*time.Hour, time.Hour, "a delivery in the webhooks' dead letters", func() bool { return x.messages("WebhooksDeadLetterQueueUrl") > 0 })
	x.do(http.MethodPost, "/webhooks/"+id+"/enable", "", http.StatusOK)
	x.do(http.MethodDelete, "/webhooks/"+id, "", http.StatusNoContent)

	gone, _ := x.do(http.MethodPost, "/webhooks", `{"url":"https://gone.acme.example/in"}`, http.StatusCreated)["id"].(string)
	x.becomes(x.order("KB-1001", "tok_visa"), "COMPLETED", time.Second)
	x.until(time.Hour, time.Second, "the endpoint that is gone, disabled", func() bool {
		return x.do(http.MethodGet, "/webhooks/"+gone, "", http.StatusOK)["enabled"] == false
	})
	x.do(http.MethodDelete, "/webhooks/"+gone, "", http.StatusNoContent)
}

// outage has nobody told of a change until it is given up.
func (x *exercise) outage() {
	x.fault(local.Fault{Target: "notify", Kind: local.FailWith})
	x.becomes(x.order("KB-1001", "tok_visa"), "COMPLETED", time.Second)
	x.until(24*time.Hour, 30*time.Minute, "changes in the queue of failures", func() bool { return x.messages("OutboxFailureQueueUrl") > 0 })
	x.Advance(time.Hour) // and the other channel's
	x.fault()
}
