package diff_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/diff"
)

// repository is a git repository with two revisions of a committed template, in which the test then works.
func repository(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skipf("skipped: %v", err)
	}
	t.Chdir(t.TempDir())
	git := func(args ...string) {
		t.Helper()
		args = append([]string{"-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"}, args...)
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	write(t, filepath.Join(diff.Committed, "shop.template.json"), `{"Resources": {"A": {"Type": "AWS::SQS::Queue"}}}`)
	git("init", "--quiet")
	git("add", ".")
	git("commit", "--quiet", "--message", "one")
	write(t, filepath.Join(diff.Committed, "shop.template.json"), `{"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "a"}}}}`)
	git("commit", "--quiet", "--all", "--message", "two")
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, name string, synth bool) *diff.Source {
	t.Helper()
	s, err := diff.Load(context.Background(), name, synth)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRevisions(t *testing.T) {
	repository(t)
	// In a folder below, too.
	if err := os.Mkdir("below", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir("below")
	r, err := diff.Compare(load(t, "HEAD~1", false), load(t, "HEAD", false))
	if err != nil {
		t.Fatal(err)
	}
	want{diff.Critical, diff.Replaced, "A", `QueueName: nothing → "a"`, "its messages"}.check(t, r)
	for _, bad := range []string{"no-such-revision", "--output=x", "HEAD:internal"} {
		if _, err := diff.Load(context.Background(), bad, false); err == nil || !strings.Contains(err.Error(), "is no folder, no file and no git revision here") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestSynthesizedRevisions has a stand-in for npx, which tells what it was asked for and in which revision.
func TestSynthesizedRevisions(t *testing.T) {
	repository(t)
	npx := t.TempDir()
	write(t, filepath.Join(npx, "npx"), `#!/bin/sh
[ "$1 $2 $3 $4" = "cdk synth --quiet --output" ] || { echo "asked for $*" >&2; exit 1; }
[ -e node_modules/here ] || { echo "no packages" >&2; exit 1; }
mkdir -p "$5" && cp internal/snapshot/shop.template.json "$5/synthesized.template.json"
`)
	t.Setenv("PATH", npx+string(os.PathListSeparator)+os.Getenv("PATH"))
	if _, err := diff.Load(context.Background(), "HEAD", true); err == nil || !strings.Contains(err.Error(), "run: npm ci") {
		t.Errorf("without packages: %v", err)
	}
	write(t, "node_modules/here", "")
	old, new := load(t, "HEAD~1", true), load(t, "HEAD", true)
	if text := string(old.Templates["synthesized"]); text == "" || text == string(new.Templates["synthesized"]) {
		t.Errorf("old %s, new %s", text, new.Templates["synthesized"])
	}
	out, err := exec.Command("git", "worktree", "list").CombinedOutput()
	if err != nil || strings.Count(string(out), "\n") != 1 {
		t.Errorf("worktrees stay behind: %v\n%s", err, out)
	}
}
