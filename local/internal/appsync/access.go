package appsync

import (
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// The authorization modes, by CloudFormation's names.
const (
	modeAPIKey  = "API_KEY"
	modeIAM     = "AWS_IAM"
	modeCognito = "AMAZON_COGNITO_USER_POOLS"
	modeOIDC    = "OPENID_CONNECT"
	modeLambda  = "AWS_LAMBDA"
)

var modeOfDirective = map[string]string{
	"aws_api_key":            modeAPIKey,
	"aws_iam":                modeIAM,
	"aws_oidc":               modeOIDC,
	"aws_lambda":             modeLambda,
	"aws_cognito_user_pools": modeCognito,
	"aws_auth":               modeCognito,
}

// access is who may see a field: the modes that directives name, those of the
// field before those of its type; without any, the API's default mode.
type access struct {
	modes    []string
	explicit bool     // the modes come from directives
	groups   []string // of user pools, any of which is needed; nil: none
}

func (s *schema) checkDirectives() []error {
	var errs []error
	for _, def := range s.sortedTypes() {
		if def.BuiltIn {
			continue
		}
		for _, f := range def.Fields {
			if d := f.Directives.ForName("aws_subscribe"); d != nil && def != s.Subscription {
				errs = append(errs, fmt.Errorf("%s.%s: @aws_subscribe belongs on fields of the subscription type", def.Name, f.Name))
			}
		}
	}
	return errs
}

// readAccess settles who may see each field, and reports the directives
// whose mode the API does not have.
func (s *schema) readAccess(modes []mode) []error {
	var errs []error
	has := func(name string) bool {
		return slices.ContainsFunc(modes, func(m mode) bool { return m.name == name })
	}
	for _, def := range s.sortedTypes() {
		if def.BuiltIn || def.Kind != ast.Object && def.Kind != ast.Interface {
			continue
		}
		ofType := directedAccess(def.Directives)
		for _, f := range def.Fields {
			a := directedAccess(f.Directives)
			if a == nil {
				a = ofType
			}
			if a == nil {
				s.access[f] = &access{modes: []string{modes[0].name}}
				continue
			}
			for _, name := range a.modes {
				if !has(name) {
					errs = append(errs, fmt.Errorf("%s.%s: a directive asks for mode %s, which the API does not have", def.Name, f.Name, name))
				}
			}
			if f.Directives.ForName("aws_auth") != nil && len(modes) > 1 {
				errs = append(errs, fmt.Errorf("%s.%s: @aws_auth has no effect in an API with several modes; use @aws_cognito_user_pools", def.Name, f.Name))
			}
			s.access[f] = a
		}
	}
	return errs
}

func directedAccess(directives ast.DirectiveList) *access {
	var a *access
	for _, d := range directives {
		name, ok := modeOfDirective[d.Name]
		if !ok {
			continue
		}
		if a == nil {
			a = &access{explicit: true}
		}
		a.modes = append(a.modes, name)
		a.groups = append(a.groups, directiveList(d, "cognito_groups")...)
	}
	return a
}

// mayAccess reports whether an identity may see a field.
func (a *API) mayAccess(id *identity, def *ast.Definition, f *ast.FieldDefinition) bool {
	if id.denied != nil && id.denied[def.Name+"."+f.Name] {
		return false
	}
	who := a.schema.access[f]
	if who == nil {
		return true // a field of introspection
	}
	if !slices.Contains(who.modes, id.mode.name) {
		return false
	}
	switch id.mode.name {
	case modeCognito:
		if id.mode.pool.DefaultAction == "DENY" && !who.explicit {
			return false
		}
		return len(who.groups) == 0 || slices.ContainsFunc(who.groups, func(g string) bool { return slices.Contains(id.groups, g) })
	case modeIAM:
		if a.cfg.AllowIAM == nil || !a.isRoot(def) {
			return true
		}
		return a.cfg.AllowIAM(id.iam, a.ARN()+"/types/"+def.Name+"/fields/"+f.Name)
	}
	return true
}

func (a *API) isRoot(def *ast.Definition) bool {
	return def == a.schema.Query || def == a.schema.Mutation || def == a.schema.Subscription
}
