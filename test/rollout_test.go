package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/infra/app"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

// Where new versions roll out, whatever invokes a function names its alias: what named the function
// itself would get the new code at once.
func TestWhatIsInvokedRollsOut(t *testing.T) {
	all := stacks(t)
	for _, env := range app.Environments() {
		t.Run(env.Name, func(t *testing.T) {
			template := all["orderflow-"+env.Name]
			functions, aliases := template.resources("AWS::Lambda::Function"), template.resources("AWS::Lambda::Alias")
			want := len(functions)
			if env.Rollout.IsZero() {
				want = 0
			}
			if len(aliases) != want || len(template.resources("AWS::CodeDeploy::DeploymentGroup")) != want {
				t.Fatalf("%d aliases and %d deployment groups, want %d", len(aliases), len(template.resources("AWS::CodeDeploy::DeploymentGroup")), want)
			}
			for _, a := range aliases {
				rollsOut(t, template, a)
			}
			invokers := 0
			for _, r := range template.resources() {
				for _, v := range invokes(r) {
					invokers++
					target, ok := template.target(v)
					if kind := map[bool]string{true: "AWS::Lambda::Function", false: "AWS::Lambda::Alias"}[want == 0]; !ok || target.Type != kind {
						t.Errorf("%s (%s) invokes %v, want one of type %s", r.ID, r.Type, v, kind)
					}
				}
			}
			if invokers < len(functions) {
				t.Errorf("only %d invokers of %d functions were found", invokers, len(functions))
			}
		})
	}
}

// invokes are the functions and aliases that a resource invokes or may invoke, as references.
func invokes(r resource) (all []any) {
	switch r.Type {
	case "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission", "AWS::Lambda::EventInvokeConfig":
		return list(r.Properties["FunctionName"])
	case "AWS::StepFunctions::StateMachine":
		substitutions, _ := r.Properties["DefinitionSubstitutions"].(map[string]any)
		for _, name := range sortedKeys(substitutions) {
			if name != "Table" {
				all = append(all, substitutions[name])
			}
		}
	case "AWS::ApiGateway::Method":
		uri := list(at(r.Properties, "Integration", "Uri", "Fn::Join"))
		for i, part := range append(uri, nil) {
			if i == 1 && strings.Contains(jsonOf(part), "/functions/") {
				for _, p := range list(part) {
					if _, ok := p.(map[string]any); ok && !strings.Contains(jsonOf(p), "AWS::") {
						all = append(all, p)
					}
				}
			}
		}
	case "AWS::IAM::Policy":
		for _, s := range statements(r.Properties["PolicyDocument"]) {
			for _, action := range list(s["Action"]) {
				if action == "lambda:InvokeFunction" {
					all = append(all, list(s["Resource"])...)
				}
			}
		}
	}
	return all
}

func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// rollsOut checks that an alias is moved by CodeDeploy, gradually, and back on an alarm that is about the new version.
func rollsOut(t *testing.T, template template, alias resource) {
	t.Helper()
	version, ok := template.target(alias.Properties["FunctionVersion"])
	if !ok || version.Type != "AWS::Lambda::Version" {
		t.Errorf("%s is of no version of the template", alias.ID)
	}
	group, ok := template.target(at(alias.All["UpdatePolicy"], "CodeDeployLambdaAliasUpdate", "DeploymentGroupName"))
	if !ok {
		t.Errorf("%s changes its version at once", alias.ID)
		return
	}
	if got := group.Properties["DeploymentConfigName"]; strings.Contains(jsonOf(got), "AllAtOnce") {
		t.Errorf("%s deploys with %v", group.ID, got)
	}
	if events := jsonOf(at(group.Properties, "AutoRollbackConfiguration", "Events")); !strings.Contains(events, "DEPLOYMENT_STOP_ON_ALARM") || !strings.Contains(events, "DEPLOYMENT_FAILURE") {
		t.Errorf("%s is rolled back on %s", group.ID, events)
	}
	about := false
	for _, a := range list(at(group.Properties, "AlarmConfiguration", "Alarms")) {
		alarm, ok := template.target(at(a, "Name"))
		if !ok || len(list(alarm.Properties["AlarmActions"])) == 0 {
			t.Errorf("%s: the alarm %v tells nobody", group.ID, a)
		}
		text := jsonOf(alarm.Properties)
		about = about || strings.Contains(text, "ExecutedVersion") && strings.Contains(text, version.ID)
	}
	if !about || at(group.Properties, "AlarmConfiguration", "Enabled") != true {
		t.Errorf("%s has no alarm about the new version", group.ID)
	}
}

// A change of code or settings is a new version, and nothing else is. Templates that differ only in code are
// the same to the snapshots.
func TestVersionsFollowTheCode(t *testing.T) {
	template := func(code string, change func(*gofunction.Props)) []byte {
		dir := t.TempDir()
		for _, name := range []string{"one", "other"} {
			text := "#!/bin/sh\n"
			if name == "one" {
				text += code
			}
			if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name, "bootstrap"), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		return synthText(t, func(s awscdk.Stack) {
			p := gofunction.Props{Name: "one", AssetDir: filepath.Join(dir, "one"), Rollout: gofunction.Canary(10, 5*time.Minute)}
			change(&p)
			gofunction.New(s, "One", p)
			gofunction.New(s, "Other", gofunction.Props{Name: "other", AssetDir: filepath.Join(dir, "other"), Rollout: gofunction.AllAtOnce()})
		})
	}
	ids := func(b []byte) (one, other string) {
		var all struct {
			Resources map[string]struct{ Type string }
		}
		if err := json.Unmarshal(b, &all); err != nil {
			t.Fatal(err)
		}
		for _, id := range sortedKeys(all.Resources) {
			switch {
			case all.Resources[id].Type != "AWS::Lambda::Version":
			case strings.HasPrefix(id, "One"):
				one = id
			default:
				other = id
			}
		}
		return one, other
	}
	same := func(*gofunction.Props) {}
	first := template("exit 0", same)
	one, other := ids(first)
	if one == "" || other == "" {
		t.Fatalf("versions %q and %q, want one of each function", one, other)
	}
	for _, tt := range []struct {
		name, code string
		change     func(*gofunction.Props)
		versioned  bool
	}{
		{"nothing", "exit 0", same, false},
		{"code", "exit 1", same, true},
		{"memory", "exit 0", func(p *gofunction.Props) { p.Memory = 512 }, true},
		{"environment", "exit 0", func(p *gofunction.Props) { p.Environment = map[string]string{"A_NAME": "a value"} }, true},
		{"concurrency, which no version has", "exit 0", func(p *gofunction.Props) { p.ReservedConcurrency = 7 }, false},
		{"how it rolls out", "exit 0", func(p *gofunction.Props) { p.Rollout = gofunction.Linear(10, time.Minute) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := template(tt.code, tt.change)
			gotOne, gotOther := ids(b)
			if changed := gotOne != one; changed != tt.versioned {
				t.Errorf("the version %s is a new one: %v, want %v", gotOne, changed, tt.versioned)
			}
			if gotOther != other {
				t.Errorf("the version of the other function is %s, want %s", gotOther, other)
			}
			if tt.name == "code" {
				if string(b) == string(first) {
					t.Error("the code makes no difference to the template")
				}
				if diff := cmp.Diff(string(snapshot.Normalize(first)), string(snapshot.Normalize(b))); diff != "" {
					t.Errorf("normalized they differ:\n%s", diff)
				}
			}
		})
	}
}
