package iam

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Effect is that of a statement.
type Effect string

// The effects.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// Document is a policy: of an identity, of a resource, or of who may assume a role.
type Document struct{ Statements []*Statement }

// Statement is one statement of a policy.
type Statement struct {
	// Ref is where it comes from: the name that Parse was given and the statement's number, from 1.
	Ref string
	// Sid is the statement's own name, if it has one.
	Sid    string
	Effect Effect
	// Of each pair at most one is set. A statement of a trust policy has no resources.
	Actions, NotActions     []string
	Resources, NotResources []string
	// Principals are the principals by kind ("AWS", "Service"); "*" is {"AWS": ["*"]}.
	// Identity policies have none.
	Principals, NotPrincipals map[string][]string
	Conditions                []Condition

	actions, notActions     []action
	resources, notResources []resource
}

// Parse reads a policy document, as JSON or as json.Unmarshal makes it. name is for the
// statements' Ref. The error names every statement and member that is not right.
func Parse(name string, document any) (*Document, error) {
	if text, ok := document.([]byte); ok {
		document = nil
		if err := json.Unmarshal(text, &document); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	object, ok := document.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: a policy is an object, not %T", name, document)
	}
	var errs []error
	for _, member := range slices.Sorted(maps.Keys(object)) {
		switch value := object[member]; member {
		case "Statement", "Id":
		case "Version":
			if value != "2012-10-17" && value != "2008-10-17" {
				errs = append(errs, fmt.Errorf("%s: Version %v is none of 2012-10-17, 2008-10-17", name, value))
			}
		default:
			errs = append(errs, fmt.Errorf("%s: %s is no member of a policy", name, member))
		}
	}
	d := &Document{}
	for i, raw := range list(object["Statement"]) {
		ref := fmt.Sprintf("%s statement %d", name, i+1)
		s, err := parseStatement(raw)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", ref, err))
			continue
		}
		s.Ref = ref
		d.Statements = append(d.Statements, s)
	}
	return d, errors.Join(errs...)
}

func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

func parseStatement(raw any) (*Statement, error) {
	object, ok := raw.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a statement is an object, not %T", raw)
	}
	s := &Statement{}
	var errs []error
	for _, member := range slices.Sorted(maps.Keys(object)) {
		var err error
		switch v := object[member]; member {
		case "Sid":
			s.Sid, ok = v.(string)
			if !ok {
				err = fmt.Errorf("is no string: %v", v)
			}
		case "Effect":
			text, _ := v.(string)
			if s.Effect = Effect(text); s.Effect != Allow && s.Effect != Deny {
				err = fmt.Errorf("is none of Allow, Deny: %v", v)
			}
		case "Action":
			s.Actions, err = texts(v)
		case "NotAction":
			s.NotActions, err = texts(v)
		case "Resource":
			s.Resources, err = texts(v)
		case "NotResource":
			s.NotResources, err = texts(v)
		case "Principal":
			s.Principals, err = principals(v)
		case "NotPrincipal":
			s.NotPrincipals, err = principals(v)
		case "Condition":
			s.Conditions, err = parseConditions(v)
		default:
			err = errors.New("is no member of a statement")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %w", member, err))
		}
	}
	switch {
	case s.Effect == "":
		errs = append(errs, errors.New("has no Effect"))
	case (len(s.Actions) > 0) == (len(s.NotActions) > 0):
		errs = append(errs, errors.New("has not one of Action and NotAction"))
	case len(s.Resources) > 0 && len(s.NotResources) > 0:
		errs = append(errs, errors.New("has both Resource and NotResource"))
	case s.Principals != nil && s.NotPrincipals != nil:
		errs = append(errs, errors.New("has both Principal and NotPrincipal"))
	}
	for _, a := range slices.Concat(s.Actions, s.NotActions) {
		if service, _, ok := strings.Cut(a, ":"); a != "*" && (!ok || service == "" || strings.ContainsAny(service, "*?")) {
			errs = append(errs, fmt.Errorf("has the action %q, which does not begin with a service", a))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s.actions, s.notActions = compileActions(s.Actions), compileActions(s.NotActions)
	s.resources, s.notResources = compileResources(s.Resources), compileResources(s.NotResources)
	return s, nil
}

// texts is a string or a list of them. Numbers and booleans, which values of conditions may be,
// are as JSON writes them.
func texts(v any) ([]string, error) {
	all := list(v)
	if len(all) == 0 {
		return nil, errors.New("is empty")
	}
	out := make([]string, len(all))
	for i, e := range all {
		switch e := e.(type) {
		case string:
			out[i] = e
		case bool, float64, int, json.Number:
			out[i] = fmt.Sprint(e)
		default:
			return nil, fmt.Errorf("has a value that is no string: %v", e)
		}
	}
	return out, nil
}

func principals(v any) (map[string][]string, error) {
	if v == "*" {
		return map[string][]string{"AWS": {"*"}}, nil
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf(`is neither "*" nor an object: %v`, v)
	}
	out := map[string][]string{}
	for kind, names := range object {
		switch kind {
		case "AWS", "Service", "Federated", "CanonicalUser":
		default:
			return nil, fmt.Errorf("has the unknown kind %s", kind)
		}
		var err error
		if out[kind], err = texts(names); err != nil {
			return nil, fmt.Errorf("%s %w", kind, err)
		}
	}
	return out, nil
}

// Name is how a person finds the statement: its Ref, with its Sid.
func (s *Statement) Name() string {
	if s.Sid == "" {
		return s.Ref
	}
	return strings.TrimSpace(s.Ref + " (" + s.Sid + ")")
}
