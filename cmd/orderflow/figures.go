package main

import (
	"fmt"
	"io"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// printFigures tells how long functions took that ran as processes: nothing if none did.
func printFigures(w io.Writer, figures []local.FunctionFigures) {
	ran := false
	for _, f := range figures {
		if !f.Process || f.Invocations.Count == 0 {
			continue
		}
		if !ran {
			ran = true
			fmt.Fprintf(w, "\n%-28s %30s %40s\n", "functions as processes, ms", "cold starts: p50, max", "invocations: p50, p99, max")
		}
		fmt.Fprintf(w, "%-28s %10d %9s %9s %10d %9s %9s %9s %6d MiB\n", f.LogicalID,
			f.Init.Count, milliseconds(f.Init.P50), milliseconds(f.Init.Max),
			f.Invocations.Count, milliseconds(f.Invocations.P50), milliseconds(f.Invocations.P99), milliseconds(f.Invocations.Max), f.MaxMemory>>20)
	}
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f", float64(d.Microseconds())/1_000)
}
