package scenarios_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/local"
)

// echo stands for the one function of the snapshots of scenarios: it answers
// with the name of the step that it is invoked for.
func echo(local.Runtime) (local.Handler, error) {
	return handlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
		var in struct{ Step string }
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		return json.Marshal(map[string]string{"did": in.Step})
	}), nil
}

func snapshotOf(t *testing.T, scenario string) *local.Stack {
	t.Helper()
	template, err := os.ReadFile(filepath.Join("..", "testdata", scenario+".json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := local.New(template, local.Options{Functions: map[string]local.NewFunction{"ship": echo}, Logs: testLog{t}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestTheSnapshotsOfScenariosRun(t *testing.T) {
	t.Run("function with every option", func(t *testing.T) { snapshotOf(t, "function-with-every-option") })
	t.Run("API without a key", func(t *testing.T) {
		s := snapshotOf(t, "express-flow-of-a-FIFO-queue-with-API-keys")
		caller(t, s, "X-Api-Key", acmeKey).do("POST", "/orders", "{}").problem(http.StatusForbidden)
	})
}

// A service integration waits for its callback as a function does: here the
// queue gets the token.
func TestAnIntegrationThatWaitsForApproval(t *testing.T) {
	s := snapshotOf(t, "workflow-that-waits-for-approval")
	first := func(service, action, list string) any {
		all, _ := call(t, s, service, action, map[string]any{})[list].([]any)
		if len(all) != 1 {
			t.Fatalf("%s %s: %v, want one", service, action, all)
		}
		return all[0]
	}
	table, queue := first("dynamodb", "ListTables", "TableNames"), first("sqs", "ListQueues", "QueueUrls")
	machine := first("states", "ListStateMachines", "stateMachines").(map[string]any)["stateMachineArn"]
	key := map[string]any{record.PartitionKey: map[string]string{"S": "t#1"}, record.SortKey: map[string]string{"S": record.StatusItem}}
	call(t, s, "dynamodb", "PutItem", map[string]any{"TableName": table, "Item": map[string]any{
		record.PartitionKey: key[record.PartitionKey], record.SortKey: key[record.SortKey],
		record.Status: map[string]string{"S": "ACCEPTED"}, record.Sequence: map[string]string{"N": "1"}, record.History: map[string]any{"L": []any{}},
	}})
	run := call(t, s, "states", "StartExecution", map[string]any{"stateMachineArn": machine, "input": `{"pk":"t#1","tenant":"t","orderId":"1","order":{}}`})
	s.Advance(time.Second)
	received, _ := call(t, s, "sqs", "ReceiveMessage", map[string]any{"QueueUrl": queue})["Messages"].([]any)
	if len(received) != 1 {
		t.Fatalf("%d messages to the approver, want 1", len(received))
	}
	s.Advance(50 * time.Minute)
	call(t, s, "states", "SendTaskSuccess", map[string]any{"taskToken": received[0].(map[string]any)["Body"], "output": `{"by":"ada"}`})
	s.Advance(10 * time.Second)
	if d := call(t, s, "states", "DescribeExecution", map[string]any{"executionArn": run["executionArn"]}); d["status"] != "SUCCEEDED" {
		t.Errorf("the execution: %v", d)
	}
	item, _ := json.Marshal(call(t, s, "dynamodb", "GetItem", map[string]any{"TableName": table, "Key": key}))
	for _, want := range []string{`"status":{"S":"COMPLETED"}`, `{\"by\":\"ada\"}`, `{\"did\":\"Ship\"}`} {
		if !strings.Contains(string(item), want) {
			t.Errorf("the item does not contain %s:\n%s", want, item)
		}
	}
}
