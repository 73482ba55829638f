package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local"
)

func TestPrintFigures(t *testing.T) {
	var b strings.Builder
	invocations := local.Figures{Count: 440, P50: 613 * time.Microsecond, P99: 20 * time.Millisecond, Max: 192 * time.Millisecond}
	printFigures(&b, []local.FunctionFigures{
		{LogicalID: "InProcess", Invocations: invocations},
		{LogicalID: "NeverInvoked", Process: true},
	})
	if b.Len() != 0 {
		t.Errorf("without processes: %q", b.String())
	}
	printFigures(&b, []local.FunctionFigures{{
		LogicalID: "ChargeFunction17B51F4A", Process: true, MaxMemory: 13<<20 + 1, Invocations: invocations,
		Init: local.Figures{Count: 6, P50: 5350 * time.Microsecond, P99: 9 * time.Millisecond, Max: 10 * time.Millisecond},
	}})
	want := []string{"ChargeFunction17B51F4A", "6", "5.3", "10.0", "440", "0.6", "20.0", "192.0", "13", "MiB"}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if diff := cmp.Diff(want, strings.Fields(lines[1])); len(lines) != 2 || diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, b.String())
	}
}
