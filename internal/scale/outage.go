package scale

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/cost"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/payment"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
)

// Outage is a run of prod's template in virtual time: orders come steadily, something is out of order for a while, and is well again.
type Outage struct {
	// Name identifies it, Title is for people.
	Name  string `json:"name"`
	Title string `json:"title"`
	// Rate is how many orders come in a second, at equal distances.
	Rate float64 `json:"rate"`
	// Before, Lasts and After are how long all is well, how long it is not, and how long orders go on to come when it is well again.
	Before time.Duration `json:"before"`
	Lasts  time.Duration `json:"lasts"`
	After  time.Duration `json:"after"`
	// Faults are set for the outage.
	Faults []local.Fault `json:"faults,omitempty"`
	// Provider and Endpoint say that the payment provider, or the tenant's webhook, answers 503 meanwhile.
	Provider bool `json:"provider,omitempty"`
	Endpoint bool `json:"endpoint,omitempty"`
	// Every is the distance of samples; default 10 s.
	Every time.Duration `json:"every,omitempty"`
	// Concurrency replaces the MaximumConcurrency of the mapping of orders; 0 leaves it.
	Concurrency int `json:"concurrency,omitempty"`
	// Patient has the step Charge tried again for about an hour instead of seconds.
	Patient bool `json:"patient,omitempty"`
}

// Sample is what there is at one moment.
type Sample struct {
	// At is the time since the outage began, in seconds; below 0 before it.
	At int `json:"at"`
	// Waiting are the messages of the queue, in flight or not; Age is how many seconds the oldest has waited.
	Waiting int `json:"waiting"`
	Age     int `json:"age"`
	// Dead are the messages of its dead-letter queue.
	Dead int `json:"dead"`
	// Running are executions under way.
	Running int `json:"running"`
}

// Result is what an outage came to.
type Result struct {
	Outage
	Samples []Sample `json:"samples"`
	// Peak is the most that waited, Oldest the highest age in seconds.
	Peak   int `json:"peak"`
	Oldest int `json:"oldest"`
	// Drained is how many seconds after the end of the outage no more waited than before it; -1 if it did not come to that.
	Drained int `json:"drained"`
	// Dead are the messages in the dead-letter queue in the end, Statuses counts orders by their status then.
	Dead     int            `json:"dead"`
	Statuses map[string]int `json:"statuses"`
	// Service is the mean time of an invocation of intake while it catches up, in seconds; 0 without one.
	Service float64 `json:"service"`
	// Delivered are the webhooks that reached the endpoint.
	Delivered int `json:"delivered,omitempty"`
}

// outage is a run under way.
type outage struct {
	Outage
	*local.Stack
	token     string
	signedIn  time.Time
	queue     string // logical id of what is watched
	dead      string
	down      bool
	delivered int
	running   int
	drains    bool // the outage is over, and there are full batches still
	batches   int
	busy      time.Duration
}

const hooksHost = "hooks.example"

// Run runs it. The same outage always comes to the same result.
func (o Outage) Run() (*Result, error) {
	r := &outage{Outage: o, queue: "ApiQueue", dead: "ApiDeadLetterQueue"}
	if o.Endpoint {
		r.queue, r.dead = "StatusDeliveryQueue", "StatusDeliveryDeadLetters"
	}
	if err := r.start(); err != nil {
		return nil, fmt.Errorf("outage %s: %w", o.Name, err)
	}
	defer r.Close()
	result, err := r.run()
	if err != nil {
		return nil, fmt.Errorf("outage %s: %w", o.Name, err)
	}
	return result, nil
}

func (r *outage) start() error {
	text, err := snapshot.Template("prod")
	if err != nil {
		return err
	}
	if text, err = r.changed(text); err != nil {
		return err
	}
	assume := cost.DefaultAssumptions()
	r.Stack, err = localapp.FromTemplate("prod", text, local.Options{
		Seed: 1, KeepHistories: 1, Compute: assume.Compute(), Egress: egress{r, localapp.Egress(local.Hosts{hooksHost: http.HandlerFunc(r.receive)}), assume.Provider},
		OnEvent: r.observe,
	})
	if err != nil {
		return err
	}
	if err := localapp.PutStock(r.Stack, localapp.StockLevel{SKU: "KB-1001", Available: 1 << 40}); err != nil {
		return err
	}
	r.queue, r.dead = r.logicalID(r.queue), r.logicalID(r.dead)
	if r.Endpoint {
		return r.request("POST", "/webhooks", `{"url":"https://`+hooksHost+`/orders"}`, http.StatusCreated)
	}
	return nil
}

// changed is the template with the outage's settings.
func (r *outage) changed(text []byte) ([]byte, error) {
	if r.Concurrency == 0 && !r.Patient {
		return text, nil
	}
	if r.Patient { // longer than an Express execution lasts
		var err error
		if text, err = cost.WithWorkflow(text, cost.Standard); err != nil {
			return nil, err
		}
	}
	var template map[string]any
	if err := json.Unmarshal(text, &template); err != nil {
		return nil, err
	}
	for id, v := range template["Resources"].(map[string]any) {
		p, _ := v.(map[string]any)["Properties"].(map[string]any)
		if strings.HasPrefix(id, "IntakeFunctionSqsEventSource") && r.Concurrency > 0 {
			p["ScalingConfig"] = map[string]any{"MaximumConcurrency": r.Concurrency}
		}
		if definition, ok := p["DefinitionString"].(string); ok && r.Patient {
			var machine map[string]any
			if err := json.Unmarshal([]byte(definition), &machine); err != nil {
				return nil, err
			}
			retries := machine["States"].(map[string]any)["Charge"].(map[string]any)["Retry"].([]any)
			all := retries[len(retries)-1].(map[string]any)
			all["MaxAttempts"], all["MaxDelaySeconds"] = patientAttempts, patientDelay
			changed, err := json.Marshal(machine)
			if err != nil {
				return nil, err
			}
			p["DefinitionString"] = string(changed)
		}
	}
	return json.Marshal(template)
}

// With full jitter the delays are half of 1, 2, 4, … 300 s on average: 40 attempts are about 80 minutes.
const (
	patientAttempts = 40
	patientDelay    = 300
)

// logicalID is that of the one queue whose id begins with a name and ends in the CDK's hash.
func (r *outage) logicalID(name string) string {
	for id := range r.Glance().Queues {
		if strings.HasPrefix(id, name) && len(id) == len(name)+8 {
			return id
		}
	}
	return name
}

func (r *outage) request(method, path, body string, want int) error {
	if r.Now().Sub(r.signedIn) > 30*time.Minute { // a token is good for an hour
		var err error
		if r.token, err = r.IDToken("user", map[string]any{record.TenantClaim: "acme"}); err != nil {
			return err
		}
		r.signedIn = r.Now()
	}
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Authorization", r.token)
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	r.ServeHTTP(rec, req)
	if rec.Code != want {
		return fmt.Errorf("%s %s is answered %d: %s", method, path, rec.Code, rec.Body)
	}
	return nil
}

func (r *outage) every() time.Duration {
	if r.Outage.Every > 0 {
		return r.Outage.Every
	}
	return 10 * time.Second
}

// observe counts executions under way, and takes the time of intake's invocations while it catches up.
func (r *outage) observe(e local.Event) {
	switch {
	case e.Kind == local.EventState && e.Action == "ExecutionStarted":
		r.running++
	case e.Kind == local.EventState && strings.HasPrefix(e.Action, "Execution"):
		r.running--
	case e.Kind == local.EventInvocation && r.drains && strings.HasPrefix(e.To, "IntakeFunction") && e.Err == "":
		r.batches++
		r.busy += e.Duration
	}
}

// receive is the tenant's endpoint.
func (r *outage) receive(w http.ResponseWriter, _ *http.Request) {
	if r.Endpoint && r.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	r.delivered++
	w.WriteHeader(http.StatusNoContent)
}

// egress is the outside: the provider takes its time, and can be out of order.
type egress struct {
	outage *outage
	next   http.RoundTripper
	time   time.Duration
}

// RoundTrip implements http.RoundTripper.
func (e egress) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Hostname() != hooksHost {
		if err := local.Sleep(req.Context(), e.time); err != nil {
			return nil, err
		}
		if e.outage.Provider && e.outage.down {
			rec := httptest.NewRecorder()
			rec.WriteHeader(http.StatusServiceUnavailable)
			return rec.Result(), nil
		}
	}
	return e.next.RoundTrip(req)
}

const orderText = `{"currency":"EUR","items":[{"sku":"KB-1001","quantity":2,"unitPrice":4990}],"payment":{"method":"card","token":"` + payment.TokenVisa +
	`"},"shipTo":{"name":"Ada","line1":"1 St","city":"Paris","postalCode":"75001","country":"FR"}}`

func (r *outage) run() (*Result, error) {
	result := &Result{Outage: r.Outage, Drained: -1}
	began := r.Now().Add(r.Before)
	if err := r.orders(r.Before, began, result); err != nil {
		return nil, err
	}
	normal := 0
	for _, s := range result.Samples {
		normal = max(normal, s.Waiting)
	}
	if err := r.fail(true); err != nil {
		return nil, err
	}
	if err := r.orders(r.Lasts, began, result); err != nil {
		return nil, err
	}
	if err := r.fail(false); err != nil {
		return nil, err
	}
	if err := r.orders(r.After, began, result); err != nil {
		return nil, err
	}
	for _, s := range result.Samples {
		result.Peak, result.Oldest = max(result.Peak, s.Waiting), max(result.Oldest, s.Age)
		if since := s.At - int(r.Lasts.Seconds()); result.Drained < 0 && since > 0 && s.Waiting <= max(normal, int(r.Rate)) {
			result.Drained = since
		}
	}
	result.Dead = result.Samples[len(result.Samples)-1].Dead
	result.Delivered = r.delivered
	if r.batches > 0 {
		result.Service = (r.busy / time.Duration(r.batches)).Seconds()
	}
	var err error
	result.Statuses, err = r.statuses()
	return result, err
}

// fail begins or ends the outage.
func (r *outage) fail(down bool) error {
	r.down = down
	if !down {
		return r.SetFaults()
	}
	return r.SetFaults(r.Outage.Faults...)
}

// fullBatch is the BatchSize of the mapping of orders.
const fullBatch = 10

// orders has orders come for a while, and takes samples.
func (r *outage) orders(d time.Duration, began time.Time, result *Result) error {
	interval := time.Duration(float64(time.Second) / r.Rate)
	start := r.Now()
	sample := start
	for i := 0; ; i++ {
		at := start.Add(time.Duration(i) * interval)
		if !at.Before(start.Add(d)) {
			break
		}
		for sample.Before(at) || sample.Equal(at) {
			r.until(sample)
			result.Samples = append(result.Samples, r.sample(began))
			sample = sample.Add(r.every())
		}
		r.until(at)
		if err := r.request("POST", "/orders", orderText, http.StatusAccepted); err != nil {
			return err
		}
	}
	r.until(start.Add(d))
	return nil
}

func (r *outage) until(t time.Time) {
	if d := t.Sub(r.Now()); d > 0 {
		r.Advance(d)
	}
}

func (r *outage) sample(began time.Time) Sample {
	s := Sample{At: int(r.Now().Sub(began).Round(time.Second).Seconds())}
	g := r.Glance()
	q := g.Queues[r.queue]
	s.Waiting = q.Visible + q.Delayed + q.InFlight
	d := g.Queues[r.dead]
	s.Dead = d.Visible + d.Delayed + d.InFlight
	s.Running = r.running
	r.drains = s.At >= int(r.Lasts.Seconds()) && s.Waiting > fullBatch*max(r.Concurrency, 1)
	if m, _, err := r.Messages(r.queue, 0, 1); err == nil && len(m) > 0 {
		s.Age = int(r.Now().Sub(m[0].Sent).Seconds())
	}
	return s
}

// statuses counts the orders of the table by their status.
func (r *outage) statuses() (map[string]int, error) {
	counts := map[string]int{}
	in := map[string]any{
		"TableName": r.Outputs()["OrdersTableName"], "FilterExpression": "sk = :s", "ProjectionExpression": "#s",
		"ExpressionAttributeNames": map[string]string{"#s": record.Status}, "ExpressionAttributeValues": map[string]any{":s": map[string]string{"S": record.StatusItem}},
	}
	for {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		out, err := r.Call("dynamodb", "Scan", text)
		if err != nil {
			return nil, err
		}
		var page struct {
			Items            []map[string]struct{ S string }
			LastEvaluatedKey map[string]any
		}
		if err := json.Unmarshal(out, &page); err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			counts[item[record.Status].S]++
		}
		if len(page.LastEvaluatedKey) == 0 {
			return counts, nil
		}
		in["ExclusiveStartKey"] = page.LastEvaluatedKey
	}
}
