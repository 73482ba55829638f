// Package workflows checks the workflows of GitHub Actions: by actionlint, and by running their steps here.
package workflows

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

const root = "../.."

// executed are the steps that tests here run; elsewhere are those that something else runs, with what.
var (
	executed = []string{
		".github/scripts/diff.sh report",
		".github/scripts/comment.sh report/diff.md",
		".github/scripts/review.sh cdk.out",
		".github/scripts/deploy.sh cdk.out",
	}
	elsewhere = map[string]string{
		".ci/run":                                "it is what runs this test",
		"npm ci --no-audit --no-fund":            "a step of .ci/run, and it would change the node_modules that tests use",
		"npx cdk synth --quiet --output cdk.out": "a step of .ci/run, which takes minutes",
	}
)

// workflows are the files of the workflows.
func workflows(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, ".github/workflows/*.yml"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d workflows, %v", len(files), err)
	}
	return files
}

func TestActionlint(t *testing.T) {
	args := []string{"tool", "actionlint"}
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Log("shellcheck is not installed: the workflows' scripts are not checked by it")
	} else {
		scripts, err := filepath.Glob(filepath.Join(root, ".github/scripts/*.sh"))
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("shellcheck", scripts...).CombinedOutput(); err != nil {
			t.Errorf("shellcheck: %v\n%s", err, out)
		}
	}
	if out, err := exec.Command("go", append(args, workflows(t)...)...).CombinedOutput(); err != nil {
		t.Errorf("actionlint: %v\n%s", err, out)
	}
}

// pinned is an action of a commit, with its version for people.
var pinned = regexp.MustCompile(`uses: (?:\./\S+|[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$`)

// TestWorkflowsAreSafe checks what actionlint does not: actions are pinned to commits, no event has the rights of the base for
// code of a fork, no step has the text of somebody in its script, no job has more permissions than it says.
func TestWorkflowsAreSafe(t *testing.T) {
	for _, file := range workflows(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w, errs := actionlint.Parse(text)
		if len(errs) > 0 {
			t.Fatalf("%s: %v", file, errs)
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimRight(line, "\n"); strings.Contains(line, "uses: ") && !pinned.MatchString(line) {
				t.Errorf("%s: not pinned to a commit: %s", file, line)
			}
		}
		for _, e := range w.On {
			if name := e.EventName(); name == "pull_request_target" || name == "workflow_run" {
				t.Errorf("%s is triggered by %s", file, name)
			}
		}
		if w.Permissions == nil {
			t.Errorf("%s does not say its permissions", file)
		}
		for id, job := range w.Jobs {
			writes := job.Permissions != nil && slices.ContainsFunc([]string{"pull-requests", "id-token"}, func(p string) bool {
				scope := job.Permissions.Scopes[p]
				return scope != nil && scope.Value.Value == "write"
			})
			for _, run := range runs(job) {
				if strings.Contains(run, "${{") {
					t.Errorf("%s: %s has an expression in the script %q", file, id, run)
				}
				if writes && !strings.HasPrefix(run, ".github/scripts/") && id == "comment" {
					t.Errorf("%s: %s can write and runs %q", file, id, run)
				}
			}
		}
	}
}

func runs(job *actionlint.Job) []string {
	var out []string
	for _, s := range job.Steps {
		if run, ok := s.Exec.(*actionlint.ExecRun); ok {
			out = append(out, run.Run.Value)
		}
	}
	return out
}

func TestEveryStepIsRun(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range workflows(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w, _ := actionlint.Parse(text)
		for id, job := range w.Jobs {
			for _, run := range runs(job) {
				seen[run] = true
				if !slices.Contains(executed, run) && elsewhere[run] == "" {
					t.Errorf("%s: %s: nothing here runs %q, and no reason is given", file, id, run)
				}
			}
		}
	}
	for _, run := range slices.Concat(executed, slices.Collect(func(yield func(string) bool) {
		for run := range elsewhere {
			if !yield(run) {
				return
			}
		}
	})) {
		if !seen[run] {
			t.Errorf("no workflow has the step %q", run)
		}
	}
}

// orderflow is the command, built once.
func orderflow(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "orderflow")
	if out, err := exec.Command("go", "build", "-o", file, "../../cmd/orderflow").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return file
}

// step runs a step of a workflow in a folder, with bash as GitHub's runners do, and returns what it prints and its summary.
func step(t *testing.T, folder, run string, env ...string) (out, summary string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "summary.md")
	cmd := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", run)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), append(env, "GITHUB_STEP_SUMMARY="+file)...)
	text, err := cmd.CombinedOutput()
	written, readErr := os.ReadFile(file)
	if readErr != nil && !os.IsNotExist(readErr) {
		t.Fatal(readErr)
	}
	return string(text), string(written), err
}

func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("skipped: %v", err)
		}
	}
}

func git(t *testing.T, folder string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// clone is a clone of this repository, without its history, in which the key of the orders table was changed by a commit that
// only its origin has, as of a pull request.
func clone(t *testing.T) (folder, base, head string) {
	t.Helper()
	need(t, "git", "bash")
	temp := t.TempDir()
	origin, folder := filepath.Join(temp, "origin"), filepath.Join(temp, "clone")
	for _, name := range []string{"internal/snapshot", ".github"} {
		if err := os.CopyFS(filepath.Join(origin, name), os.DirFS(filepath.Join(root, name))); err != nil {
			t.Fatal(err)
		}
	}
	if err := filepath.WalkDir(filepath.Join(origin, ".github/scripts"), func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".sh") {
			err = os.Chmod(path, 0o755)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	git(t, temp, "init", "--quiet", "--initial-branch", "main", origin)
	git(t, origin, "add", ".")
	git(t, origin, "commit", "--quiet", "--message", "base")
	base = git(t, origin, "rev-parse", "HEAD")
	git(t, temp, "clone", "--quiet", origin, folder)
	file := filepath.Join(origin, "internal/snapshot/orderflow-prod.template.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `"DeletionProtectionEnabled": true`, `"DeletionProtectionEnabled": false`, 1)
	if changed == string(text) {
		t.Fatal("no table of prod has deletion protection")
	}
	if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	git(t, origin, "checkout", "--quiet", "--detach")
	git(t, origin, "commit", "--quiet", "--all", "--message", "head")
	head = git(t, origin, "rev-parse", "HEAD")
	git(t, origin, "update-ref", "refs/pull/7/head", head)
	return folder, base, head
}

func TestDiffStep(t *testing.T) {
	folder, base, head := clone(t)
	out, summary, err := step(t, folder, executed[0], "BASE="+base, "HEAD="+head, "HEAD_REF=refs/pull/7/head", "ORDERFLOW="+orderflow(t))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	report, err := os.ReadFile(filepath.Join(folder, "report/diff.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(summary, "## Critical: 1 safeguard changed") || summary != string(report) {
		t.Errorf("summary %s\nreport %s", summary, report)
	}
	if !strings.Contains(summary, "deletion protection: DeletionProtectionEnabled true → false") || !strings.Contains(summary, "a million orders $") {
		t.Errorf("report %s", report)
	}
}

// TestCommentStep runs the step against a stand-in for GitHub's API, twice: the second time it changes the comment of the first.
func TestCommentStep(t *testing.T) {
	need(t, "bash", "curl", "jq")
	comments := []map[string]any{}
	for i := range 100 { // a page of others, and one who writes the marker
		comments = append(comments, map[string]any{"id": i + 1, "user": map[string]any{"type": "User"}, "body": "<!-- orderflow diff -->\nmine"})
	}
	github := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var in struct{ Body string }
		if r.Method != http.MethodGet {
			text, _ := io.ReadAll(r.Body)
			if err := json.Unmarshal(text, &in); err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
		}
		switch r.Method + " " + r.URL.Path {
		case "GET /repos/o/r/issues/7/comments":
			from, to := 0, 100
			if r.URL.Query().Get("page") == "2" {
				from, to = 100, len(comments)
			}
			_ = json.NewEncoder(w).Encode(comments[from:to])
		case "POST /repos/o/r/issues/7/comments":
			comments = append(comments, map[string]any{"id": 901, "user": map[string]any{"type": "Bot"}, "body": in.Body})
			w.WriteHeader(http.StatusCreated)
		case "PATCH /repos/o/r/issues/comments/901":
			comments[100]["body"] = in.Body
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer github.Close()
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, ".github/scripts"), os.DirFS(filepath.Join(root, ".github/scripts"))); err != nil {
		t.Fatal(err)
	}
	env := []string{"GITHUB_API_URL=" + github.URL, "GITHUB_REPOSITORY=o/r", "PULL_REQUEST=7", "GITHUB_TOKEN=secret"}
	for i, want := range []string{"a comment was posted\n", "comment 901 is up to date\n"} {
		text := fmt.Sprintf("## Report %d\n\n\"quotes\", $dollars and `ticks`\n", i+1)
		if err := os.MkdirAll(filepath.Join(folder, "report"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "report/diff.md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, _, err := step(t, folder, "bash "+executed[1], env...)
		if err != nil || out != want {
			t.Fatalf("%v: %q", err, out)
		}
		if len(comments) != 101 || comments[100]["body"] != "<!-- orderflow diff -->\n"+text {
			t.Errorf("%d comments, the last %q", len(comments), comments[len(comments)-1]["body"])
		}
	}
	if out, _, err := step(t, folder, "bash "+executed[1], append(env, "GITHUB_TOKEN=wrong")...); err == nil {
		t.Errorf("a refused request is no error: %s", out)
	}
}

// stand writes a program that stands in for one that needs an account.
func stand(t *testing.T, name, script string) (path string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/usr/bin/env bash\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// TestReviewStep runs the step with the AWS CLI left out: what it would read of the deployed stack is a committed template.
func TestReviewStep(t *testing.T) {
	folder, _, head := clone(t)
	git(t, folder, "fetch", "--quiet", "origin", "refs/pull/7/head")
	before := filepath.Join(folder, "internal/snapshot")
	assembly := filepath.Join(folder, "cdk.out")
	if err := os.CopyFS(assembly, os.DirFS(before)); err != nil {
		t.Fatal(err)
	}
	text := git(t, folder, "show", head+":internal/snapshot/orderflow-prod.template.json")
	if err := os.WriteFile(filepath.Join(assembly, "orderflow-prod.template.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	aws := stand(t, "aws", `case "$*" in
*orderflow-prod*) cat "$BEFORE/orderflow-prod.template.json" ;;
*orderflow-dev*) cat "$BEFORE/orderflow-dev.template.json" ;;
*) echo "An error occurred (ValidationError): Stack with id $4 does not exist" >&2; exit 254 ;;
esac
`)
	env := []string{"PATH=" + aws + ":" + os.Getenv("PATH"), "BEFORE=" + before, "ORDERFLOW=" + orderflow(t)}
	for _, c := range []struct {
		environment, accept, want string
		fails                     bool
	}{
		{"prod", "false", "::error::orderflow-prod is not deployed", true},
		{"prod", "true", "Critical: 1 safeguard changed", false},
		{"dev", "false", "No difference", false},
		{"new", "false", "orderflow-new is not deployed yet", false},
	} {
		out, summary, err := step(t, folder, executed[2], append(env, "ENVIRONMENT="+c.environment, "ACCEPT="+c.accept)...)
		if (err != nil) != c.fails || !strings.Contains(out, c.want) {
			t.Errorf("%s, accept %s: %v\n%s", c.environment, c.accept, err, out)
		}
		if c.environment != "new" && !strings.HasPrefix(summary, "## ") {
			t.Errorf("%s: summary %q", c.environment, summary)
		}
	}
}

// TestDeployStep runs the step with the deployment itself left out, which test/deploy has: the CDK's command line lists what it was told to deploy.
func TestDeployStep(t *testing.T) {
	folder, _, _ := clone(t)
	cdk := stand(t, "cdk", `set -eu
echo "$*" | sed 's/--outputs-file.*/--outputs-file FILE/'
for last; do :; done
echo '{"orderflow-dev":{"ApiUrl":"https://api.example"}}' >"$last"
`)
	out, summary, err := step(t, folder, executed[3], "ENVIRONMENT=dev", "CDK="+filepath.Join(cdk, "cdk"))
	if err != nil || out != "deploy orderflow-dev --app cdk.out --require-approval never --progress events --ci --outputs-file FILE\n" {
		t.Errorf("%v %q", err, out)
	}
	if !strings.Contains(summary, "### orderflow-dev") || !strings.Contains(summary, "https://api.example") {
		t.Errorf("summary %q", summary)
	}
}
