package test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/infra/app"
	"github.com/orderflow-cdk/orderflow/internal/suppress"
)

// accepted is a reason for which a finding is accepted, and where.
type accepted struct {
	suppress.Rule
	where map[string][]string // resources by path, and the stacks that have them
}

// acceptedIn collects the suppressions of stacks: each rule with each reason once.
func acceptedIn(names []string, of func(name string) (template, map[string]string)) (out []*accepted) {
	for _, name := range names {
		template, paths := of(name)
		suppressions := template.suppressions()
		for id, rules := range template.lintSuppressions() {
			suppressions[id] = append(suppressions[id], rules...)
		}
		for _, id := range sortedKeys(suppressions) {
			path := paths[id]
			for _, rule := range suppressions[id] {
				i := slices.IndexFunc(out, func(a *accepted) bool { return a.Rule == rule })
				if i < 0 {
					i, out = len(out), append(out, &accepted{Rule: rule, where: map[string][]string{}})
				}
				out[i].where[path] = append(out[i].where[path], name)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *accepted) int {
		return strings.Compare(a.ID+a.Finding+a.Reason, b.ID+b.Finding+b.Reason)
	})
	return out
}

// table writes them down; a resource that not all stacks have is followed by those that have it.
func table(rows []*accepted, stacks int) string {
	var b strings.Builder
	b.WriteString("| Rule | On | Why |\n|---|---|---|\n")
	for _, a := range rows {
		rule := a.ID
		if a.Finding != "" {
			rule += " `" + strings.ReplaceAll(a.Finding, "|", `\|`) + "`"
		}
		var on []string
		for _, path := range sortedKeys(a.where) {
			text := "`" + path + "`"
			if in := a.where[path]; len(in) < stacks {
				text += " (" + strings.Join(in, ", ") + ")"
			}
			on = append(on, text)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", rule, strings.Join(on, ", "), a.Reason)
	}
	return b.String()
}

// TestDocumentListsSuppressions holds the list of docs/policy.md to the templates; -v prints it.
func TestDocumentListsSuppressions(t *testing.T) {
	all, more := stacks(t), scenarios(t)
	var environments []string
	for _, env := range app.Environments() {
		environments = append(environments, env.Name)
	}
	inApp := acceptedIn(environments, func(name string) (template, map[string]string) {
		return all["orderflow-"+name], synthesized.paths["orderflow-"+name]
	})
	inScenarios := acceptedIn(built.names, func(name string) (template, map[string]string) {
		return more[name].stacks[testStack], more[name].paths[testStack]
	})
	inScenarios = slices.DeleteFunc(inScenarios, func(a *accepted) bool {
		return slices.ContainsFunc(inApp, func(b *accepted) bool { return a.Rule == b.Rule })
	})
	if len(inApp) == 0 {
		t.Fatal("no suppressions: are they read at all?")
	}
	list := "\n" + table(inApp, len(environments)) +
		"\nIn the stacks by which the constructs are tested, besides these:\n\n" + table(inScenarios, len(built.names)) + "\n"
	t.Log(list)

	inPolicyDocument(t, "suppressions", list)
}

// inPolicyDocument holds a part of docs/policy.md to what it is made of, or writes it.
func inPolicyDocument(t *testing.T, part, want string) {
	t.Helper()
	const file = "../docs/policy.md"
	begin, end := "<!-- "+part+": go test ./test -update -->\n", "<!-- end of "+part+" -->"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	old := between(t, string(b), begin, end)
	if *update {
		text := strings.Replace(string(b), begin+old+end, begin+want+end, 1)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, old); diff != "" {
		t.Errorf("docs/policy.md does not have the %s as they are (-); if they are meant, run go test ./test -update:\n%s", part, diff)
	}
}

func TestEverySuppressionHasAReason(t *testing.T) {
	inspected(t, func(t *testing.T, template template, _ []finding) {
		for id, rules := range template.suppressions() {
			for _, r := range rules {
				if len(strings.Fields(r.Reason)) < 6 {
					t.Errorf("%s: %q is no reason to accept %s", id, r.Reason, r.ID)
				}
			}
		}
	})
}
