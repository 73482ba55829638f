package emf_test

import (
	"bytes"
	"encoding/json"
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

func TestALineHolds100ValuesAndTheRestIsInTheNext(t *testing.T) {
	var w bytes.Buffer
	l := emf.New("n", "d", "v")
	l.Count("Events")
	for range 250 {
		l.Observe("Duration", time.Millisecond)
	}
	if err := l.Flush(&w, time.UnixMilli(0)); err != nil {
		t.Fatal(err)
	}
	var values []int
	for line := range bytes.Lines(w.Bytes()) {
		var m struct {
			Events   int
			Duration []float64
		}
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		if first := len(values) == 0; first != (m.Events == 1) {
			t.Errorf("the counter is in the wrong line: %s", line)
		}
		values = append(values, len(m.Duration))
	}
	if diff := cmp.Diff([]int{100, 100, 50}, values); diff != "" {
		t.Errorf("values by line (-want +got)\n%s", diff)
	}
}
