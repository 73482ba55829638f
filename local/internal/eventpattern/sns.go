package eventpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// The scopes of a filter policy.
const (
	MessageAttributes = "MessageAttributes"
	MessageBody       = "MessageBody"
)

// maxPolicy is the greatest size of a filter policy in bytes. This and the two
// limits below: Amazon SNS Developer Guide, "Filter policy constraints".
const (
	maxPolicy       = 256 << 10
	maxKeys         = 5
	maxCombinations = 150
)

var snsDialect = dialect{cidr: true}

// Policy is the filter policy of a subscription.
type Policy struct{ m *matcher }

// CompileSNS compiles the FilterPolicy of a subscription for a scope, the
// default being MessageAttributes. The error of a policy that SNS refuses has
// SNS's wording, without the "Invalid parameter: " that the action puts before it.
func CompileSNS(policy []byte, scope string) (*Policy, error) {
	switch scope {
	case "":
		scope = MessageAttributes
	case MessageAttributes, MessageBody:
	default:
		return nil, fmt.Errorf("FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", scope)
	}
	if len(policy) > maxPolicy {
		return nil, fmt.Errorf("FilterPolicy: Filter policy can not be larger than %d bytes", maxPolicy)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(policy, &keys); err != nil || keys == nil {
		return nil, errors.New("FilterPolicy: failed to parse JSON.")
	}
	if len(keys) == 0 {
		return &Policy{}, nil
	}
	if len(keys) > maxKeys {
		return nil, fmt.Errorf("FilterPolicy: Filter policy can not have more than %d keys", maxKeys)
	}
	rules, err := compile(policy, snsDialect)
	if err != nil {
		return nil, fmt.Errorf("FilterPolicy: %w", err)
	}
	var doc any
	if err := json.Unmarshal(policy, &doc); err != nil {
		return nil, err
	}
	n, depth := combinations(doc.(map[string]any), 1, 1)
	if depth > 1 && scope == MessageAttributes {
		return nil, errors.New("Filter policy scope MessageAttributes does not support nested filter policy")
	}
	if n > maxCombinations {
		return nil, errors.New("FilterPolicy: Filter policy is too complex")
	}
	return &Policy{newMatcher(rules)}, nil
}

// combinations multiplies, for every list, the number of its elements by its
// depth; the branches of $or are added up.
func combinations(o map[string]any, depth, n int) (total, deepest int) {
	deepest = depth
	for name, v := range o {
		switch v := v.(type) {
		case map[string]any:
			var d int
			n, d = combinations(v, depth+1, n)
			deepest = max(deepest, d)
		case []any:
			if name != "$or" {
				n = min(n*len(v)*depth, maxCombinations+1) // no overflow
				continue
			}
			sum := 0
			for _, branch := range v {
				if b, ok := branch.(map[string]any); ok {
					m, d := combinations(b, depth, n)
					sum += m
					deepest = max(deepest, d)
				}
			}
			n = sum
		}
	}
	return n, deepest
}

// Attribute is a message attribute: Value is the text of a String, the JSON of a
// String.Array, the digits of a Number.
type Attribute struct{ DataType, Value string }

// MatchAttributes says whether a message with these attributes passes the
// policy. Attributes of type Binary are as if they were not there.
func (p *Policy) MatchAttributes(attributes map[string]Attribute) bool {
	if p.m == nil {
		return true
	}
	p.m.reset()
	for _, c := range p.m.conditions {
		if a, ok := attributes[c.name]; ok {
			p.m.attribute(c, a)
		}
	}
	return p.m.matched()
}

func (m *matcher) attribute(c *condition, a Attribute) {
	n := &node{conditions: []*condition{c}}
	switch a.DataType {
	case "String":
		m.add(n, value{kind: 's', text: a.Value})
	case "Number":
		f, err := strconv.ParseFloat(a.Value, 64)
		if err == nil {
			m.add(n, value{kind: 'n', text: a.Value, number: f})
		}
	case "String.Array":
		b := []byte(a.Value)
		if i := skipSpace(b, 0); json.Valid(b) && b[i] == '[' {
			m.value(b, i, n)
		}
	}
}

// MatchBody says whether a message with this body passes the policy: no message
// does whose body is no JSON object.
func (p *Policy) MatchBody(body []byte) bool {
	if p.m == nil {
		return true
	}
	body = bytes.TrimSpace(body)
	return len(body) > 0 && body[0] == '{' && json.Valid(body) && p.m.match(body)
}
