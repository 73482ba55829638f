package suppress_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/suppress"
)

// resource has metadata that goes through JSON, as it does on its way through the CDK.
type resource map[string]any

func (r resource) AddMetadata(key *string, value any) {
	b, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		panic(err)
	}
	r[*key] = v
}

func (r resource) GetMetadata(key *string) any { return r[*key] }

func TestNag(t *testing.T) {
	r := resource{}
	// What somebody else wrote there stays.
	r.AddMetadata(new("cdk_nag"), map[string]any{"rules_to_suppress": []any{
		map[string]any{"id": "Theirs-1", "reason": "a reason of theirs", "applies_to": []any{"Action::a", "Action::b"}},
	}})
	suppress.Nag(r,
		suppress.Rule{ID: "AwsSolutions-IAM5", Finding: "Resource::*", Reason: "X-Ray has no resource"},
		suppress.Rule{ID: "AwsSolutions-SQS3", Reason: "it is the dead-letter queue — itself"})
	suppress.Nag(r, suppress.Rule{ID: "AwsSolutions-IAM5", Finding: "Resource::*", Reason: "nor has ListStreams"})
	suppress.Nag(r, suppress.Rule{ID: "AwsSolutions-IAM5", Finding: "Resource::*", Reason: "nor has ListStreams"})
	want := []suppress.Rule{
		{ID: "Theirs-1", Finding: "Action::a", Reason: "a reason of theirs"},
		{ID: "Theirs-1", Finding: "Action::b", Reason: "a reason of theirs"},
		{ID: "AwsSolutions-IAM5", Finding: "Resource::*", Reason: "X-Ray has no resource; nor has ListStreams"},
		{ID: "AwsSolutions-SQS3", Reason: "it is the dead-letter queue — itself"},
	}
	if diff := cmp.Diff(want, suppress.Read(r["cdk_nag"])); diff != "" {
		t.Error(diff)
	}
	b, err := json.Marshal(r["cdk_nag"])
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"applies_to":["Resource::*"]`, `"is_reason_encoded":true`} {
		if !strings.Contains(string(b), part) {
			t.Errorf("%s lacks %s", b, part)
		}
	}
}

func TestNagRefusesWhatCdkNagWould(t *testing.T) {
	for _, rule := range []suppress.Rule{
		{Reason: "a reason without a rule"},
		{ID: "AwsSolutions-IAM5[Resource::*]", Reason: "a finding in the id"},
		{ID: "AwsSolutions-SQS3", Reason: "because"},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v is taken", rule)
				}
			}()
			suppress.Nag(resource{}, rule)
		}()
	}
}

func TestReadOfSomethingElse(t *testing.T) {
	for _, metadata := range []any{nil, "text", map[string]any{"rules_to_suppress": "text"}, map[string]any{}} {
		if got := suppress.Read(metadata); len(got) != 0 {
			t.Errorf("%v has the rules %v", metadata, got)
		}
	}
}

func TestLint(t *testing.T) {
	r := resource{}
	suppress.Lint(r, "W3005", "the CDK adds it by itself")
	suppress.Lint(r, "W3005", "the CDK adds it by itself")
	suppress.Lint(r, "E3030", "newer than cfn-lint knows")
	rules, reason := suppress.ReadLint(r["cfn-lint"])
	if diff := cmp.Diff([]string{"E3030", "W3005"}, rules); diff != "" {
		t.Error(diff)
	}
	if want := "the CDK adds it by itself; newer than cfn-lint knows"; reason != want {
		t.Errorf("the reason is %q, want %q", reason, want)
	}
	for _, metadata := range []any{nil, "text", map[string]any{"config": 1}} {
		if rules, reason := suppress.ReadLint(metadata); len(rules) > 0 || reason != "" {
			t.Errorf("%v has the rules %v, %q", metadata, rules, reason)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a rule without a reason is taken")
		}
	}()
	suppress.Lint(r, "W3005", "")
}
