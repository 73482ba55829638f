package scale_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/scale"
	"github.com/orderflow-cdk/orderflow/local"
)

var update = flag.Bool("update", false, "run all outages, which takes minutes, and write docs/scale.md and its drawings anew")

// runOutages runs all outages, two at a time, and keeps what they came to.
func runOutages(t *testing.T) {
	t.Helper()
	all := scale.Outages()
	results := make([]*scale.Result, len(all))
	t.Run("outages", func(t *testing.T) {
		for i, o := range all {
			t.Run(o.Name, func(t *testing.T) {
				t.Parallel()
				var err error
				if results[i], err = o.Run(); err != nil {
					t.Fatal(err)
				}
			})
		}
	})
	text := []byte("[\n")
	for i, r := range results {
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, line...)
		if i < len(results)-1 {
			text = append(text, ',')
		}
		text = append(text, '\n')
	}
	if err := os.WriteFile("outages.json", append(text, "]\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
}

// results are those that were run last.
func results(t *testing.T) []scale.Result {
	t.Helper()
	text, err := os.ReadFile("outages.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []scale.Result
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDocument holds docs/scale.md and its drawings to the quotas, to what orders use in a run, and to the outages that were run last.
func TestDocument(t *testing.T) {
	const path, images = "../../docs/scale.md", "../../docs/images"
	if *update {
		runOutages(t)
	}
	outages := results(t)
	levels, err := scale.Levels(outages)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	sections := scale.Sections(levels, outages)
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		begin, end := "<!-- begin: "+name+" -->\n", "<!-- end: "+name+" -->"
		before, rest, ok := strings.Cut(want, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s lacks the marks %q and %q", path, begin, end)
		}
		want = before + begin + sections[name] + end + after
	}
	files := map[string]string{path: want}
	for name, svg := range scale.Drawings(levels, outages) {
		files[filepath.Join(images, name)] = string(svg)
		if !strings.Contains(want, "images/"+name) {
			t.Errorf("%s does not show %s", path, name)
		}
	}
	for name, content := range files {
		if *update {
			if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(content, string(got)); diff != "" {
			t.Errorf("%s: run go test ./internal/scale -update (-want +got)\n%s", name, diff)
		}
	}
}

// TestOutagesAreThoseThatWereRun: what outages.json was made of.
func TestOutagesAreThoseThatWereRun(t *testing.T) {
	var ran []scale.Outage
	for _, r := range results(t) {
		ran = append(ran, r.Outage)
	}
	if diff := cmp.Diff(scale.Outages(), ran); diff != "" {
		t.Errorf("run go test ./internal/scale -update: the outages (-) are not those that were run (+)\n%s", diff)
	}
}

// TestABacklogDrainsAsComputed: outage × λ/(μ−λ), and a few seconds that the mapping takes to notice.
func TestABacklogDrainsAsComputed(t *testing.T) {
	o := scale.Outage{
		Name: "short", Rate: 20, Before: 5 * time.Second, Lasts: 30 * time.Second, After: 16 * time.Second, Every: time.Second, Concurrency: 2,
		Faults: []local.Fault{{Target: "intake", Kind: local.Throttle}},
	}
	r, err := o.Run()
	if err != nil {
		t.Fatal(err)
	}
	mu := 2 * 10 / r.Service
	computed := o.Lasts.Seconds() * o.Rate / (mu - o.Rate)
	if slack := float64(r.Drained) - computed; slack < -1 || slack > 6 {
		t.Errorf("it drained in %d s, computed are %.1f s with μ = %.0f", r.Drained, computed, mu)
	}
	if r.Dead != 0 || r.Peak < 590 {
		t.Errorf("%d dead letters, at most %d waited", r.Dead, r.Peak)
	}
	if n := r.Statuses["COMPLETED"]; n < 950 {
		t.Errorf("only %d orders are completed: %v", n, r.Statuses)
	}
}
