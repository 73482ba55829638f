package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/orderflow-cdk/orderflow/infra/app"
)

// What Environment.Validate demands of production is worth only what the template makes of it.
func TestProductionIsGuarded(t *testing.T) {
	all := stacks(t)
	var manifest struct {
		Artifacts map[string]struct {
			Properties struct {
				TerminationProtection bool `json:"terminationProtection"`
			} `json:"properties"`
		} `json:"artifacts"`
	}
	if err := json.Unmarshal(synthesized.manifest, &manifest); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, env := range app.Environments() {
		name := "orderflow-" + env.Name
		if got := manifest.Artifacts[name].Properties.TerminationProtection; got != env.DeletionProtection {
			t.Errorf("%s: termination protection is %v, want %v", name, got, env.DeletionProtection)
		}
		if !env.Production {
			continue
		}
		checked++
		guarded(t, all[name])
	}
	if checked == 0 {
		t.Error("no environment is production")
	}
}

// An environment with an account is deployed there and nowhere else; one without goes where the credentials lead.
func TestEnvironmentsStayInTheirAccount(t *testing.T) {
	dir := t.TempDir()
	var all []app.Environment
	for _, env := range app.Environments() {
		if env.Name == "dev" {
			all = append(all, env)
			env.Name, env.Account, env.Region = "dev-here", "123456789012", "eu-central-1"
			all = append(all, env)
		}
	}
	a, err := app.New(app.Options{Assets: bootstraps(t), Context: flags(t), Outdir: dir, Environments: all})
	if err != nil {
		t.Fatal(err)
	}
	a.Synth(nil)
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Artifacts map[string]struct{ Environment string }
	}
	if err := json.Unmarshal(b, &manifest); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"orderflow-dev": "aws://unknown-account/unknown-region", "orderflow-dev-here": "aws://123456789012/eu-central-1"} {
		if got := manifest.Artifacts[name].Environment; got != want {
			t.Errorf("%s is for %s, want %s", name, got, want)
		}
	}
}

func guarded(t *testing.T, template template) {
	t.Helper()
	tables := template.resources("AWS::DynamoDB::Table")
	for _, r := range tables {
		if r.Properties["DeletionProtectionEnabled"] != true || at(r.Properties, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != true {
			t.Errorf("%s: deletion protection is %v and point-in-time recovery %v, want both", r.ID,
				r.Properties["DeletionProtectionEnabled"], at(r.Properties, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"))
		}
	}
	pools := template.resources("AWS::Cognito::UserPool")
	for _, r := range pools {
		if r.Properties["DeletionProtection"] != "ACTIVE" {
			t.Errorf("%s: deletion protection is %v, want ACTIVE", r.ID, r.Properties["DeletionProtection"])
		}
	}
	secrets := template.resources("AWS::SecretsManager::Secret")
	for _, r := range template.resources("AWS::DynamoDB::Table", "AWS::Cognito::UserPool", "AWS::SQS::Queue", "AWS::Logs::LogGroup", "AWS::SecretsManager::Secret") {
		for _, which := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
			if r.All[which] != "Retain" {
				t.Errorf("%s has the %s %v, want Retain", r.ID, which, r.All[which])
			}
		}
	}
	alarms := template.resources("AWS::CloudWatch::Alarm")
	for _, r := range alarms {
		if len(list(r.Properties["AlarmActions"])) == 0 || r.Properties["ActionsEnabled"] == false {
			t.Errorf("%s tells nobody", r.ID)
		}
	}
	firewalls := template.resources("AWS::WAFv2::WebACLAssociation")
	for what, n := range map[string]int{"tables": len(tables), "user pools": len(pools), "secrets": len(secrets), "alarms": len(alarms), "firewalls": len(firewalls)} {
		if n == 0 {
			t.Errorf("there are no %s", what)
		}
	}
}
