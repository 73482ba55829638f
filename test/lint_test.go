package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/referee"
	"github.com/orderflow-cdk/orderflow/internal/suppress"
)

// linted is what cfn-lint finds.
type linted struct {
	Filename string
	Rule     struct{ ID string }
	Message  string
	Location struct{ Path []any }
}

func (l linted) String() string {
	return fmt.Sprintf("%s at %v: %s", l.Rule.ID, l.Location.Path, l.Message)
}

// resource is the logical id of the resource that something was found on.
func (l linted) resource() string {
	if len(l.Location.Path) > 1 && l.Location.Path[0] == "Resources" {
		return fmt.Sprint(l.Location.Path[1])
	}
	return ""
}

// cfnLint has cfn-lint look at files. It ends with a status that says of which kinds its findings are, each a bit.
func cfnLint(t *testing.T, program string, files ...string) []linted {
	t.Helper()
	out, err := exec.Command(program, append([]string{"--format", "json", "--"}, files...)...).Output()
	var ended *exec.ExitError
	if err != nil && (!errors.As(err, &ended) || ended.ExitCode()&1 != 0) {
		t.Fatalf("cfn-lint failed: %v\n%s", err, out)
	}
	var found []linted
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatalf("cfn-lint printed no JSON: %v\n%s", err, out)
	}
	return found
}

// TestTemplatesWithCfnLint holds every template against cfn-lint, which knows the schemas of all resource types:
// without its suppressions, which then have to be all that is found. Production's is looked at as it is besides, since
// that is how others will lint it.
func TestTemplatesWithCfnLint(t *testing.T) {
	lint := referee.Program(t, "cfn-lint", "pip install 'cfn-lint==1.51.0'")
	all := map[string]template{}
	for name, template := range stacks(t) {
		all[name] = template
	}
	for name, s := range scenarios(t) {
		all[strings.TrimSuffix(filename(name), ".json")] = s.stacks[testStack]
	}
	folder := t.TempDir()
	write := func(name string, template template) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, template.text(t), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const asItIs = "as-it-is"
	files := []string{write(asItIs, all["orderflow-prod"])}
	for _, name := range sortedKeys(all) {
		if at(all[name], "Metadata", "cfn-lint") != nil {
			t.Errorf("%s: all of it is excepted from checks: write the exception to the resource that needs it", name)
		}
		stripped := parse(t, all[name].text(t))
		for _, r := range stripped.resources() {
			if metadata, ok := r.All["Metadata"].(map[string]any); ok {
				delete(metadata, "cfn-lint")
			}
		}
		files = append(files, write(name, stripped))
	}
	found := map[string][]linted{}
	for _, l := range cfnLint(t, lint, files...) {
		name := filepath.Base(l.Filename)
		found[name] = append(found[name], l)
	}
	for _, l := range found[asItIs] {
		t.Errorf("orderflow-prod, with its suppressions: %s", l)
	}
	for _, name := range sortedKeys(all) {
		suppressions := all[name].lintSuppressions()
		for _, l := range found[name] {
			if !slices.ContainsFunc(suppressions[l.resource()], func(r suppress.Rule) bool { return r.ID == l.Rule.ID }) {
				t.Errorf("%s: %s", name, l)
			}
		}
		for _, stale := range staleLint(suppressions, found[name]) {
			t.Errorf("%s: %s", name, stale)
		}
	}
}

// lintSuppressions are the rules of cfn-lint that resources are excepted from, by logical id.
func (t template) lintSuppressions() map[string][]suppress.Rule {
	out := map[string][]suppress.Rule{}
	for _, r := range t.resources() {
		rules, reason := suppress.ReadLint(at(r.All["Metadata"], "cfn-lint"))
		for _, id := range rules {
			out[r.ID] = append(out[r.ID], suppress.Rule{ID: id, Reason: reason})
		}
	}
	return out
}

func staleLint(suppressions map[string][]suppress.Rule, found []linted) (out []string) {
	for _, id := range sortedKeys(suppressions) {
		for _, rule := range suppressions[id] {
			if !slices.ContainsFunc(found, func(l linted) bool { return l.resource() == id && l.Rule.ID == rule.ID }) {
				out = append(out, fmt.Sprintf("%s is excepted from %s, which finds nothing there: take the suppression out", id, rule.ID))
			}
		}
	}
	return out
}

func TestStaleLintSuppressionsAreNamed(t *testing.T) {
	var found []linted
	const findings = `[{"Rule":{"Id":"W3005"},"Location":{"Path":["Resources","Function","DependsOn",0]}},
		{"Rule":{"Id":"E3001"},"Location":{"Path":["Resources","Queue"]}}, {"Rule":{"Id":"W3005"},"Location":{"Path":["Outputs","Queue"]}}]`
	if err := json.Unmarshal([]byte(findings), &found); err != nil {
		t.Fatal(err)
	}
	got := staleLint(map[string][]suppress.Rule{"Function": {{ID: "W3005"}}, "Queue": {{ID: "W3005"}}}, found)
	want := []string{"Queue is excepted from W3005, which finds nothing there: take the suppression out"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
