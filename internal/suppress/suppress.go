// Package suppress writes down, beside a resource, why a finding of cdk-nag or cfn-lint on it is
// accepted. What is written is metadata of CloudFormation, so that neither the constructs nor
// their users need those tools; it does not import the CDK either.
package suppress

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Resource is a resource of a template, which has metadata: an awscdk.CfnResource.
type Resource interface {
	AddMetadata(key *string, value any)
	GetMetadata(key *string) any
}

// Rule is a rule of cdk-nag that a resource is excepted from.
type Rule struct {
	// ID of the rule, such as AwsSolutions-IAM5. Required.
	ID string
	// Finding is the one that is accepted, of rules that have several for a resource, such
	// as "Resource::*". Default: the rule has no more than one.
	Finding string
	// Reason is what a reviewer is told: at least 10 characters, which is cdk-nag's limit. Required.
	Reason string
}

// What cdk-nag reads, as cdk-nag 2.35's lib/utils/nag-suppression-helper.js does.
const (
	nagKey   = "cdk_nag"
	rulesKey = "rules_to_suppress"

	leastReason = 10
)

type nagRule struct {
	ID        string   `json:"id"`
	Reason    string   `json:"reason"`
	Encoded   bool     `json:"is_reason_encoded,omitempty"`
	AppliesTo []string `json:"applies_to,omitempty"`
}

// Nag excepts a resource from rules, and keeps what it is excepted from already. The same
// finding accepted twice, by constructs that share a role for example, is one suppression with both
// reasons. It panics on a rule that cdk-nag would refuse.
func Nag(resource Resource, rules ...Rule) {
	all := Read(resource.GetMetadata(ptr(nagKey)))
	for _, r := range rules {
		if r.ID == "" || strings.ContainsAny(r.ID, "[]") || len(r.Reason) < leastReason {
			panic(fmt.Sprintf("suppress: rule %q: its id must not be empty nor have a finding in it, and its reason %q at least %d characters", r.ID, r.Reason, leastReason))
		}
		same := slices.IndexFunc(all, func(have Rule) bool { return have.ID == r.ID && have.Finding == r.Finding })
		switch {
		case same < 0:
			all = append(all, r)
		case !strings.Contains(all[same].Reason, r.Reason):
			all[same].Reason += "; " + r.Reason
		}
	}
	out := make([]any, len(all))
	for i, r := range all {
		out[i] = r.metadata()
	}
	resource.AddMetadata(ptr(nagKey), map[string]any{rulesKey: out})
}

func (r Rule) metadata() map[string]any {
	m := map[string]any{"id": r.ID, "reason": r.Reason}
	if r.Finding != "" {
		m["applies_to"] = []any{r.Finding}
	}
	// cdk-nag encodes what is not Latin-1, and this what is not ASCII: it decodes both.
	if strings.ContainsFunc(r.Reason, func(c rune) bool { return c > 0x7f }) {
		m["reason"], m["is_reason_encoded"] = base64.StdEncoding.EncodeToString([]byte(r.Reason)), true
	}
	return m
}

// Read returns the rules in the metadata cdk_nag of a resource, one for each finding.
func Read(metadata any) []Rule {
	b, err := json.Marshal(metadata)
	if err != nil {
		return nil
	}
	var m struct {
		Rules []nagRule `json:"rules_to_suppress"`
	}
	if json.Unmarshal(b, &m) != nil {
		return nil
	}
	var out []Rule
	for _, r := range m.Rules {
		if r.Encoded {
			if text, err := base64.StdEncoding.DecodeString(r.Reason); err == nil {
				r.Reason = string(text)
			}
		}
		if len(r.AppliesTo) == 0 {
			r.AppliesTo = []string{""}
		}
		for _, finding := range r.AppliesTo {
			out = append(out, Rule{ID: r.ID, Finding: finding, Reason: r.Reason})
		}
	}
	return out
}

func ptr(s string) *string { return &s }
