package gofunction_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
)

func TestMain(m *testing.M) { cdktest.Main(m) }

// A function whose new versions get a tenth of the invocations for a quarter of an hour, and all of them if nothing
// is wrong by then.
func Example() {
	dir, _ := os.MkdirTemp("", "dist") // what build-functions makes of functions/reserve
	defer func() { _ = os.RemoveAll(dir) }()
	_ = os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("#!/bin/sh\n"), 0o755)

	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Shop"), nil)
	reserve := gofunction.New(stack, "Reserve", gofunction.Props{
		Name:     "reserve",
		AssetDir: dir,
		Timeout:  5 * time.Second,
		Rollout:  gofunction.Canary(10, 15*time.Minute),
	})

	fmt.Println("invoke:", *reserve.Live.Node().Path())
	fmt.Println("rolls out by:", *reserve.Rollout.DeploymentConfig().DeploymentConfigRef().DeploymentConfigName)
	fmt.Println("taken back by:", *reserve.ErrorAlarm.Node().Path())
	// Output:
	// invoke: Shop/Reserve/Live
	// rolls out by: CodeDeployDefault.LambdaCanary10Percent15Minutes
	// taken back by: Shop/Reserve/RolloutErrors
}

func ExampleLinear() {
	rollout := gofunction.Linear(20, 3*time.Minute)
	fmt.Println(rollout, "takes", rollout.Duration())
	fmt.Println(gofunction.Linear(60, 90*time.Second).Validate())
	// Output:
	// Linear20PercentEvery3Minutes takes 12m0s
	// the rollout must wait for whole minutes, got 1m30s
}

func TestRollouts(t *testing.T) {
	for _, tt := range []struct {
		rollout  gofunction.Rollout
		name     string
		duration time.Duration
		wrong    string
	}{
		{gofunction.Rollout{}, "in place", 0, ""},
		{gofunction.AllAtOnce(), "AllAtOnce", 0, ""},
		{gofunction.Canary(10, 5*time.Minute), "Canary10Percent5Minutes", 5 * time.Minute, ""},
		{gofunction.Canary(99, time.Minute), "Canary99Percent1Minute", time.Minute, ""},
		{gofunction.Linear(10, time.Minute), "Linear10PercentEvery1Minute", 9 * time.Minute, ""},
		{gofunction.Linear(33, time.Minute), "Linear33PercentEvery1Minute", 3 * time.Minute, ""}, // 33, 66, 99, 100
		{gofunction.Linear(50, 2*time.Minute), "Linear50PercentEvery2Minutes", 2 * time.Minute, ""},
		{gofunction.Canary(0, time.Minute), "", time.Minute, "1–99 percent at a time, got 0"},
		{gofunction.Canary(100, time.Minute), "", time.Minute, "1–99 percent at a time, got 100"},
		{gofunction.Linear(-5, time.Minute), "", time.Minute, "got -5"},
		{gofunction.Canary(10, 0), "", 0, "whole minutes, got 0s"},
		{gofunction.Canary(10, 150*time.Second), "", 150 * time.Second, "whole minutes, got 2m30s"},
		{gofunction.Canary(10, 49*time.Hour), "", 49 * time.Hour, "over within 48h, got 49h0m0s"},
		{gofunction.Linear(1, 30*time.Minute), "", 49*time.Hour + 30*time.Minute, "over within 48h, got 49h30m0s"},
	} {
		if got := tt.rollout.String(); tt.name != "" && got != tt.name {
			t.Errorf("%#v is called %s, want %s", tt.rollout, got, tt.name)
		}
		if got := tt.rollout.Duration(); got != tt.duration {
			t.Errorf("%s takes %s, want %s", tt.rollout, got, tt.duration)
		}
		if err := tt.rollout.Validate(); err == nil != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%s: error %v, want %q", tt.rollout, err, tt.wrong)
		}
	}
}

// What all of a stack's rollouts need is made once, and a function without one is invoked itself.
func TestRolloutsShareWhatTheyCan(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	stack := cdktest.Stack()
	add := func(id string, r gofunction.Rollout) *gofunction.GoFunction {
		return gofunction.New(stack, id, gofunction.Props{Name: "f", AssetDir: dir, Rollout: r})
	}
	plain := add("Plain", gofunction.Rollout{})
	for id, r := range map[string]gofunction.Rollout{
		"A": gofunction.Canary(10, 5*time.Minute), "B": gofunction.Canary(20, 5*time.Minute), "C": gofunction.Canary(20, 5*time.Minute), "D": gofunction.AllAtOnce(),
	} {
		add(id, r)
	}
	plain.AddRollbackAlarm(nil) // there is nothing to roll back
	if plain.Live != plain.Function || plain.Rollout != nil || plain.ErrorAlarm != nil {
		t.Error("a function without a rollout is not invoked itself")
	}
	template := cdktest.Synth(t, stack)
	for typ, want := range map[string]int{
		"AWS::Lambda::Function": 5, "AWS::Lambda::Alias": 4, "AWS::Lambda::Version": 4, "AWS::CodeDeploy::DeploymentGroup": 4,
		"AWS::CodeDeploy::Application": 1, "AWS::CodeDeploy::DeploymentConfig": 1,
	} {
		if got := len(template.All(typ, "")); got != want {
			t.Errorf("%d resources of type %s, want %d", got, typ, want)
		}
	}
	for group, config := range map[string]string{
		"A": "CodeDeployDefault.LambdaCanary10Percent5Minutes", "D": "CodeDeployDefault.LambdaAllAtOnce",
		"B": "{" + template.One(t, "AWS::CodeDeploy::DeploymentConfig", "Rollouts").ID + "}",
		"C": "{" + template.One(t, "AWS::CodeDeploy::DeploymentConfig", "Rollouts").ID + "}",
	} {
		if got := template.One(t, "AWS::CodeDeploy::DeploymentGroup", group).Text("DeploymentConfigName"); got != config {
			t.Errorf("%s rolls out by %s, want %s", group, got, config)
		}
	}
	// CodeDeploy may move the alias of each function, and has no managed policy for those of the whole account.
	role := template.One(t, "AWS::IAM::Role", "Rollouts")
	if arns := role.Get("ManagedPolicyArns"); arns != nil {
		t.Errorf("%s has the managed policies %v", role.ID, arns)
	}
	function := template.One(t, "AWS::Lambda::Function", "A").ID
	policy := template.One(t, "AWS::IAM::Policy", "ARolloutPolicy")
	for i, want := range []string{"{" + function + ".Arn}", "{" + function + ".Arn}:live"} {
		if got := cdktest.Text(policy.Get("PolicyDocument", "Statement", 0, "Resource", i)); got != want {
			t.Errorf("%s is about %s, want %s", policy.ID, got, want)
		}
	}
}
