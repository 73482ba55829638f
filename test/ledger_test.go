package test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

const ledgerFile = "testdata/stateful-ids.json"

// stateful are the types of resources whose replacement loses something: data,
// identities, keys, addresses that clients know, executions under way, the place in a
// stream. A second mapping of the same source and function Lambda even refuses.
var stateful = []string{
	"AWS::ApiGateway::RestApi",
	"AWS::Cognito::UserPool",
	"AWS::Cognito::UserPoolClient",
	"AWS::DynamoDB::GlobalTable",
	"AWS::DynamoDB::Table",
	"AWS::KMS::Key",
	"AWS::Lambda::EventSourceMapping",
	"AWS::Logs::LogGroup",
	"AWS::S3::Bucket",
	"AWS::SecretsManager::Secret",
	"AWS::SNS::Topic",
	"AWS::SQS::Queue",
	"AWS::StepFunctions::StateMachine",
}

// ledger holds, by stack, the logical ids of stateful resources and their types.
type ledger map[string]map[string]string

func TestStatefulResourcesKeepTheirIDs(t *testing.T) {
	now := ledger{}
	for name, template := range stacks(t) {
		ids := map[string]string{}
		for _, r := range template.resources(stateful...) {
			ids[r.ID] = r.Type
		}
		now[name] = ids
	}
	if *update {
		b, err := json.MarshalIndent(now, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(ledgerFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(ledgerFile)
	if err != nil {
		t.Fatalf("%v (write it with: go test ./test -update)", err)
	}
	var recorded ledger
	if err := json.Unmarshal(b, &recorded); err != nil {
		t.Fatal(err)
	}
	for _, stack := range sortedKeys(recorded) {
		for _, id := range sortedKeys(recorded[stack]) {
			typ := recorded[stack][id]
			if now[stack][id] != typ {
				t.Errorf(`%s: %s (%s) is gone.
Deploying this makes CloudFormation delete it, or leave it behind, and make a new
and empty one in its place: what it holds would be lost to the app. This
happens when the id of a construct, or of one around it, changes.
If it is meant, write the ledger anew: go test ./test -run StatefulResources -update`, stack, id, typ)
			}
		}
	}
	for _, stack := range sortedKeys(now) {
		for _, id := range sortedKeys(now[stack]) {
			if _, ok := recorded[stack][id]; !ok {
				t.Errorf("%s: %s (%s) is new and not in the ledger: go test ./test -run StatefulResources -update", stack, id, now[stack][id])
			}
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
