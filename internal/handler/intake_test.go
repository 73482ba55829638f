package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/handler"
	"github.com/orderflow-cdk/orderflow/internal/order"
)

var environment = map[string]string{
	"LOG_LEVEL": "INFO", "METRICS_NAMESPACE": "orderflow", "RETENTION_DAYS": "110",
	"ORDERS_TABLE_NAME": "orders", "INVENTORY_TABLE_NAME": "inv", "PAYMENT_PROVIDER": "sandbox",
	"STATE_MACHINE_ARN":     "arn:aws:states:eu-central-1:111122223333:stateMachine:Saga",
	"TOPIC_ARN":             "arn:aws:sns:eu-central-1:111122223333:events",
	"GRAPHQL_ENDPOINT":      "https://abc.appsync-api.eu-central-1.amazonaws.com/graphql",
	"WEBHOOKS_TABLE_NAME":   "webhooks",
	"WEBHOOK_STATUSES":      "ACCEPTED,PAID,COMPLETED",
	"DELIVERY_QUEUE_URL":    "https://sqs.eu-central-1.amazonaws.com/111122223333/deliveries",
	"DEAD_LETTER_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/111122223333/dead",
	"COUNTED_ENDS":          "COMPLETED,REJECTED,FAILED,CANCELLED",
}

// now is when the tests happen: 5 s after the messages' acceptedAt.
func now() time.Time { return time.UnixMilli(1764000005250) }

// stage is a handler with the AWS that it calls and the log that it writes.
type stage struct {
	*awstest.Server
	handler lambda.Handler
	log     *bytes.Buffer
}

func newStage(t testing.TB, newHandler func(handler.Env) (lambda.Handler, error)) *stage {
	t.Helper()
	s := &stage{Server: awstest.New(), log: &bytes.Buffer{}}
	var err error
	s.handler, err = newHandler(handler.Env{
		Getenv: func(name string) string { return environment[name] },
		AWS:    s.Config(),
		Now:    now,
		Log:    s.log,

		Parallel:    oneAfterTheOther,
		WithTimeout: context.WithTimeout,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// oneAfterTheOther is Env.Parallel for a server that is for one goroutine.
func oneAfterTheOther(ctx context.Context, n int, f func(ctx context.Context, i int)) {
	for i := range n {
		f(ctx, i)
	}
}

func (s *stage) invoke(payload []byte) ([]byte, error) {
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "req-1"})
	return s.handler.Invoke(ctx, payload)
}

// deliver invokes intake with an event and returns the ids of the failed messages' last two digits.
func (s *stage) deliver(t testing.TB, event []byte) []string {
	t.Helper()
	out, err := s.invoke(event)
	if err != nil {
		t.Fatal(err)
	}
	var r events.SQSEventResponse
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	if r.BatchItemFailures == nil {
		t.Errorf("batchItemFailures is missing in %s", out)
	}
	var failed []string
	for _, f := range r.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier[len(f.ItemIdentifier)-2:])
	}
	return failed
}

func event(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Of the batch of 10: its first order.
const (
	orderID = "1764000000000-Q3nbaE7XliAEJ0w_-YWNtZQ"
	key     = "YWNtZQ#" + orderID
)

// batch cuts an event down to the messages with these indexes and lets change edit them.
func batch(t testing.TB, file string, change func(*events.SQSMessage), indexes ...int) []byte {
	t.Helper()
	var e, cut events.SQSEvent
	if err := json.Unmarshal(event(t, file), &e); err != nil {
		t.Fatal(err)
	}
	for _, i := range indexes {
		if change != nil {
			change(&e.Records[i])
		}
		cut.Records = append(cut.Records, e.Records[i])
	}
	b, err := json.Marshal(cut)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func body(b string) func(*events.SQSMessage) {
	return func(m *events.SQSMessage) { m.Body = b }
}

func TestIntakeRecordsAndStarts(t *testing.T) {
	s := newStage(t, handler.NewIntake)
	if failed := s.deliver(t, batch(t, "sqs-mixed.json", nil, 0)); failed != nil {
		t.Fatalf("failed: %v", failed)
	}
	sent := string(batch(t, "sqs-mixed.json", nil, 0))
	var e events.SQSEvent
	if err := json.Unmarshal([]byte(sent), &e); err != nil {
		t.Fatal(err)
	}
	const hash = "payloadHash"
	expires := awstest.N(1764000005 + 110*24*3600)
	wantBody := awstest.Item{
		"pk": awstest.S(key), "sk": awstest.S("ORDER"), "body": awstest.S(e.Records[0].Body),
		hash: s.Items["orders/"+key+"/ORDER"][hash], "expiresAt": expires,
	}
	if diff := cmp.Diff(wantBody, s.Items["orders/"+key+"/ORDER"]); diff != "" {
		t.Errorf("ORDER (-want +got)\n%s", diff)
	}
	at := awstest.S("2025-11-24T16:00:05.250Z")
	wantStatus := awstest.Item{
		"pk": awstest.S(key), "sk": awstest.S("STATUS"), "tenant": awstest.S("acme"), "orderId": awstest.S(orderID),
		"status": awstest.S("ACCEPTED"), "sequence": awstest.N(1), "updatedAt": at,
		"acceptedAt": awstest.S("2025-11-24T16:00:00.000Z"), hash: wantBody[hash], "expiresAt": expires,
		"results": map[string]any{"M": map[string]any{}},
		"history": map[string]any{"L": []any{map[string]any{"M": map[string]any{
			"sequence": awstest.N(1), "status": awstest.S("ACCEPTED"), "at": at,
		}}}},
	}
	if diff := cmp.Diff(wantStatus, s.Items["orders/"+key+"/STATUS"]); diff != "" {
		t.Errorf("STATUS (-want +got)\n%s", diff)
	}
	wantInput := `{"pk":"` + key + `","tenant":"acme","orderId":"` + orderID + `","order":{"currency":"EUR",` +
		`"items":[{"sku":"KB-1001","quantity":2,"unitPrice":4990}],"payment":{"method":"card","token":"tok_visa"},` +
		`"shipTo":{"name":"Zoë Ω","line1":"1 rue de la République","city":"Lyon","postalCode":"69001","country":"FR"}}}`
	if diff := cmp.Diff([]awstest.Execution{{Name: orderID, Input: wantInput}}, s.Executions); diff != "" {
		t.Errorf("executions (-want +got)\n%s", diff)
	}
}

func TestIntakeTellsMessagesApart(t *testing.T) {
	s := newStage(t, handler.NewIntake)
	failed := s.deliver(t, event(t, "sqs-mixed.json"))
	if diff := cmp.Diff([]string{"02"}, failed); diff != "" {
		t.Errorf("failed messages (-want +got)\n%s", diff)
	}
	got := map[string]string{}
	for path, it := range s.Items {
		if awstest.Text(it, "sk") == "STATUS" {
			got[path[strings.Index(path, "#")+1:]] = awstest.Text(it, "status") + " " + awstest.Text(it, "reason") + " " + awstest.Text(it, "detail")
		}
	}
	long := "k-YSBsb25nIGlkZW1wb3RlbmN5IGtleSB0aGF0IGEgY2xpZW50IGNob3NlIGZvciBpdHNlbGYsIG9mIHNvbWUgODAgY2hhcmFjdGVycy4u-Z2xvYmV4L2V1"
	want := map[string]string{
		orderID + "/STATUS":                            "ACCEPTED  ",
		"1764000000001-Q3nbaE7XliAEJ0w_-YWNtZQ/STATUS": "REJECTED InvalidOrder /items/0/quantity: must be 1 to 1000",
		long + "/STATUS":                               "ACCEPTED  ",
		"1764000000004-Q3nbaE7XliAEJ0w_-YWNtZQ/STATUS": "REJECTED InvalidOrder the body is not JSON: invalid character 'o' in literal null (expecting 'u')",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statuses (-want +got)\n%s", diff)
	}
	// sha256("Z2xvYmV4L2V1#" + long): the id is too long for a name.
	name := "h-" + sha256hex("Z2xvYmV4L2V1#"+long)
	if len(s.Executions) != 2 || s.Executions[0].Name != orderID || s.Executions[1].Name != name || len(name) > 80 {
		t.Errorf("executions %v, want %s and %s", s.Executions, orderID, name)
	}
}

func TestIntakeFIFOStopsAGroupAtItsFirstFailure(t *testing.T) {
	s := newStage(t, handler.NewIntake)
	if diff := cmp.Diff([]string{"01", "02"}, s.deliver(t, event(t, "sqs-fifo.json"))); diff != "" {
		t.Errorf("failed messages (-want +got)\n%s", diff)
	}
	if len(s.Executions) != 2 {
		t.Errorf("%d executions, want those of the first and the fourth message", len(s.Executions))
	}
}

func TestIntakeRedelivery(t *testing.T) {
	for _, express := range []bool{false, true} {
		t.Run(fmt.Sprintf("express %v", express), func(t *testing.T) {
			s := newStage(t, handler.NewIntake)
			s.Express = express
			one := batch(t, "sqs-batch-of-10.json", nil, 0)
			s.deliver(t, one)
			s.Items["orders/"+key+"/STATUS"]["status"] = awstest.S("RESERVED")
			if failed := s.deliver(t, one); failed != nil {
				t.Errorf("failed: %v", failed)
			}
			if len(s.Executions) != 1 {
				t.Errorf("%d executions, want 1", len(s.Executions))
			}
			if got := awstest.Text(s.Items["orders/"+key+"/STATUS"], "status"); got != "RESERVED" {
				t.Errorf("status is %s", got)
			}
		})
	}
}

// Wherever a delivery breaks off, the next ones bring the order to its start;
// a Standard workflow starts once.
func TestIntakeBreaksOffAnywhere(t *testing.T) {
	for n := range 3 {
		for _, fault := range []awstest.Fault{awstest.Refuse, awstest.Lose} {
			t.Run(fmt.Sprintf("call %d, fault %d", n, fault), func(t *testing.T) {
				s := newStage(t, handler.NewIntake)
				s.Fault = func(i int, _ string) awstest.Fault {
					if i == n {
						return fault
					}
					return awstest.None
				}
				one := batch(t, "sqs-batch-of-10.json", nil, 0)
				if diff := cmp.Diff([]string{"00"}, s.deliver(t, one)); diff != "" {
					t.Fatalf("failed messages (-want +got)\n%s", diff)
				}
				if failed := s.deliver(t, one); failed != nil {
					t.Fatalf("failed again: %v", failed)
				}
				it := s.Items["orders/"+key+"/STATUS"]
				if len(s.Executions) != 1 || awstest.Text(it, "status") != "ACCEPTED" || awstest.Text(it, "sequence") != "1" {
					t.Errorf("executions %v, item %v", s.Executions, it)
				}
			})
		}
	}
}

func TestIntakeCancelledBeforeRecorded(t *testing.T) {
	s := newStage(t, handler.NewIntake)
	s.Items["orders/"+key+"/STATUS"] = awstest.Item{
		"pk": awstest.S(key), "sk": awstest.S("STATUS"), "cancelRequested": map[string]any{"BOOL": true},
	}
	one := batch(t, "sqs-batch-of-10.json", nil, 0)
	for range 2 {
		if failed := s.deliver(t, one); failed != nil {
			t.Fatalf("failed: %v", failed)
		}
		it := s.Items["orders/"+key+"/STATUS"]
		if awstest.Text(it, "status") != "CANCELLED" || awstest.Text(it, "reason") != "CancelRequested" ||
			awstest.Text(it, "sequence") != "1" || len(s.Executions) != 0 {
			t.Errorf("item %v, executions %v", it, s.Executions)
		}
	}
}

func TestIntakeConflict(t *testing.T) {
	s := newStage(t, handler.NewIntake)
	one := batch(t, "sqs-batch-of-10.json", nil, 0)
	var e events.SQSEvent
	if err := json.Unmarshal(one, &e); err != nil {
		t.Fatal(err)
	}
	first := e.Records[0].Body
	s.deliver(t, one)
	s.deliver(t, batch(t, "sqs-batch-of-10.json", body(strings.Replace(first, "4990", "1", 1)), 0))
	s.deliver(t, batch(t, "sqs-batch-of-10.json", body(strings.Repeat("x", order.MaxBodyBytes+1)), 0))
	s.deliver(t, one)
	it := s.Items["orders/"+key+"/STATUS"]
	if awstest.Text(it, "conflicts") != "2" || awstest.Text(it, "status") != "ACCEPTED" {
		t.Errorf("item %v, want 2 conflicts", it)
	}
	if got := awstest.Text(s.Items["orders/"+key+"/ORDER"], "body"); got != first {
		t.Errorf("the body is now %s", got)
	}
}

// The first body was put away but not recorded when another one comes under
// the same id: the first one counts all the same, and is what runs.
func TestIntakeConflictBeforeRecorded(t *testing.T) {
	s := newStage(t, handler.NewIntake)
	s.Fault = func(n int, _ string) awstest.Fault {
		if n == 1 {
			return awstest.Refuse
		}
		return awstest.None
	}
	one := batch(t, "sqs-batch-of-10.json", nil, 0)
	s.deliver(t, one)
	s.deliver(t, batch(t, "sqs-batch-of-10.json", body(`{"other":1}`), 0))
	it := s.Items["orders/"+key+"/STATUS"]
	if awstest.Text(it, "status") != "ACCEPTED" || awstest.Text(it, "conflicts") != "1" {
		t.Errorf("item %v", it)
	}
	if len(s.Executions) != 1 || !strings.Contains(s.Executions[0].Input, "KB-1000") {
		t.Errorf("executions %v", s.Executions)
	}
	if got := awstest.Text(it, "payloadHash"); got != awstest.Text(s.Items["orders/"+key+"/ORDER"], "payloadHash") {
		t.Errorf("the hash is the other body's")
	}
}

func TestIntakeTooLargeABody(t *testing.T) {
	s := newStage(t, handler.NewIntake)
	for range 2 {
		if failed := s.deliver(t, batch(t, "sqs-batch-of-10.json", body(strings.Repeat("x", order.MaxBodyBytes+1)), 0)); failed != nil {
			t.Fatalf("failed: %v", failed)
		}
	}
	it := s.Items["orders/"+key+"/STATUS"]
	if awstest.Text(it, "status") != "REJECTED" || !strings.Contains(awstest.Text(it, "detail"), "393216") {
		t.Errorf("item %v", it)
	}
	if _, kept := s.Items["orders/"+key+"/ORDER"]["body"]; kept || awstest.Text(it, "conflicts") != "" {
		t.Error("the body was kept, or the second delivery was a conflict")
	}
}

func TestIntakeRefusesWhatIsNoBatch(t *testing.T) {
	s := newStage(t, handler.NewIntake)
	for _, payload := range []string{`{}`, `[]`, `{"Records":[]}`, ``} {
		if _, err := s.invoke([]byte(payload)); err == nil {
			t.Errorf("%q was taken", payload)
		}
	}
}

// limited has a deadline that the tests' clock can come near to.
type limited struct {
	context.Context
	deadline time.Time
}

func (l limited) Deadline() (time.Time, bool) { return l.deadline, true }

func TestIntakeGivesUpWhenItsTimeIsOver(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name   string
		ctx    context.Context
		failed int
	}{
		{"over", cancelled, 10},
		{"nearly over", limited{t.Context(), now().Add(time.Second)}, 9},
		{"enough", limited{t.Context(), now().Add(30 * time.Second)}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t, handler.NewIntake)
			out, err := s.handler.Invoke(test.ctx, event(t, "sqs-batch-of-10.json"))
			if got := strings.Count(string(out), "itemIdentifier"); err != nil || got != test.failed {
				t.Errorf("%d failures, %v; want %d: %s", got, err, test.failed, out)
			}
		})
	}
}

// The log says what happened to each order, at the clock's time, and holds
// neither card tokens nor names nor addresses.
func TestIntakeLogAndMetrics(t *testing.T) {
	s := newStage(t, handler.NewIntake)
	s.deliver(t, event(t, "sqs-mixed.json"))
	s.deliver(t, event(t, "sqs-mixed.json"))
	log := s.log.String()
	for _, secret := range []string{"tok_visa", "Zoë", "République", "69001", "ring twice"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	lines := strings.Split(strings.TrimSpace(log), "\n")
	want := `{"timestamp":"2025-11-24T16:00:05.25Z","level":"INFO","message":"order taken","requestId":"req-1",` +
		`"messageId":"059f36b4-87a3-44ab-83d2-661975496000","tenant":"acme","orderId":"` + orderID + `","status":"ACCEPTED","duplicate":false,"conflict":false}`
	if diff := cmp.Diff(want, lines[0]); diff != "" {
		t.Errorf("first line (-want +got)\n%s", diff)
	}
	want = `{"_aws":{"Timestamp":1764000005250,"CloudWatchMetrics":[{"Namespace":"orderflow","Dimensions":[["Function"]],"Metrics":[` +
		`{"Name":"QueueTime","Unit":"Milliseconds"},{"Name":"MessagesFailed","Unit":"Count"}]}]},` +
		`"Function":"intake","QueueTime":[5250,5250,5250,5250],"MessagesFailed":1}`
	if diff := cmp.Diff(want, lines[5]); diff != "" {
		t.Errorf("metrics (-want +got)\n%s", diff)
	}
	if last := lines[len(lines)-1]; !strings.HasSuffix(last, `"Function":"intake","Duplicates":4,"MessagesFailed":1}`) {
		t.Errorf("metrics of the redelivery: %s", last)
	}
}
