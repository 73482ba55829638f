package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// policy is the IAM policy that a Lambda authorizer returns.
type policy struct{ statements []statement }

type statement struct {
	deny                   bool
	actions, resources     []string
	notAction, notResource bool
}

// verdict is what a policy says of one call.
type verdict int

const (
	implicitDeny verdict = iota
	explicitDeny
	allow
)

// stringOrList is a policy element that may be one string or several.
type stringOrList []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *stringOrList) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var one string
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		*s = stringOrList{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(s))
}

func parsePolicy(raw json.RawMessage) (*policy, error) {
	if !present(raw) {
		return nil, errors.New("it has no policyDocument")
	}
	type statementJSON struct {
		Effect                                   string
		Action, NotAction, Resource, NotResource stringOrList
		Condition                                map[string]any
	}
	var doc struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("policyDocument: %w", err)
	}
	var list []statementJSON
	if s := strings.TrimSpace(string(doc.Statement)); strings.HasPrefix(s, "{") {
		list = make([]statementJSON, 1)
		if err := json.Unmarshal(doc.Statement, &list[0]); err != nil {
			return nil, fmt.Errorf("policyDocument.Statement: %w", err)
		}
	} else if err := json.Unmarshal(doc.Statement, &list); err != nil {
		return nil, fmt.Errorf("policyDocument.Statement: %w", err)
	}
	p := &policy{}
	for i, s := range list {
		st := statement{actions: s.Action, resources: s.Resource}
		switch s.Effect {
		case "Allow":
		case "Deny":
			st.deny = true
		default:
			return nil, fmt.Errorf("policyDocument.Statement[%d]: Effect must be Allow or Deny, got %q", i, s.Effect)
		}
		if len(s.NotAction) > 0 {
			st.actions, st.notAction = s.NotAction, true
		}
		if len(s.NotResource) > 0 {
			st.resources, st.notResource = s.NotResource, true
		}
		if len(st.actions) == 0 || len(st.resources) == 0 {
			return nil, fmt.Errorf("policyDocument.Statement[%d]: Action and Resource are required", i)
		}
		if len(s.Condition) > 0 {
			return nil, fmt.Errorf("policyDocument.Statement[%d]: Condition is not simulated", i)
		}
		p.statements = append(p.statements, st)
	}
	return p, nil
}

// evaluate decides an execute-api:Invoke of a method: a matching Deny wins,
// then a matching Allow.
func (p *policy) evaluate(methodARN string) verdict {
	out := implicitDeny
	for _, s := range p.statements {
		if matchAny(s.actions, "execute-api:invoke", true) == s.notAction ||
			matchAny(s.resources, methodARN, false) == s.notResource {
			continue
		}
		if s.deny {
			return explicitDeny
		}
		out = allow
	}
	return out
}

func matchAny(patterns []string, s string, fold bool) bool {
	for _, p := range patterns {
		if fold {
			p = strings.ToLower(p)
		}
		if wildcard(p, s) {
			return true
		}
	}
	return false
}

// wildcard matches IAM's * (any run of characters) and ? (any one).
func wildcard(p, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(p[i:], "*") == ""
}
