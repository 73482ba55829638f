package diff_test

import (
	"context"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/diff"
)

var update = flag.Bool("update", false, "rewrite the sample in docs/diff.md")

// TestSampleInTheDocumentation holds the sample in docs/diff.md to what is printed.
func TestSampleInTheDocumentation(t *testing.T) {
	const file, begin, end = "../../docs/diff.md", "-update -->\n", "<!-- end of sample -->"
	old, err := diff.Load(context.Background(), "testdata/sample/old.template.json", false)
	if err != nil {
		t.Fatal(err)
	}
	new, err := diff.Load(context.Background(), "testdata/sample/new.template.json", false)
	if err != nil {
		t.Fatal(err)
	}
	old.Name, new.Name = "main", "HEAD"
	new.Templates["orderflow-prod"] = new.Templates["new"]
	delete(new.Templates, "new")
	report, err := diff.Compare(old, new)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := report.WriteMarkdown(&out, 0); err != nil {
		t.Fatal(err)
	}
	// Headings one level deeper, as part of a document.
	want := strings.ReplaceAll("\n"+out.String(), "\n##", "\n###") + "\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the sample", file)
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("docs/diff.md is not what is printed; run go test ./internal/diff -run Sample -update\n%s", cmp.Diff(want, got))
	}
}

// TestLengthIsLimited leaves out the least grave findings, never the gravest.
func TestLengthIsLimited(t *testing.T) {
	r := changed(t, func(template m) {
		for _, r := range template["Resources"].(m) {
			if p, ok := r.(m)["Properties"].(m); ok {
				p["Tags"] = []any{m{"Key": "k", "Value": r.(m)["Type"]}}
			}
		}
		properties(t, template, "WorkflowTable")["TableName"] = "orders"
	})
	for _, limit := range []int{2000, 5000} {
		var out strings.Builder
		if err := r.WriteMarkdown(&out, limit); err != nil {
			t.Fatal(err)
		}
		if out.Len() > limit || !strings.Contains(out.String(), "**WorkflowTable** is replaced") || !strings.Contains(out.String(), "are left out for length") {
			t.Errorf("%d bytes of %d:\n%s", out.Len(), limit, out.String())
		}
		if strings.Count(out.String(), "<details>") != strings.Count(out.String(), "</details>") {
			t.Errorf("details are not closed:\n%s", out.String())
		}
	}
}

// TestTextsOfTemplatesMeanNothing has what a template says neither mention people nor be HTML or a link in a comment.
func TestTextsOfTemplatesMeanNothing(t *testing.T) {
	r := changed(t, func(template m) {
		template["Description"] = "@octocat <img src=x> [a](http://x) ``` **bold**"
	})
	var out strings.Builder
	if err := r.WriteMarkdown(&out, 0); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"@octocat", "<img", "[a](", "```", "**bold"} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("%q is in %s", bad, out.String())
		}
	}
}
