package suppress

import (
	"encoding/json"
	"fmt"
)

// What cfn-lint reads of a resource's metadata (its README, "Metadata"); it has no place for a
// reason, and passes over what it does not know.
const lintKey = "cfn-lint"

type lintMetadata struct {
	Config struct {
		IgnoreChecks []string `json:"ignore_checks"`
	} `json:"config"`
	Reason string `json:"reason"`
}

// Lint excepts a resource from a rule of cfn-lint, such as W3005. It panics without a reason of
// at least 10 characters.
func Lint(resource Resource, rule, reason string) {
	if rule == "" || len(reason) < leastReason {
		panic(fmt.Sprintf("suppress: rule %q of cfn-lint: it must not be empty, nor its reason %q be shorter than %d characters", rule, reason, leastReason))
	}
	ids := []any{rule}
	have, because := ReadLint(resource.GetMetadata(ptr(lintKey)))
	for _, id := range have {
		if id != rule {
			ids = append(ids, id)
		}
	}
	if because != "" && because != reason {
		reason = because + "; " + reason
	}
	resource.AddMetadata(ptr(lintKey), map[string]any{"config": map[string]any{"ignore_checks": ids}, "reason": reason})
}

// ReadLint returns the rules in the metadata cfn-lint of a resource, and why they are there.
func ReadLint(metadata any) (rules []string, reason string) {
	b, err := json.Marshal(metadata)
	if err != nil {
		return nil, ""
	}
	var m lintMetadata
	if json.Unmarshal(b, &m) != nil {
		return nil, ""
	}
	return m.Config.IgnoreChecks, m.Reason
}
