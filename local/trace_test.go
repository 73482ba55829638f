package local_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// What notify tells AppSync is a call like any other.
func TestTraceHasWhatFunctionsTellAppSync(t *testing.T) {
	var told []local.Event
	s, err := localapp.New("dev", local.Options{OnEvent: func(e local.Event) {
		if e.Action == "appsync:GraphQL" {
			told = append(told, e)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 7}); err != nil {
		t.Fatal(err)
	}
	token, err := s.IDToken("u", map[string]any{record.TenantClaim: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Authorization": {token}, "Content-Type": {"application/json"}}
	if got := s.SendAll("/orders", header, [][]byte{orderBody(1)}); got[0] != http.StatusAccepted {
		t.Fatalf("status %d", got[0])
	}
	s.RunUntilIdle(time.Hour)
	if len(told) != 4 { // ACCEPTED, RESERVED, PAID, COMPLETED
		t.Fatalf("%d events, want 4: %+v", len(told), told)
	}
	for _, e := range told {
		if e.Kind != local.EventCall || !strings.HasPrefix(e.From, "NotifyRole") || e.To != "appsync" || e.Duration <= 0 || e.Err != "" || !strings.Contains(e.Detail, "publishOrderStatus") {
			t.Errorf("%+v", e)
		}
	}
}
