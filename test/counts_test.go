package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// written are the figures that functions wrote into their logs in the embedded metric format: values by
// namespace, dimensions and name.
func written(t *testing.T, log []byte) map[string][]float64 {
	t.Helper()
	all := map[string][]float64{}
	lines := bufio.NewScanner(bytes.NewReader(log))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !strings.Contains(lines.Text(), `"_aws"`) {
			continue
		}
		var head struct {
			AWS struct {
				Timestamp         int64
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name, Unit string }
				}
			} `json:"_aws"`
		}
		var values map[string]any
		if err := json.Unmarshal(lines.Bytes(), &head); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		if err := json.Unmarshal(lines.Bytes(), &values); err != nil {
			t.Fatal(err)
		}
		for _, directive := range head.AWS.CloudWatchMetrics {
			for _, dimensions := range directive.Dimensions {
				of := map[string]string{}
				for _, d := range dimensions {
					of[d], _ = values[d].(string)
				}
				for _, m := range directive.Metrics {
					key := metricKey(directive.Namespace, m.Name, of)
					switch v := values[m.Name].(type) {
					case float64:
						all[key] = append(all[key], v)
					case []any:
						if len(v) == 0 || len(v) > 100 {
							t.Errorf("%d values of %s in a line, which may have 1–100", len(v), key)
						}
						for _, one := range v {
							all[key] = append(all[key], one.(float64))
						}
					default:
						t.Errorf("the line has no value of %s: %s", key, lines.Text())
					}
				}
			}
		}
	}
	return all
}

func metricKey(namespace, name string, dimensions map[string]string) string {
	return fmt.Sprint(namespace, " ", name, " ", dimensions)
}

func sum(values []float64) (s float64) {
	for _, v := range values {
		s += v
	}
	return s
}

// flow is prod of the app on this machine, in virtual time.
type flow struct {
	*local.Stack
	t    *testing.T
	logs bytes.Buffer
}

func newFlow(t *testing.T) *flow {
	t.Helper()
	return newFlowOf(t, stacks(t)["orderflow-prod"].text(t))
}

func newFlowOf(t *testing.T, template []byte) *flow {
	t.Helper()
	f := &flow{t: t}
	var err error
	if f.Stack, err = localapp.FromTemplate("prod", template, local.Options{Seed: 1, Logs: &f.logs}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	if err := localapp.PutStock(f.Stack, localapp.StockLevel{SKU: "KB-1001", Available: 1_000_000}); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *flow) do(method, url, body string, header ...string) (int, map[string]any) {
	f.t.Helper()
	token, err := f.IDToken("ada", map[string]any{record.TenantClaim: "acme"})
	if err != nil {
		f.t.Fatal(err)
	}
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	r.Header = http.Header{"Authorization": {token}, "Content-Type": {"application/json"}}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	var fields map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &fields) // what is no object has no fields
	return w.Code, fields
}

// order submits an order, and returns its id.
func (f *flow) order(sku, card string, header ...string) string {
	f.t.Helper()
	code, fields := f.do("POST", "/orders", `{"currency":"EUR","items":[{"sku":"`+sku+`","quantity":1,"unitPrice":100}],"payment":{"method":"card","token":"`+card+
		`"},"shipTo":{"name":"Ada","line1":"1 St","city":"Paris","postalCode":"75001","country":"FR"}}`, header...)
	if code != http.StatusAccepted {
		f.t.Fatalf("the order was answered %d: %v", code, fields)
	}
	return fields["orderId"].(string)
}

func (f *flow) fault(faults ...local.Fault) {
	f.t.Helper()
	if err := f.SetFaults(faults...); err != nil {
		f.t.Fatal(err)
	}
}

// figures are the sums, or for times the number of values, of what notify wrote of orders.
func (f *flow) figures() map[string]float64 {
	got := map[string]float64{}
	for key, values := range written(f.t, f.logs.Bytes()) {
		for _, name := range []string{record.OrdersAccepted, record.OrdersCompleted, record.OrdersRejected, record.OrdersFailed, record.OrdersCancelled} {
			if key == metricKey("orderflow/prod", name, map[string]string{"Function": "notify"}) {
				got[name] = sum(values)
			}
		}
		if key == metricKey("orderflow/prod", record.TimeToCompleted, map[string]string{"Function": "notify"}) {
			got[record.TimeToCompleted] = float64(len(values))
			for _, v := range values {
				if v <= 0 || v > 60_000 {
					f.t.Errorf("an order took %v ms", v)
				}
			}
		}
	}
	return got
}

// ends submits orders of all kinds, and returns how many of each.
func (f *flow) ends() map[string]float64 {
	f.t.Helper()
	for range 20 {
		f.order("KB-1001", "tok_visa")
	}
	for range 3 {
		f.order("KB-1001", "tok_declined")
	}
	f.order("NO-SUCH", "tok_visa")
	f.order("KB-1001", "tok_down") // gives up after all retries
	f.order("KB-1001", "tok_visa", "Idempotency-Key", "k")
	f.order("KB-1001", "tok_visa", "Idempotency-Key", "k") // the same order
	id := f.order("KB-1001", "tok_visa")
	if code, answer := f.do("DELETE", "/orders/"+id+"/status", ""); code != http.StatusAccepted {
		f.t.Fatalf("cancelling was answered %d: %v", code, answer)
	}
	f.Advance(2 * time.Hour)
	return map[string]float64{
		record.OrdersAccepted: 27, record.OrdersCompleted: 21, record.OrdersRejected: 4, record.OrdersFailed: 1, record.OrdersCancelled: 1,
		record.TimeToCompleted: 21,
	}
}

func TestOrdersAreCountedByTheirEnds(t *testing.T) {
	f := newFlow(t)
	want := f.ends()
	if diff := cmp.Diff(want, f.figures()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// While the topic refuses every third call, batches come again in part or whole, and AppSync's function has nothing to
// do with it: each order is counted once.
func TestRepeatedBatchesAreCountedOnce(t *testing.T) {
	f := newFlow(t)
	refuse := local.Fault{Target: "sns:PublishBatch", Kind: local.FailWith, ErrorName: "InternalError", Probability: 0.3}
	f.fault(refuse)
	want := f.ends()
	got := f.figures()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if failed := written(t, f.logs.Bytes())[metricKey("orderflow/prod", record.TopicEventsFailed, map[string]string{"Function": "notify"})]; len(failed) == 0 {
		t.Error("nothing failed")
	}
}

// TestRefusedRequestsAreCounted has the local log service apply the filter to the access log of a stage that admits few.
func TestRefusedRequestsAreCounted(t *testing.T) {
	template := stacks(t)["orderflow-prod"]
	f := newFlowOf(t, bytes.ReplaceAll(bytes.ReplaceAll(template.text(t), []byte(`"ThrottlingBurstLimit": 2000`), []byte(`"ThrottlingBurstLimit": 3`)),
		[]byte(`"ThrottlingRateLimit": 1000`), []byte(`"ThrottlingRateLimit": 0.01`)))
	codes := map[int]int{}
	for range 10 {
		code, _ := f.do("GET", "/orders/nobody-s/status", "")
		codes[code]++
	}
	if diff := cmp.Diff(map[int]int{http.StatusNotFound: 3, http.StatusTooManyRequests: 7}, codes); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
	filters := template.resources("AWS::Logs::MetricFilter")
	if len(filters) != 1 {
		t.Fatalf("%d metric filters", len(filters))
	}
	group, _ := template.target(filters[0].Properties["LogGroupName"])
	in, err := json.Marshal(map[string]any{"logGroupName": "orderflow-prod-" + group.ID, "filterPattern": filters[0].Properties["FilterPattern"]})
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Call("logs", "FilterLogEvents", in)
	if err != nil {
		t.Fatal(err)
	}
	var found struct{ Events []struct{ Message string } }
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	if len(found.Events) != codes[http.StatusTooManyRequests] {
		t.Errorf("the filter counts %d, want %d: %s", len(found.Events), codes[http.StatusTooManyRequests], out)
	}
}

// TestTheFunctionsWriteTheMetricsThatAreLookedAt, and no others: each costs money. Those of the dashboard and the alarms are held against what a run of
// everything writes.
func TestTheFunctionsWriteTheMetricsThatAreLookedAt(t *testing.T) {
	template := stacks(t)["orderflow-prod"]
	var logs bytes.Buffer
	s, err := localapp.Exercise("prod", template.text(t), local.Options{Seed: 1, Logs: &logs}, nil)
	if s != nil {
		t.Cleanup(s.Close)
	}
	if err != nil {
		t.Fatal(err)
	}
	f := &flow{Stack: s, t: t}
	// What an exercise does without: AWS fails in each function, somebody meddles, and clients are too fast.
	if _, err := s.Call("dynamodb", "PutItem", []byte(`{"TableName":"`+s.Outputs()["OrdersTableName"]+
		`","Item":{"pk":{"S":"x#y"},"sk":{"S":"STATUS"},"status":{"S":"LOST"}}}`)); err != nil {
		t.Fatal(err)
	}
	if code, answer := f.do("POST", "/webhooks", `{"url":"https://hooks.acme.example/again"}`); code != http.StatusCreated {
		t.Fatalf("%d: %v", code, answer)
	}
	for _, target := range []string{"dynamodb:PutItem", "sns:PublishBatch", "dynamodb:BatchGetItem", "dynamodb:TransactWriteItems"} {
		f.fault(local.Fault{Target: target, Kind: local.FailWith, ErrorName: "InternalServerError", Times: 20})
		f.order("KB-1001", "tok_visa")
		f.Advance(10 * time.Minute)
	}
	f.fault()
	f.order("KB-1001", "tok_down")
	f.Advance(time.Hour)
	// No fault is one of AppSync, but it refuses whoever may not publish.
	mute := newFlowOf(t, bytes.ReplaceAll(template.text(t), []byte(`"appsync:GraphQL"`), []byte(`"appsync:GetGraphqlApi"`)))
	mute.order("KB-1001", "tok_visa")
	mute.Advance(time.Minute)

	emitted := map[string]bool{}
	for key := range written(t, append(logs.Bytes(), mute.logs.Bytes()...)) {
		emitted[key] = true
	}
	for _, filter := range template.resources("AWS::Logs::MetricFilter") { // TestRefusedRequestsAreCounted
		for _, m := range list(filter.Properties["MetricTransformations"]) {
			emitted[metricKey(at(m, "MetricNamespace").(string), at(m, "MetricName").(string), map[string]string{})] = true
		}
	}
	looked := map[string]bool{}
	for _, m := range append(everyAlarmsMetrics(template), dashboardMetrics(t, template)...) {
		if m.namespace == "orderflow/prod" {
			looked[metricKey(m.namespace, m.name, m.dimensions)] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(emitted)), slices.Sorted(maps.Keys(looked))); diff != "" {
		t.Errorf("what is written (-) and what is looked at (+):\n%s", diff)
	}
}
