package test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/infra/app"
	"github.com/orderflow-cdk/orderflow/internal/suppress"
)

// finding is what cdk-nag has to say of a resource.
type finding struct {
	Rule, Finding string // such as AwsSolutions-IAM5 and Resource::*
	Path, ID      string // of the resource
	Suppressed    bool
	Text          string
}

func (f finding) String() string {
	rule := f.Rule
	if f.Finding != "" {
		rule += "[" + f.Finding + "]"
	}
	return fmt.Sprintf("%s %s: %s", f.Path, rule, f.Text)
}

// nag synthesizes an app and has cdk-nag's pack AwsSolutions look at it. The pack says what it finds
// by annotations, with which a synthesis ends in an error after it has written everything.
func nag(a awscdk.App) {
	awscdk.Aspects_Of(a).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{
		LogIgnores: jsii.Bool(true), // Or else it does not say what is suppressed.
		Reports:    jsii.Bool(false),
	}), nil)
	defer func() {
		if r := recover(); r != nil && !strings.Contains(fmt.Sprint(r), "Validation failed") {
			panic(r)
		}
	}()
	a.Synth(nil)
}

var (
	found      = regexp.MustCompile(`^([A-Za-z]+-?[A-Za-z0-9]+)(?:\[((?s).*?)\])?: ((?s).*)$`)
	suppressed = regexp.MustCompile(`^(\S+) was triggered but suppressed\.`)
)

// findings are cdk-nag's in a stack's annotations, and paths those of its resources by their logical ids.
func findings(t testing.TB, manifest []byte, stack string, read func(string) []byte) (out []finding, paths map[string]string) {
	t.Helper()
	type entry struct {
		Type string `json:"type"`
		Data any    `json:"data"`
	}
	var m struct {
		Artifacts map[string]struct {
			Metadata map[string][]entry `json:"metadata"`
			File     string             `json:"additionalMetadataFile"`
		} `json:"artifacts"`
	}
	if err := json.Unmarshal(manifest, &m); err != nil {
		t.Fatal(err)
	}
	metadata := m.Artifacts[stack].Metadata
	if file := m.Artifacts[stack].File; file != "" {
		if err := json.Unmarshal(read(file), &metadata); err != nil {
			t.Fatal(err)
		}
	}
	if len(metadata) == 0 {
		t.Fatalf("%s has no metadata: where would cdk-nag's findings be?", stack)
	}
	paths = map[string]string{}
	for _, path := range sortedKeys(metadata) {
		id := ""
		for _, e := range metadata[path] {
			if e.Type == "aws:cdk:logicalId" {
				id, _ = e.Data.(string)
				paths[id] = strings.TrimSuffix(strings.TrimPrefix(path, "/"+stack+"/"), "/Resource")
			}
		}
		for _, e := range metadata[path] {
			text, _ := e.Data.(string)
			parts := found.FindStringSubmatch(text)
			if !strings.HasPrefix(text, "AwsSolutions-") && !strings.HasPrefix(text, "CdkNag") || parts == nil {
				continue
			}
			f := finding{Rule: parts[1], Finding: parts[2], Path: path, ID: id, Text: strings.TrimSpace(parts[3])}
			if s := suppressed.FindStringSubmatch(parts[3]); parts[1] == "CdkNagSuppression" && s != nil {
				f.Rule, f.Suppressed = s[1], true
			}
			out = append(out, f)
		}
	}
	return out, paths
}

// inspected are all stacks that cdk-nag looks at: the app's and the scenarios'.
func inspected(t *testing.T, check func(t *testing.T, template template, findings []finding)) {
	t.Helper()
	all := stacks(t)
	for _, env := range app.Environments() {
		name := "orderflow-" + env.Name
		t.Run(env.Name, func(t *testing.T) { check(t, all[name], synthesized.findings[name]) })
	}
	more := scenarios(t)
	for _, name := range built.names {
		t.Run(name, func(t *testing.T) { check(t, more[name].stacks[testStack], more[name].findings[testStack]) })
	}
}

// TestNagFindsNothingInAnAccount: findings name the account and the region where those are known.
func TestNagFindsNothingInAnAccount(t *testing.T) {
	var environments []app.Environment
	for _, env := range app.Environments() {
		if env.Production {
			env.Account, env.Region = "123456789012", "eu-central-1"
			environments = append(environments, env)
		}
	}
	dir := t.TempDir()
	a, err := app.New(app.Options{Assets: bootstraps(t), Context: flags(t), Outdir: dir, Environments: environments})
	if err != nil {
		t.Fatal(err)
	}
	name := "orderflow-" + environments[0].Name
	got := synthesize(t, a, nag, dir, name)
	for _, f := range got.findings[name] {
		if !f.Suppressed {
			t.Error(f)
		}
	}
	for _, stale := range stale(got.stacks[name].suppressions(), got.findings[name]) {
		t.Error(stale)
	}
}

func TestNagFindsNothing(t *testing.T) {
	inspected(t, func(t *testing.T, _ template, all []finding) {
		for _, f := range all {
			if !f.Suppressed {
				t.Error(f)
			}
		}
	})
}

// suppressions are what a template's resources are excepted from, by logical id.
func (t template) suppressions() map[string][]suppress.Rule {
	out := map[string][]suppress.Rule{}
	for _, r := range t.resources() {
		if rules := suppress.Read(at(r.All["Metadata"], "cdk_nag")); len(rules) > 0 {
			out[r.ID] = rules
		}
	}
	return out
}

func TestEverySuppressionSuppressesSomething(t *testing.T) {
	inspected(t, func(t *testing.T, template template, all []finding) {
		if at(template, "Metadata", "cdk_nag") != nil {
			t.Error("a whole stack is excepted from rules: write the exception to the resource that needs it")
		}
		for _, stale := range stale(template.suppressions(), all) {
			t.Error(stale)
		}
	})
}

// stale names suppressions that nothing was found for.
func stale(suppressions map[string][]suppress.Rule, all []finding) (out []string) {
	for _, id := range sortedKeys(suppressions) {
		for _, rule := range suppressions[id] {
			used := slices.ContainsFunc(all, func(f finding) bool {
				return f.Suppressed && f.ID == id && f.Rule == rule.ID && (rule.Finding == "" || f.Finding == rule.Finding)
			})
			if !used {
				out = append(out, fmt.Sprintf("%s is excepted from %s, which finds nothing there: take the suppression out", id, strings.TrimSpace(rule.ID+" "+rule.Finding)))
			}
		}
	}
	return out
}

func TestStaleSuppressionsAreNamed(t *testing.T) {
	suppressions := map[string][]suppress.Rule{"Queue": {{ID: "AwsSolutions-SQS3"}}, "Policy": {
		{ID: "AwsSolutions-IAM5", Finding: "Resource::*"}, {ID: "AwsSolutions-IAM5", Finding: "Action::s3:*"},
	}}
	all := []finding{
		{Rule: "AwsSolutions-SQS3", ID: "Other", Suppressed: true},
		{Rule: "AwsSolutions-SQS3", ID: "Queue"},
		{Rule: "AwsSolutions-IAM5", Finding: "Resource::*", ID: "Policy", Suppressed: true},
	}
	want := []string{
		"Policy is excepted from AwsSolutions-IAM5 Action::s3:*, which finds nothing there: take the suppression out",
		"Queue is excepted from AwsSolutions-SQS3, which finds nothing there: take the suppression out",
	}
	if diff := cmp.Diff(want, stale(suppressions, all)); diff != "" {
		t.Error(diff)
	}
}
