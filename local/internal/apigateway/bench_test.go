package apigateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

const order = `{"currency":"EUR","items":[{"sku":"KB-1001","quantity":2,"unitPrice":4990}],"payment":{"method":"card","token":"tok_visa"},` +
	`"shipTo":{"name":"Zoë Müller","line1":"Hauptstraße 1","city":"Köln","postalCode":"50667","country":"DE"},"notes":"it's \"urgent\" 😀"}`

// orders is the API of the reference app, as its committed template declares it.
func orders(tb testing.TB, bus api.Service) (*sim.Kernel, *apigateway.API) {
	tb.Helper()
	text, err := snapshot.Template("dev")
	if err != nil {
		tb.Fatal(err)
	}
	template, err := cfn.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	all, err := template.Resources(cfn.Environment{
		Region: "us-east-1", AccountID: "123456789012", StackName: "bench",
		Ref: func(id, typ string) (string, error) {
			if typ == "AWS::ApiGateway::Stage" {
				return template.Property(id, "StageName").(string), nil
			}
			return id, nil
		},
		GetAtt: func(id, _, attribute string) (string, error) {
			switch attribute {
			case "RootResourceId":
				return id + "/root", nil
			case "Arn":
				return "arn:aws:any:us-east-1:123456789012:" + id, nil
			}
			return id, nil
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	var resources []apigateway.Resource
	for _, r := range all {
		if strings.HasPrefix(r.Type, "AWS::ApiGateway::") {
			resources = append(resources, apigateway.Resource{LogicalID: r.LogicalID, Type: r.Type, Properties: r.Properties})
		}
	}
	k := sim.New(start, 1)
	claims := map[string]any{"sub": "u1", "custom:tenant": "acme"}
	a, err := apigateway.New(k, bus, apigateway.Config{
		VerifyToken: func(*apigateway.Authorizer, string) (map[string]any, error) { return claims, nil },
		AccessLog:   func(string) {},
	}, resources)
	if err != nil {
		tb.Fatal(err)
	}
	return k, a
}

func request(method, path, body string) *apigateway.Request {
	return &apigateway.Request{Method: method, Path: path, Body: []byte(body), SourceIP: "203.0.113.7", Header: http.Header{
		"Authorization": {"Bearer t"}, "Content-Type": {"application/json"}, "User-Agent": {"bench/1.0"}, "Idempotency-Key": {"order-7"}}}
}

func run(b *testing.B, reply, method, path, body string, status int) {
	k, a := orders(b, api.Func(func(api.Call) ([]byte, error) { return []byte(reply), nil }))
	b.ReportAllocs()
	for b.Loop() {
		got := 0
		a.Serve(request(method, path, body), func(r *apigateway.Response) { got = r.Status })
		if got != status {
			b.Fatalf("got %d, want %d", got, status)
		}
		k.Advance(time.Second) // so that nothing is throttled
	}
}

const sent = `{"MessageId":"11111111-2222-3333-4444-555555555555","MD5OfMessageBody":"00000000000000000000000000000000"}`

func BenchmarkPostOrder(b *testing.B) { run(b, sent, "POST", "/orders", order, 202) }

func BenchmarkPostInvalidOrder(b *testing.B) {
	run(b, sent, "POST", "/orders", `{"currency":"EUR","items":[]}`, 400)
}

func BenchmarkPostLargeOrder(b *testing.B) {
	run(b, sent, "POST", "/orders", strings.Replace(order, "urgent", strings.Repeat("x", 1900), 1), 202)
}

func BenchmarkGetStatus(b *testing.B) {
	run(b, `{"Item":{"status":{"S":"PAID"},"sequence":{"N":"4"},"acceptedAt":{"S":"2026-01-01T00:00:00.000Z"},"updatedAt":{"S":"2026-01-01T00:00:01.000Z"}}}`,
		"GET", "/orders/k-b3JkZXItNw-YWNtZQ/status", "", 200)
}

func BenchmarkUnknownRoute(b *testing.B) { run(b, sent, "GET", "/nothing", "", 404) }
