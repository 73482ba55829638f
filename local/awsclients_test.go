package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/servetest"
	"github.com/orderflow-cdk/orderflow/local"
)

// served is the app's stack in real time, where clients reach it.
type served struct {
	*local.Stack
	t   testing.TB
	url string
}

func serveApp(t testing.TB) *served {
	t.Helper()
	s := &served{t: t}
	s.Stack, s.url = servetest.Start(t, "", func(url string) (*local.Stack, error) {
		return localapp.New("dev", local.Options{Seed: 1, RealTime: true, Endpoint: url})
	})
	if err := localapp.PutStock(s.Stack, localapp.StockLevel{SKU: "tea", Available: 100}); err != nil {
		t.Fatal(err)
	}
	return s
}

// order places an order and returns its id.
func (s *served) order(key string) string {
	s.t.Helper()
	token, err := s.IDToken("ada", map[string]any{"custom:tenant": "acme"})
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, s.url+"/orders", strings.NewReader(
		`{"currency":"EUR","items":[{"sku":"tea","quantity":1,"unitPrice":250}],"payment":{"method":"card","token":"tok_visa"},`+
			`"shipTo":{"name":"Ada","line1":"1 St","city":"Paris","postalCode":"75001","country":"FR"}}`))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {token}, "Content-Type": {"application/json"}, "Idempotency-Key": {key}}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var out struct {
		OrderID string `json:"orderId"`
	}
	var b bytes.Buffer
	_, _ = b.ReadFrom(res.Body)
	if err := json.Unmarshal(b.Bytes(), &out); err != nil || res.StatusCode != http.StatusAccepted || out.OrderID == "" {
		s.t.Fatalf("POST /orders: %s %s", res.Status, b.String())
	}
	return out.OrderID
}

// status is where an order stands.
func (s *served) status(order string) string {
	s.t.Helper()
	token, err := s.IDToken("ada", map[string]any{"custom:tenant": "acme"})
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodGet, s.url+"/orders/"+order+"/status", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var out struct{ Status string }
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		s.t.Fatal(err)
	}
	return out.Status
}

// eventually waits until something is so, and skips time that would only be waited for.
func (s *served) eventually(what string, so func() bool) {
	s.t.Helper()
	for range 200 {
		if so() {
			return
		}
		s.RunUntilIdle(10 * time.Minute)
		time.Sleep(20 * time.Millisecond)
	}
	s.t.Fatalf("%s never came", what)
}

func (s *served) completed(order string) {
	s.t.Helper()
	s.eventually("the end of "+order, func() bool { return s.status(order) == "COMPLETED" })
}

// role is the ARN of the template's only role with a name.
func (s *served) role(label string) string {
	s.t.Helper()
	for _, r := range s.Resources() {
		if r.Type == "AWS::IAM::Role" && r.Label == label {
			return r.ARN
		}
	}
	s.t.Fatalf("no role %s", label)
	return ""
}

// resource is the template's only resource with a type and a label.
func (s *served) resource(typ, label string) local.Resource {
	s.t.Helper()
	for _, r := range s.Resources() {
		if r.Type == typ && r.Label == label {
			return r
		}
	}
	s.t.Fatal(fmt.Errorf("no %s %s", typ, label))
	return local.Resource{}
}
