package payment_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/order"
	"github.com/orderflow-cdk/orderflow/internal/payment"
)

// secret is a payment.Secret that counts.
type secret struct{ fetched, forgotten int }

var _ payment.Secret = (*secret)(nil)

func (s *secret) Value(context.Context) (string, error) { s.fetched++; return "sk_1", nil }
func (s *secret) Forget()                               { s.forgotten++ }

// provide returns a client of a provider that answers every request like that.
func provide(t *testing.T, answer http.HandlerFunc) (*payment.HTTP, *secret) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	var s secret
	return &payment.HTTP{Endpoint: u, Timeout: time.Second, Client: server.Client(), Secret: &s}, &s
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

var aCharge = payment.Charge{Key: "VA#1", Amount: 9980, Currency: "EUR", Token: "tok_1"}

func TestHTTPAnswers(t *testing.T) {
	const echo = `{"error":"no such token tok_1"}`
	tests := []struct {
		status         int
		body           string
		charge, refund error // nil: it went well
	}{
		{200, `{"id":"x_1"}`, nil, nil},
		{201, `{"id":"x_1"}`, nil, nil},
		{200, `{}`, &payment.PaymentUnavailable{Reason: "its answer has no id"}, &payment.PaymentUnavailable{Reason: "its answer has no id"}},
		{200, `<html>`, &payment.PaymentUnavailable{Reason: "its answer is not JSON"}, &payment.PaymentUnavailable{Reason: "its answer is not JSON"}},
		{307, ``, &payment.PaymentRequestInvalid{Reason: "HTTP 307"}, &payment.PaymentRequestInvalid{Reason: "HTTP 307"}},
		{400, echo, &payment.PaymentRequestInvalid{Reason: "HTTP 400"}, &payment.PaymentRequestInvalid{Reason: "HTTP 400"}},
		{402, `{"reason":"insufficient_funds"}`, &order.PaymentDeclined{Reason: "insufficient_funds"}, &payment.PaymentRequestInvalid{Reason: "HTTP 402"}},
		{402, ``, &order.PaymentDeclined{}, &payment.PaymentRequestInvalid{Reason: "HTTP 402"}},
		{403, echo, &payment.PaymentRequestInvalid{Reason: "HTTP 403"}, &payment.PaymentRequestInvalid{Reason: "HTTP 403"}},
		{404, echo, &payment.PaymentRequestInvalid{Reason: "HTTP 404"}, nil},
		{408, ``, &payment.PaymentUnavailable{Reason: "HTTP 408"}, &payment.PaymentUnavailable{Reason: "HTTP 408"}},
		{409, ``, &payment.PaymentUnavailable{Reason: "HTTP 409"}, &payment.PaymentUnavailable{Reason: "HTTP 409"}},
		{429, ``, &payment.PaymentUnavailable{Reason: "HTTP 429"}, &payment.PaymentUnavailable{Reason: "HTTP 429"}},
		{500, echo, &payment.PaymentUnavailable{Reason: "HTTP 500"}, &payment.PaymentUnavailable{Reason: "HTTP 500"}},
		{503, ``, &payment.PaymentUnavailable{Reason: "HTTP 503"}, &payment.PaymentUnavailable{Reason: "HTTP 503"}},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.status, test.body), func(t *testing.T) {
			h, _ := provide(t, answer(test.status, test.body))
			receipt, err := h.Charge(t.Context(), aCharge)
			if diff := cmp.Diff(test.charge, err); diff != "" {
				t.Errorf("charge (-want +got)\n%s", diff)
			}
			if want := (payment.Receipt{ChargeID: "x_1", Amount: 9980, Currency: "EUR"}); err == nil && receipt != want {
				t.Errorf("receipt %+v", receipt)
			}
			refunded, err := h.Refund(t.Context(), payment.Refund{Key: "VA#1", Amount: 9980, Currency: "EUR"})
			if diff := cmp.Diff(test.refund, err); diff != "" {
				t.Errorf("refund (-want +got)\n%s", diff)
			}
			if want := err == nil && test.status != 404; refunded.Refunded != want {
				t.Errorf("refunded %v, want %v", refunded.Refunded, want)
			}
		})
	}
}

func TestHTTPRequests(t *testing.T) {
	var got []string
	h, _ := provide(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprintf("%s %s key=%s %s %s %s", r.Method, r.URL, r.Header.Get("Idempotency-Key"),
			r.Header.Get("Authorization"), r.Header.Get("Content-Type"), b))
		answer(200, `{"id":"x"}`)(w, r)
	})
	if _, err := h.Charge(t.Context(), aCharge); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Refund(t.Context(), payment.Refund{Key: "VA#1", Amount: 9980, Currency: "EUR"}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`POST /v1/charges key=VA#1 Bearer sk_1 application/json {"amount":9980,"currency":"EUR","token":"tok_1"}`,
		`POST /v1/refunds key=VA#1/refund Bearer sk_1 application/json {"amount":9980,"chargeKey":"VA#1","currency":"EUR"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestHTTPTimeout(t *testing.T) {
	release := make(chan struct{})
	h, _ := provide(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	h.Timeout = 10 * time.Millisecond
	_, err := h.Charge(t.Context(), aCharge)
	if diff := cmp.Diff(error(&payment.PaymentUnavailable{Reason: "no answer in time"}), err); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestHTTPNoConnection(t *testing.T) {
	h, _ := provide(t, nil)
	h.Endpoint, _ = url.Parse("http://127.0.0.1:1/v1")
	_, err := h.Charge(t.Context(), aCharge)
	var unavailable *payment.PaymentUnavailable
	if !errors.As(err, &unavailable) || strings.Contains(err.Error(), "/v1") {
		t.Errorf("error is %T: %v", err, err)
	}
}

// A key that was rotated is fetched anew, once it was refused.
func TestHTTPForgetsARefusedKey(t *testing.T) {
	h, s := provide(t, answer(401, ""))
	var unavailable *payment.PaymentUnavailable
	if _, err := h.Charge(t.Context(), aCharge); !errors.As(err, &unavailable) || s.forgotten != 1 {
		t.Errorf("%v; forgotten %d times", err, s.forgotten)
	}
}

func TestStoredSecret(t *testing.T) {
	tests := []struct{ stored, want, problem string }{
		{"sk_1\n", "sk_1", ""},
		{`{"apiKey":"sk_2","other":1}`, "sk_2", ""},
		{`{"key":"sk_3"}`, "", "holds no API key"},
		{`{"apiKey":`, "", "neither plain text nor"},
		{"", "", "holds no API key"},
		{"sk\r\nX-Evil: 1", "", "holds no API key"},
	}
	for _, test := range tests {
		s := awstest.New()
		s.Secrets["arn"] = test.stored
		stored := payment.StoredSecret{Client: secretsmanager.NewFromConfig(s.Config()), ARN: "arn"}
		for range 2 {
			got, err := stored.Value(t.Context())
			if got != test.want || (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
				t.Errorf("%q: %q, %v", test.stored, got, err)
			}
			if err != nil && test.stored != "" && strings.Contains(err.Error(), "sk") {
				t.Errorf("the error tells the secret: %v", err)
			}
		}
		if test.problem == "" && len(s.Calls) != 1 {
			t.Errorf("%q: fetched %d times", test.stored, len(s.Calls))
		}
		stored.Forget()
		if _, err := stored.Value(t.Context()); err == nil && len(s.Calls) != 2 {
			t.Errorf("%q: not fetched anew", test.stored)
		}
	}
}

func TestStoredSecretThatIsNotThere(t *testing.T) {
	stored := payment.StoredSecret{Client: secretsmanager.NewFromConfig(awstest.New().Config()), ARN: "arn"}
	if _, err := stored.Value(t.Context()); err == nil {
		t.Error("no error")
	}
}
