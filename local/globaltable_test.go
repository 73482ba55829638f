package local_test

import (
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local"
)

// globalTable is a template with a table as the CDK's TableV2 makes it.
func globalTable(replicas string) []byte {
	return []byte(`{"Resources": {"Orders": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": {
		"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
		"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
		"BillingMode": "PAY_PER_REQUEST", "Replicas": [` + replicas + `]}}},
		"Outputs": {"Table": {"Value": {"Ref": "Orders"}}}}`)
}

func TestAGlobalTableOfOneReplicaIsATable(t *testing.T) {
	stack, err := local.New(globalTable(`{"Region": {"Ref": "AWS::Region"}}`), local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	table := `{"TableName": "` + stack.Outputs()["Table"] + `", `
	if _, err := stack.Call("dynamodb", "PutItem", []byte(table+`"Item": {"pk": {"S": "a"}}}`)); err != nil {
		t.Fatal(err)
	}
	got, err := stack.Call("dynamodb", "GetItem", []byte(table+`"Key": {"pk": {"S": "a"}}}`))
	if err != nil || string(got) != `{"Item":{"pk":{"S":"a"}}}` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestReplicasElsewhereAreRefused(t *testing.T) {
	for replicas, want := range map[string]string{
		`{"Region": "us-east-1"}`:                             `the global table's replica is in "us-east-1", the stack in "eu-central-1"`,
		`{"Region": "eu-central-1"}, {"Region": "us-east-1"}`: "a global table of 2 replicas is not simulated",
	} {
		_, err := local.New(globalTable(replicas), local.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Orders") {
			t.Errorf("%v, want it to name Orders and contain %q", err, want)
		}
	}
}
