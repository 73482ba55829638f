package iam

import "strings"

// Principal is who asks.
type Principal struct {
	// ARN is that of a role or user; empty for a service and for the account itself.
	ARN string
	// Service is a service that asks as itself, such as "sns.amazonaws.com".
	Service string
	// Account is the id of the principal's account.
	Account string
	// Root says that the account itself asks.
	Root bool
}

// Request is what is asked.
type Request struct {
	Principal Principal
	// Action is the action: "sqs:SendMessage".
	Action string
	// Resource is what it is done to: an ARN, or "*" for actions that know no resources.
	Resource string
	// Context are the condition keys of the request, by their names in lower case.
	Context map[string][]string
}

// Decision is what policies say to a request.
type Decision struct {
	Allowed bool
	// By is the statement that allows it, or that denies it; nil if there is none.
	By *Statement
	// Delegated says that a policy of the resource leaves it to the principal's account to allow this, by naming
	// the account as the principal. Where only policies of the resource count, those of the principal do too then.
	Delegated bool
	// Conditional says that a condition was looked at, so that another request for the same action and resource
	// may be decided otherwise.
	Conditional bool
}

// Decide decides within one account. Any Deny denies. Otherwise an Allow is needed, of a policy of the principal or
// of one of the resource; a service has none of its own; the account itself needs none.
func Decide(r Request, identity, resource []*Document) Decision {
	var d Decision
	var allowed *Statement
	for kind, documents := range [][]*Document{identity, resource} {
		for _, doc := range documents {
			for _, s := range doc.Statements {
				if s.Effect == Allow && allowed != nil || !s.about(&r, kind == 1) {
					continue
				}
				if len(s.Conditions) > 0 {
					d.Conditional = true
					if !s.conditionsHold(&r) {
						continue
					}
				}
				switch {
				case s.Effect == Deny:
					return Decision{By: s, Conditional: d.Conditional}
				case kind == 1 && !r.Principal.named(s.Principals) && s.NotPrincipals == nil:
					d.Delegated = true
				default:
					allowed = s
				}
			}
		}
	}
	d.By = allowed
	d.Allowed = allowed != nil || r.Principal.Root
	return d
}

// about reports whether a statement is about a request, but for its conditions.
func (s *Statement) about(r *Request, ofResource bool) bool {
	if len(s.actions) > 0 != anyAction(s.actions, r.Action) || len(s.notActions) > 0 && anyAction(s.notActions, r.Action) {
		return false
	}
	variables := r.variable
	if len(s.resources) > 0 && !anyResource(s.resources, r.Resource, variables) || len(s.notResources) > 0 && anyResource(s.notResources, r.Resource, variables) {
		return false
	}
	switch {
	case !ofResource:
		return true
	case s.Principals != nil:
		return r.Principal.in(s.Principals)
	case s.NotPrincipals != nil:
		return !r.Principal.in(s.NotPrincipals)
	}
	return false
}

func anyAction(patterns []action, name string) bool {
	for _, p := range patterns {
		if p.has(name) {
			return true
		}
	}
	return false
}

func anyResource(patterns []resource, arn string, variables func(string) (string, bool)) bool {
	for _, p := range patterns {
		if p.has(arn, variables) {
			return true
		}
	}
	return false
}

// in reports whether a principal is one of those that a statement names (IAM JSON policy elements:
// Principal), be it as one of its account.
func (p Principal) in(named map[string][]string) bool {
	if p.named(named) {
		return true
	}
	for _, name := range named["AWS"] {
		if p.Service == "" && (name == p.Account || strings.HasPrefix(name, "arn:") && strings.HasSuffix(name, ":iam::"+p.Account+":root")) {
			return true
		}
	}
	return false
}

// named reports whether a statement names a principal itself, or everybody.
func (p Principal) named(named map[string][]string) bool {
	for _, name := range named["Service"] {
		if name == "*" || p.Service != "" && strings.EqualFold(name, p.Service) {
			return true
		}
	}
	for _, name := range named["AWS"] {
		if name == "*" || name == p.ARN && p.ARN != "" { // everybody, services included
			return true
		}
	}
	return false
}

// variable is the value of a policy variable.
func (r *Request) variable(name string) (string, bool) {
	values := r.Context[strings.ToLower(name)]
	if len(values) != 1 {
		return "", false // only keys with one value can be variables
	}
	return values[0], true
}
