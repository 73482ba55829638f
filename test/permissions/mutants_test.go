package permissions_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local"
)

// mutant is a template without one permission.
type mutant struct {
	// grant is what it lacks. The resource is a logical id or "*".
	grant    local.Grant
	template []byte
	// to are the logical ids of the roles, or the services, that it was for.
	to []string
}

func (m mutant) String() string {
	return fmt.Sprintf("%s %s on %s", m.grant.To, m.grant.Action, m.grant.Resource)
}

// names reports whether a denial is what the permission is missed by.
func (m mutant) names(d local.Denial) bool {
	switch {
	case !slices.Contains(m.to, d.Who):
		return false
	case m.grant.Kind == "managed":
		return true
	case !matches(m.grant.Action, d.Action):
		return false
	}
	return m.grant.Resource == "*" || d.On == m.grant.Resource || strings.Contains(d.Resource, m.grant.Resource)
}

func matches(pattern, action string) bool {
	before, any := strings.CutSuffix(pattern, "*")
	return strings.EqualFold(pattern, action) || any && strings.HasPrefix(strings.ToLower(action), strings.ToLower(before))
}

type object = map[string]any

// mutants makes a template without it for each action of each Allow statement on each resource: of identity policies, of policies
// of resources and of trust; and for each permission of a function and each AWS-managed policy of a role.
func mutants(t *testing.T, template []byte) []mutant {
	t.Helper()
	var all []mutant
	doc := parse(t, template)
	resources := doc["Resources"].(object)
	var deployments []string
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		r := resources[id].(object)
		properties, _ := r["Properties"].(object)
		documents := func(member, kind, resource string, to ...string) {
			policy, ok := properties[member].(object)
			if !ok {
				return
			}
			all = append(all, ofStatements(t, doc, policy, kind, resource, to)...)
		}
		switch r["Type"] {
		case "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy":
			var roles []string
			for _, role := range list(properties["Roles"]) {
				roles = append(roles, shown(role))
			}
			if len(roles) == 1 && ofDeployments(resources[roles[0]]) {
				deployments = append(deployments, id)
				continue
			}
			documents("PolicyDocument", "identity", "", roles...)
		case "AWS::IAM::Role":
			documents("AssumeRolePolicyDocument", "trust", id)
			for i, arn := range list(properties["ManagedPolicyArns"]) {
				m := mutant{grant: local.Grant{Kind: "managed", To: id, Action: "*", Resource: shown(arn)}, to: []string{id}}
				arns := properties["ManagedPolicyArns"]
				properties["ManagedPolicyArns"] = slices.Delete(slices.Clone(list(arns)), i, i+1)
				m.template = text(t, doc)
				properties["ManagedPolicyArns"] = arns
				all = append(all, m)
			}
		case "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy":
			documents("PolicyDocument", "resource", "")
		case "AWS::SecretsManager::ResourcePolicy":
			documents("ResourcePolicy", "resource", "")
		case "AWS::KMS::Key":
			documents("KeyPolicy", "resource", id)
		case "AWS::Lambda::Permission":
			m := mutant{
				grant: local.Grant{Kind: "resource", To: shown(properties["Principal"]), Action: shown(properties["Action"]), Resource: shown(properties["FunctionName"])},
				to:    []string{shown(properties["Principal"])},
			}
			delete(resources, id)
			m.template = text(t, doc)
			resources[id] = r
			all = append(all, m)
		}
	}
	if len(deployments) > 0 {
		return append(all, withoutDeployments(t, template, deployments))
	}
	return all
}

// ofDeployments says whether a role is CodeDeploy's, which nothing assumes in a run.
func ofDeployments(role any) bool {
	properties, _ := role.(object)["Properties"].(object)
	policy, _ := properties["AssumeRolePolicyDocument"].(object)
	for _, s := range list(policy["Statement"]) {
		if !slices.Equal(principals(s.(object)["Principal"]), []string{"codedeploy.amazonaws.com"}) {
			return false
		}
	}
	return len(list(policy["Statement"])) > 0
}

// withoutDeployments takes away all policies of CodeDeploy's role at once: nobody misses any, and a run for each of their
// permissions would show no more.
func withoutDeployments(t *testing.T, template []byte, policies []string) mutant {
	t.Helper()
	doc := parse(t, template)
	resources := doc["Resources"].(object)
	role := shown(list(resources[policies[0]].(object)["Properties"].(object)["Roles"])[0])
	for _, id := range policies {
		delete(resources, id)
	}
	return mutant{
		grant:    local.Grant{Kind: "identity", To: role, Action: "lambda:UpdateAlias", Resource: "*"},
		template: text(t, doc), to: []string{role},
	}
}

// aliasesOf are the functions that aliases belong to, by the aliases' logical ids.
func aliasesOf(resources object) map[string]string {
	functions := map[string]string{}
	for id, r := range resources {
		if r := r.(object); r["Type"] == "AWS::Lambda::Alias" {
			functions[id] = shown(r["Properties"].(object)["FunctionName"])
		}
	}
	return functions
}

func ofStatements(t *testing.T, doc, policy object, kind, resource string, to []string) []mutant {
	t.Helper()
	var all []mutant
	functions := aliasesOf(doc["Resources"].(object))
	whole := policy["Statement"]
	defer func() { policy["Statement"] = whole }()
	statements := list(whole)
	for i, raw := range statements {
		s := raw.(object)
		if s["Effect"] != "Allow" {
			continue
		}
		if kind != "identity" {
			to = principals(s["Principal"])
		}
		actions, on := list(s["Action"]), list(s["Resource"])
		if len(on) == 0 {
			on = []any{nil}
		}
		for a := range actions {
			for r := range on {
				// The others of the statement stay: the other actions on all resources, the action on the other resources.
				var rest []any
				if len(actions) > 1 {
					rest = append(rest, with(s, "Action", slices.Delete(slices.Clone(actions), a, a+1)))
				}
				if len(on) > 1 {
					rest = append(rest, with(with(s, "Action", actions[a]), "Resource", slices.Delete(slices.Clone(on), r, r+1)))
				}
				named := shown(on[r])
				if function := functions[named]; function != "" {
					named = function // which is what an alias's ARN begins with
				}
				m := mutant{to: to, grant: local.Grant{Kind: kind, To: strings.Join(to, ","), Action: actions[a].(string), Resource: named}}
				if kind == "trust" {
					m.grant.Resource = resource
				}
				policy["Statement"] = slices.Concat(statements[:i], rest, statements[i+1:])
				m.template = text(t, doc)
				all = append(all, m)
			}
		}
	}
	return all
}

func with(statement object, member string, value any) object {
	s := maps.Clone(statement)
	s[member] = value
	return s
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

func principals(v any) []string {
	named, ok := v.(object)
	if !ok {
		return []string{shown(v)}
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(named)) {
		for _, name := range list(named[kind]) {
			all = append(all, shown(name))
		}
	}
	return all
}

// shown is what a value of the template names: a text, or the logical id in an intrinsic function.
func shown(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case object:
		if ref, ok := v["Ref"].(string); ok {
			return ref
		}
		if attribute, ok := v["Fn::GetAtt"].([]any); ok {
			return attribute[0].(string)
		}
		if join, ok := v["Fn::Join"].([]any); ok {
			return joined(join[1].([]any))
		}
	}
	return fmt.Sprint(v)
}

// joined is the logical id in a text that is put together, or the text if there is none.
func joined(parts []any) string {
	var whole strings.Builder
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			whole.WriteString(p)
		case object:
			if attribute, ok := p["Fn::GetAtt"].([]any); ok {
				return attribute[0].(string)
			}
			ref, _ := p["Ref"].(string)
			whole.WriteString(map[string]string{"AWS::Partition": "aws", "AWS::AccountId": "123456789012"}[ref])
		}
	}
	return whole.String()
}

func parse(t *testing.T, template []byte) object {
	t.Helper()
	var doc object
	if err := json.Unmarshal(template, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func text(t *testing.T, doc object) []byte {
	t.Helper()
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
