package sns

import (
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/eventpattern"
)

// compileFilter compiles a filter policy; its errors are those of the service.
func compileFilter(policy, scope string) (*eventpattern.Policy, error) {
	p, err := eventpattern.CompileSNS([]byte(policy), scope)
	if err != nil {
		return nil, errInvalid("%s", err)
	}
	return p, nil
}

// wants says whether a message is for this endpoint.
func (sub *Subscription) wants(m *message) bool {
	switch {
	case sub.filter == nil:
		return true
	case sub.scope() == scopeBody:
		return sub.filter.MatchBody([]byte(m.bodyFor(sub.Protocol)))
	}
	// A message without attributes passes no policy, not even one of exists:false.
	// Source: SNS Developer Guide, "Key matching".
	return len(m.attributes) > 0 && sub.filter.MatchAttributes(m.forFilters())
}

// forFilters are the attributes as filter policies read them. The label of a
// type ("Number.int") says nothing to a filter, except that of String.Array.
func (m *message) forFilters() map[string]eventpattern.Attribute {
	if m.filterable == nil {
		m.filterable = make(map[string]eventpattern.Attribute, len(m.attributes))
		for i := range m.attributes {
			a := &m.attributes[i]
			typ := a.dataType
			if typ != "String.Array" {
				typ, _, _ = strings.Cut(typ, ".")
			}
			m.filterable[a.name] = eventpattern.Attribute{DataType: typ, Value: a.text}
		}
	}
	return m.filterable
}
