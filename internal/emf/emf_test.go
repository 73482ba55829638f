package emf_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/emf"
)

func TestLine(t *testing.T) {
	var w bytes.Buffer
	l := emf.New("orderflow", "Step", `Char"ge`)
	l.Count("Errors")
	l.Observe("Duration", 1500*time.Microsecond)
	l.Count("Errors")
	l.Observe("Duration", 2*time.Second)
	l.Observe("Once", 0)
	if err := l.Flush(&w, time.UnixMilli(1764000005250)); err != nil {
		t.Fatal(err)
	}
	want := `{"_aws":{"Timestamp":1764000005250,"CloudWatchMetrics":[{"Namespace":"orderflow","Dimensions":[["Step"]],"Metrics":[` +
		`{"Name":"Errors","Unit":"Count"},{"Name":"Duration","Unit":"Milliseconds"},{"Name":"Once","Unit":"Milliseconds"}]}]},` +
		`"Step":"Char\"ge","Errors":2,"Duration":[1.5,2000],"Once":0}` + "\n"
	if diff := cmp.Diff(want, w.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	w.Reset()
	if err := l.Flush(&w, time.Now()); err != nil || w.Len() > 0 {
		t.Errorf("an empty line was written: %q, %v", &w, err)
	}
}

func TestLineHoldsAtMost100Values(t *testing.T) {
	var w bytes.Buffer
	l := emf.New("n", "d", "v")
	for range 150 {
		l.Observe("Duration", time.Millisecond)
	}
	if err := l.Flush(&w, time.UnixMilli(0)); err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(w.Bytes(), []byte("1,")) + 1; got != 100 {
		t.Errorf("%d values, want 100", got)
	}
}
