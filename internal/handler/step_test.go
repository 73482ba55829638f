package handler_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

func sha256hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// document is what the workflow invokes a step with.
func document(step, token, results string) []byte {
	return fmt.Appendf(nil, `{"pk":%q,"tenant":"acme","orderId":%q,"order":{"currency":"EUR",
		"items":[{"sku":"KB-1","quantity":2,"unitPrice":4990},{"sku":"MS-2","quantity":1,"unitPrice":5}],
		"payment":{"method":"card","token":%q},
		"shipTo":{"name":"Zoë","line1":"1 rue","city":"Lyon","postalCode":"69001","country":"FR"}},"step":%q,"results":%s}`,
		key, orderID, token, step, results)
}

func stock(s *stage, sku string, n int) {
	s.Items["inv/"+sku] = awstest.Item{"pk": awstest.S(sku), "available": awstest.N(n)}
}

// shelved makes a handler whose inventory has a little of both SKUs.
func shelved(t *testing.T, newHandler func(handler.Env) (lambda.Handler, error)) *stage {
	s := newStage(t, newHandler)
	stock(s, "KB-1", 10)
	stock(s, "MS-2", 1)
	return s
}

// expect invokes with a document and compares what comes back: the JSON, or
// the error as the workflow sees it, "<errorType>: <message>".
func (s *stage) expect(t *testing.T, payload []byte, want string) {
	t.Helper()
	out, err := s.invoke(payload)
	got := string(out)
	if err != nil {
		got = reflect.TypeOf(err).Elem().Name() + ": " + err.Error()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestReserve(t *testing.T) {
	s := shelved(t, handler.NewReserve)
	in := document("Reserve", "tok_visa", "{}")
	s.expect(t, in, `{"skus":2,"units":3}`)
	s.expect(t, in, `{"skus":2,"units":3}`)
	if got := awstest.Number(s.Items["inv/KB-1"], "available"); got != 8 {
		t.Errorf("%d of KB-1 are left, want 8", got)
	}
}

func TestReserveRejections(t *testing.T) {
	s := shelved(t, handler.NewReserve)
	stock(s, "MS-2", 0)
	in := document("Reserve", "tok_visa", "{}")
	s.expect(t, in, "OutOfStock: out of stock: MS-2 (wanted 1, available 0)")
	delete(s.Items, "inv/MS-2")
	s.expect(t, in, "UnknownSku: unknown sku: MS-2")
	if got := awstest.Number(s.Items["inv/KB-1"], "available"); got != 10 {
		t.Errorf("%d of KB-1 are left, want 10", got)
	}
	if strings.Contains(s.log.String(), `"StepErrors"`) || !strings.Contains(s.log.String(), `"StepRejections":1`) {
		t.Errorf("a rejection is no error:\n%s", s.log)
	}
}

func TestRelease(t *testing.T) {
	s := shelved(t, handler.NewRelease)
	in := document("Reserve", "tok_visa", "{}")
	s.expect(t, in, `{"releasedUnits":0}`)
	reserve := newStage(t, handler.NewReserve)
	reserve.Items = s.Items
	other := bytes.ReplaceAll(in, []byte(key), []byte(key+"2"))
	reserve.expect(t, other, `{"skus":2,"units":3}`)
	s.expect(t, other, `{"releasedUnits":3}`)
	s.expect(t, other, `{"releasedUnits":0}`)
	reserve.expect(t, other, "ReservationReleased: the stock of this order was given back before")
	reserve.expect(t, in, "ReservationReleased: the stock of this order was given back before")
}

func TestShip(t *testing.T) {
	s := shelved(t, handler.NewShip)
	in := document("Ship", "tok_visa", `{"Reserve":{"skus":2,"units":3}}`)
	s.expect(t, in, "NotReserved: no stock is held for this order")
	s.Items["inv/order#"+key] = awstest.Item{"pk": awstest.S("order#" + key), "state": awstest.S("HELD")}
	s.expect(t, in, `{"trackingNumber":"OFDDGSHGQMJBR5MZTG"}`)
	s.expect(t, in, `{"trackingNumber":"OFDDGSHGQMJBR5MZTG"}`)
}

func TestChargeInTheSandbox(t *testing.T) {
	const paid = `{"chargeId":"ch_8c68258b06d38bdf3ff9baa0","amount":9985,"currency":"EUR"}`
	tests := []struct {
		token   string
		answers []string
	}{
		{"tok_visa", []string{paid, paid}},
		{"tok_declined", []string{"PaymentDeclined: the payment was declined: card_declined"}},
		{"tok_other", []string{"PaymentDeclined: the payment was declined: the sandbox does not know this token; it knows tok_visa, tok_declined, tok_flaky and tok_down"}},
		{"tok_flaky", []string{
			"PaymentUnavailable: the payment provider is not available: sandbox: attempt 1 of a flaky card",
			"PaymentUnavailable: the payment provider is not available: sandbox: attempt 2 of a flaky card",
			paid, paid}},
		{"tok_down", []string{
			"PaymentUnavailable: the payment provider is not available: sandbox: the provider is down",
			"PaymentUnavailable: the payment provider is not available: sandbox: the provider is down"}},
	}
	for _, test := range tests {
		t.Run(test.token, func(t *testing.T) {
			// Each attempt in an environment of its own: nothing is remembered in the process.
			items := map[string]awstest.Item{}
			for _, want := range test.answers {
				s := newStage(t, handler.NewCharge)
				s.Items = items
				s.expect(t, document("Charge", test.token, "{}"), want)
				if strings.Contains(s.log.String(), test.token+`"`) {
					t.Errorf("the log has the token:\n%s", s.log)
				}
			}
		})
	}
}

func TestRefundInTheSandbox(t *testing.T) {
	s := newStage(t, handler.NewRefund)
	s.expect(t, document("Charge", "tok_visa", `{"Reserve":{"skus":2,"units":3}}`), `{"refunded":false}`)
	in := document("Charge", "tok_visa", `{"Reserve":{"skus":2},"Charge":{"chargeId":"ch_1","amount":9985,"currency":"EUR"}}`)
	s.expect(t, in, `{"refundId":"re_8c68258b06d38bdf3ff9baa0","refunded":true}`)
	s.expect(t, in, `{"refundId":"re_8c68258b06d38bdf3ff9baa0","refunded":true}`)
}

func TestNothingToCharge(t *testing.T) {
	free := func(step string) []byte {
		return bytes.ReplaceAll(bytes.ReplaceAll(document(step, "tok_down", "{}"), []byte("4990"), []byte("0")), []byte(":5}"), []byte(":0}"))
	}
	newStage(t, handler.NewCharge).expect(t, free("Charge"), `{"amount":0,"currency":"EUR"}`)
	newStage(t, handler.NewRefund).expect(t, free("Charge"), `{"refunded":false}`)
}

// provider is a payment provider behind HTTP.
type provider func(*http.Request) (*http.Response, error)

func (p provider) Do(r *http.Request) (*http.Response, error) { return p(r) }

func TestChargeOverHTTP(t *testing.T) {
	s := awstest.New()
	s.Secrets["arn:aws:secretsmanager:x"] = `{"apiKey":"sk_1"}`
	env := map[string]string{
		"LOG_LEVEL": "INFO", "METRICS_NAMESPACE": "orderflow", "PAYMENT_PROVIDER": "http",
		"PAYMENT_ENDPOINT": "https://pay.example/v1", "PAYMENT_SECRET_ARN": "arn:aws:secretsmanager:x", "PAYMENT_TIMEOUT": "5s",
	}
	var requests []string
	h, err := handler.NewCharge(handler.Env{
		Getenv: func(name string) string { return env[name] },
		AWS:    s.Config(), Now: now, Log: io.Discard,
		HTTP: provider(func(r *http.Request) (*http.Response, error) {
			b, err := io.ReadAll(r.Body)
			requests = append(requests, fmt.Sprintf("%s %s %s %s %s", r.Method, r.URL, r.Header.Get("Idempotency-Key"), r.Header.Get("Authorization"), b))
			return &http.Response{StatusCode: 201, Body: io.NopCloser(strings.NewReader(`{"id":"ch_9"}`))}, err
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		out, err := h.Invoke(t.Context(), document("Charge", "tok_1", "{}"))
		if err != nil || string(out) != `{"chargeId":"ch_9","amount":9985,"currency":"EUR"}` {
			t.Errorf("%s, %v", out, err)
		}
	}
	want := `POST https://pay.example/v1/charges ` + key + ` Bearer sk_1 {"amount":9985,"currency":"EUR","token":"tok_1"}`
	if diff := cmp.Diff([]string{want, want}, requests); diff != "" {
		t.Errorf("requests (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"GetSecretValue"}, s.Calls); diff != "" {
		t.Errorf("the secret is fetched once (-want +got)\n%s", diff)
	}
}

func TestStepsRefuseWhatIsNoDocument(t *testing.T) {
	tests := []struct{ in, want string }{
		{``, "BadInput: bad input: unexpected end of JSON input"},
		{`{}`, "BadInput: bad input: pk is missing"},
		{`{"pk":"a#b"}`, "BadInput: bad input: orderId is missing"},
		{`{"pk":"a#b","orderId":"b","order":{}}`, "BadInput: bad input: the order has no items"},
	}
	for _, f := range handler.Functions() {
		if !slices.Contains([]string{handler.Reserve, handler.Charge, handler.Ship, handler.Release, handler.Refund}, f.Name) {
			continue
		}
		s := newStage(t, f.New)
		for _, test := range tests {
			s.expect(t, []byte(test.in), test.want)
		}
		if len(s.Calls) > 0 {
			t.Errorf("%s called %v", f.Name, s.Calls)
		}
	}
}

// An error of AWS reaches the record, and so the client, only by name.
func TestServiceErrorsAreReduced(t *testing.T) {
	for _, fault := range []struct {
		is   awstest.Fault
		want string
	}{
		{awstest.Refuse, "ServiceError: DynamoDB TransactWriteItems: InternalServerError"},
		{awstest.Lose, "ServiceError: DynamoDB TransactWriteItems: no answer"},
	} {
		s := shelved(t, handler.NewReserve)
		s.Fault = func(int, string) awstest.Fault { return fault.is }
		s.expect(t, document("Reserve", "tok_visa", "{}"), fault.want)
		if !strings.Contains(s.log.String(), `"error":"ServiceError","cause":"operation error DynamoDB`) {
			t.Errorf("the log lacks the cause:\n%s", s.log)
		}
	}
}

func TestStepMetrics(t *testing.T) {
	s := shelved(t, handler.NewReserve)
	s.expect(t, document("Reserve", "tok_visa", "{}"), `{"skus":2,"units":3}`)
	if strings.Contains(s.log.String(), "CloudWatchMetrics") {
		t.Errorf("what goes well is counted:\n%s", s.log)
	}
	s.log.Reset()
	if _, err := s.invoke([]byte(`{}`)); err == nil || !strings.Contains(s.log.String(), `"StepErrors":1`) {
		t.Errorf("error %v, log:\n%s", err, s.log)
	}
}

func TestMissingEnvironmentIsReportedAtOnce(t *testing.T) {
	for _, f := range handler.Functions() {
		_, err := f.New(handler.Env{Getenv: func(string) string { return "" }})
		read, same := f.Environment(func(string) string { return "" })
		if err == nil || same == nil || err.Error() != same.Error() {
			t.Fatalf("%s: New says %v, Environment %v", f.Name, err, same)
		}
		for _, name := range read {
			if name == "WEBHOOK_STATUSES" || name == "COUNTED_ENDS" {
				continue // they may be missing
			}
			if !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "LOG_LEVEL is not set") {
				t.Errorf("%s: %v lacks %s", f.Name, err, name)
			}
		}
	}
}

func TestFunctionsReadTheirEnvironment(t *testing.T) {
	common := []string{"LOG_LEVEL", "METRICS_NAMESPACE"}
	want := map[string][]string{
		"charge":  {"INVENTORY_TABLE_NAME", "LOG_LEVEL", "METRICS_NAMESPACE", "PAYMENT_PROVIDER"},
		"intake":  {"LOG_LEVEL", "METRICS_NAMESPACE", "ORDERS_TABLE_NAME", "RETENTION_DAYS", "STATE_MACHINE_ARN"},
		"refund":  append(common[:2:2], "PAYMENT_PROVIDER"),
		"release": {"INVENTORY_TABLE_NAME", "LOG_LEVEL", "METRICS_NAMESPACE", "RETENTION_DAYS"},
		"reserve": {"INVENTORY_TABLE_NAME", "LOG_LEVEL", "METRICS_NAMESPACE", "RETENTION_DAYS"},
		"ship":    {"INVENTORY_TABLE_NAME", "LOG_LEVEL", "METRICS_NAMESPACE"},

		"deliverwebhook": {"DEAD_LETTER_QUEUE_URL", "DELIVERY_QUEUE_URL", "LOG_LEVEL", "METRICS_NAMESPACE", "WEBHOOKS_TABLE_NAME"},
		"managewebhooks": {"DELIVERY_QUEUE_URL", "LOG_LEVEL", "METRICS_NAMESPACE", "WEBHOOKS_TABLE_NAME", "WEBHOOK_STATUSES"},
		"notify":         {"COUNTED_ENDS", "GRAPHQL_ENDPOINT", "LOG_LEVEL", "METRICS_NAMESPACE", "TOPIC_ARN"},
	}
	got := map[string][]string{}
	for _, f := range handler.Functions() {
		read, err := f.Environment(func(name string) string { return environment[name] })
		got[f.Name] = read
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
