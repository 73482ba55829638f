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
	// Context are the condition keys that all requests of the principal for the action and the resource have alike,
	// by their names in lower case.
	Context map[string][]string
	// Lookup returns the values of any other condition key, by its name in lower case; nil: there are none.
	Lookup func(key string) []string

	looked bool // for a key that is not in Context
}

// values are those of a condition key.
func (r *Request) values(key string) []string {
	key = strings.ToLower(key)
	if v, ok := r.Context[key]; ok {
		return v
	}
	r.looked = true
	if r.Lookup == nil {
		return nil
	}
	return r.Lookup(key)
}

// Decision is what policies say to a request.
type Decision struct {
	Allowed bool
	// By is the statement that allows it, or that denies it; nil if there is none.
	By *Statement
	// Delegated says that a policy of the resource leaves it to the principal's account to allow this, by naming
	// the account as the principal. Where only policies of the resource count, those of the principal do too then.
	Delegated bool
	// Conditional says that a condition key was asked for that is not in the request's Context, so that another
	// request with the same one may be decided otherwise.
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
				if !s.conditionsHold(&r) {
					continue
				}
				switch {
				case s.Effect == Deny:
					return Decision{By: s, Conditional: r.looked}
				case kind == 1 && !r.Principal.named(s.Principals) && s.NotPrincipals == nil:
					d.Delegated = true
				default:
					allowed = s
				}
			}
		}
	}
	d.By, d.Conditional = allowed, r.looked
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
	values := r.values(name)
	if len(values) != 1 {
		return "", false // only keys with one value can be variables
	}
	return values[0], true
}

// Allows returns the pattern of actions and the pattern of resources by which a statement is about a request: what it
// says of them, so that who asks can tell which part of a statement is used. Where it has NotAction or
// NotResource, or no resources, that part is empty.
func (s *Statement) Allows(r *Request) (action, resource string) {
	for i, a := range s.actions {
		if a.has(r.Action) {
			action = s.Actions[i]
			break
		}
	}
	for i, p := range s.resources {
		if p.has(r.Resource, r.variable) {
			resource = s.Resources[i]
			break
		}
	}
	return action, resource
}

// Keys are the condition keys that the document asks for, in lower case.
func (d *Document) Keys() []string {
	var keys []string
	for _, s := range d.Statements {
		for _, c := range s.Conditions {
			keys = append(keys, strings.ToLower(c.Key))
		}
	}
	return keys
}
