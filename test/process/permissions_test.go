package process_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

// without is dev's template in which the role of a function may not do something.
func without(t *testing.T, role, action string) []byte {
	t.Helper()
	template, err := snapshot.Template("dev")
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(template, &doc); err != nil {
		t.Fatal(err)
	}
	found := false
	for id, r := range doc["Resources"].(map[string]any) {
		r := r.(map[string]any)
		if r["Type"] != "AWS::IAM::Policy" || !strings.HasPrefix(id, role) {
			continue
		}
		document := r["Properties"].(map[string]any)["PolicyDocument"].(map[string]any)
		for _, s := range document["Statement"].([]any) {
			s := s.(map[string]any)
			actions, ok := s["Action"].([]any)
			if !ok {
				actions = []any{s["Action"]}
			}
			for i, a := range actions {
				if a == action {
					actions[i], found = "sqs:PurgeQueue", true
				}
			}
			s["Action"] = actions
		}
	}
	if !found {
		t.Fatalf("no policy of %s allows %s", role, action)
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A process's calls are decided by its role, whose credentials it has.
func TestPermissions(t *testing.T) {
	t.Parallel()
	const action = "dynamodb:UpdateItem"
	w := startTemplate(t, "dev", without(t, "Ship", action), nil)
	o := w.settle(w.as("acme"), order("tok_visa", "KB-1001"))
	if got := path(o); got != "ACCEPTED RESERVED PAID FAILED" {
		t.Errorf("%s (%s)", got, o.Reason)
	}
	if left := w.available("KB-1001"); left != 1_000_000 {
		t.Errorf("%d left of KB-1001", left)
	}
	if log := w.logs.String(); !strings.Contains(log, "AccessDeniedException") || !strings.Contains(log, action) {
		t.Error("the log does not say what is denied")
	}
}
