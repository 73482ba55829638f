package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
)

// BenchmarkOrders sends n orders within a second of virtual time, so that nearly
// all of them wait in the queue at once, and runs until every one is COMPLETED. It reports
// orders a second of wall time and the process's peak of resident memory, which
// only grows: run one size at a time to compare them.
func BenchmarkOrders(b *testing.B) {
	for _, n := range []int{some(100), some(1_000), some(10_000)} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			template := withoutThrottle(b)
			for b.Loop() {
				runOrders(b, template, n)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "orders/s")
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(n*b.N), "µs/order")
			b.ReportMetric(peakMiB(), "peak-MiB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// some is n, or a tenth of it with -short, to see that a benchmark works.
func some(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

func runOrders(b *testing.B, template []byte, n int) {
	s, err := localapp.FromTemplate("dev", template, local.Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: int64(2 * n)}); err != nil {
		b.Fatal(err)
	}
	token, err := s.IDToken("u", map[string]any{record.TenantClaim: "acme"})
	if err != nil {
		b.Fatal(err)
	}
	bodies := make([][]byte, n)
	for i := range bodies {
		bodies[i] = orderBody(i)
	}
	// An account's gateway admits a burst of 5,000 and 10,000 a second.
	const burst = 4_000
	for first := 0; first < n; first += burst {
		for i, status := range s.SendAll("/orders", http.Header{"Authorization": {token}, "Content-Type": {"application/json"}}, bodies[first:min(first+burst, n)]) {
			if status != http.StatusAccepted {
				b.Fatalf("order %d: status %d", first+i, status)
			}
		}
		s.Advance(burst * time.Second / 10_000)
	}
	if !s.RunUntilIdle(24 * time.Hour) {
		b.Fatal("the stack does not come to rest")
	}
	if done := completed(b, s); done != n {
		b.Fatalf("%d of %d orders completed", done, n)
	}
}

// orderBody is an order, told apart by its notes.
func orderBody(i int) []byte {
	return []byte(`{"currency":"EUR","items":[{"sku":"KB-1001","quantity":2,"unitPrice":4990}],"payment":{"method":"card","token":"tok_visa"},` +
		`"shipTo":{"name":"Ada","line1":"1 St","city":"Paris","postalCode":"75001","country":"FR"},"notes":"order ` + strconv.Itoa(i) + `"}`)
}

// completed counts the orders in the table that are COMPLETED.
func completed(tb testing.TB, s *local.Stack) int {
	tb.Helper()
	n := 0
	var start json.RawMessage
	for {
		in := map[string]any{
			"TableName": s.Outputs()["OrdersTableName"], "FilterExpression": "#s = :c",
			"ExpressionAttributeNames":  map[string]string{"#s": record.Status},
			"ExpressionAttributeValues": map[string]any{":c": map[string]string{"S": "COMPLETED"}},
			"Select":                    "COUNT",
		}
		if start != nil {
			in["ExclusiveStartKey"] = start
		}
		body, _ := json.Marshal(in)
		out, err := s.Call("dynamodb", "Scan", body)
		if err != nil {
			tb.Fatal(err)
		}
		var page struct {
			Count            int
			LastEvaluatedKey json.RawMessage
		}
		if err := json.Unmarshal(out, &page); err != nil {
			tb.Fatal(err)
		}
		n += page.Count
		if start = page.LastEvaluatedKey; start == nil {
			return n
		}
	}
}

// withoutThrottle is the template of dev with a gateway that admits everything.
func withoutThrottle(tb testing.TB) []byte {
	tb.Helper()
	template, err := snapshot.Template("dev")
	if err != nil {
		tb.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(template, &doc); err != nil {
		tb.Fatal(err)
	}
	for _, r := range doc["Resources"].(map[string]any) {
		if r := r.(map[string]any); r["Type"] == "AWS::ApiGateway::Stage" {
			for _, s := range r["Properties"].(map[string]any)["MethodSettings"].([]any) {
				s := s.(map[string]any)
				s["ThrottlingRateLimit"], s["ThrottlingBurstLimit"] = 1_000_000, 1_000_000
			}
		}
	}
	out, err := json.Marshal(doc)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// peakMiB is the most memory the process has had resident so far.
func peakMiB() float64 {
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(status)) {
			if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				var n float64
				if _, err := fmt.Sscan(string(bytes.TrimSpace([]byte(kb))), &n); err == nil {
					return n / 1024
				}
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys) / (1 << 20)
}
