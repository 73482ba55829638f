package console_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

// events reads a stream of server-sent events until f has enough, and returns the last id.
func (a *app) events(lastID string, f func(name string, data json.RawMessage) bool) string {
	a.Helper()
	req, err := http.NewRequestWithContext(a.Context(), http.MethodGet, a.url+"/api/stream", nil)
	if err != nil {
		a.Fatal(err)
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 16<<20)
	name, id := "", ""
	for lines.Scan() {
		switch k, v, _ := strings.Cut(lines.Text(), ": "); k {
		case "id":
			id = v
		case "event":
			name = v
		case "data":
			if f(name, json.RawMessage(v)) {
				return id
			}
		}
	}
	a.Fatalf("the stream ended: %v", lines.Err())
	return ""
}

// A stream that comes back goes on where it was, without a gap and without a repetition.
func TestAStreamGoesOnWhereItWas(t *testing.T) {
	a := start(t)
	got := map[uint64]int{}
	take := func(data json.RawMessage) {
		var batch struct {
			Events []struct{ Seq uint64 }
			Gap    bool
		}
		if err := json.Unmarshal(data, &batch); err != nil || batch.Gap {
			t.Fatalf("%v: %.300s", err, data)
		}
		for _, e := range batch.Events {
			got[e.Seq]++
		}
	}
	id := a.place(anOrder)
	a.ended(id, "COMPLETED")
	a.until("the last webhook", a.stack.Idle)
	last := a.events("", func(name string, data json.RawMessage) bool {
		if name == "trace" {
			take(data)
		}
		return name == "state"
	})
	other := a.place(anOrder)
	a.ended(other, "COMPLETED")
	back := false
	a.events(last, func(name string, data json.RawMessage) bool {
		switch name {
		case "hello":
			back = strings.Contains(string(data), `"back":true`)
		case "trace":
			take(data)
		case "orders":
			var all []struct{ ID string }
			if err := json.Unmarshal(data, &all); err != nil || slices.ContainsFunc(all, func(o struct{ ID string }) bool { return o.ID == id }) {
				t.Errorf("an order that did not change is told again: %s", data)
			}
		}
		return name == "state"
	})
	if !back {
		t.Error("the stream did not know who came back")
	}
	highest := uint64(0)
	for seq, n := range got {
		highest = max(highest, seq)
		if n != 1 {
			t.Errorf("event %d was told %d times", seq, n)
		}
	}
	for seq := highest - uint64(len(got)) + 1; seq <= highest; seq++ {
		if got[seq] == 0 {
			t.Errorf("event %d is missing", seq)
		}
	}
	a.events("another-run-1-2-3", func(name string, data json.RawMessage) bool {
		if name == "hello" && !strings.Contains(string(data), `"back":false`) {
			t.Errorf("a stream of another run goes on: %s", data)
		}
		return true
	})
}

// Another template is told, so that the page asks anew for what it has.
func TestAnotherTemplateIsTold(t *testing.T) {
	a := start(t)
	template, err := snapshot.Template(environment)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(template), `"VisibilityTimeout": 180`, `"VisibilityTimeout": 181`, 1)
	if other == string(template) {
		t.Fatal("the template was not changed")
	}
	a.events("", func(name string, data json.RawMessage) bool {
		if name == "hello" {
			if err := a.stack.Reload([]byte(other)); err != nil {
				t.Fatal(err)
			}
		}
		return name == "template"
	})
}
