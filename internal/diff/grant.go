package diff

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/internal/iam"
)

// grant is the smallest part of a policy: one action of one principal on one resource. A policy is the set of its
// grants, however its statements group them.
type grant struct {
	// who is a principal: a role's logical id, or as a resource's policy names it ("Service sns.amazonaws.com", "*").
	who string
	// role says that who is a logical id.
	role bool
	// trust says that the action is to assume the role that is the resource.
	trust     bool
	deny      bool
	action    string // "!" before it: all but these, which is one grant
	resource  string // likewise
	condition string // JSON, or ""
}

// grants are those of a template, with the resources that they come from.
type grants map[grant][]string

func (g grants) add(from string, one grant) {
	if !slices.Contains(g[one], from) {
		g[one] = append(g[one], from)
	}
}

// policyOnly are types that are nothing but a policy for something else.
var policyOnly = []string{
	"AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy", "AWS::IAM::GroupPolicy", "AWS::Lambda::Permission",
	"AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SNS::TopicInlinePolicy", "AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy",
	"AWS::SecretsManager::ResourcePolicy",
}

// grantsOf collects what all policies of a template grant and deny.
func grantsOf(t *template) grants {
	g := grants{}
	for _, id := range t.ids() {
		r := t.resources[id]
		switch r.kind {
		case "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy", "AWS::IAM::GroupPolicy":
			for _, who := range attached(r) {
				g.document(id, r.properties["PolicyDocument"], grant{who: who, role: true})
			}
		case "AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group":
			g.document(id, r.properties["AssumeRolePolicyDocument"], grant{trust: true, resource: "${" + id + "}"})
			list, _ := r.properties["Policies"].([]any)
			for _, p := range list {
				g.document(id, at(p, "PolicyDocument"), grant{who: id, role: true})
			}
			managed, _ := r.properties["ManagedPolicyArns"].([]any)
			for _, arn := range managed {
				g.add(id, grant{who: id, role: true, action: "the managed policy " + textOf(arn)})
			}
		case "AWS::Lambda::Permission":
			g.permission(r)
		default:
			for _, name := range slices.Sorted(maps.Keys(r.properties)) {
				if document(r.properties[name]) {
					g.document(id, r.properties[name], grant{resource: "${" + id + "}"})
				}
			}
		}
	}
	return g
}

// policyPaths are where a resource has policies, as grantsOf reads them.
func policyPaths(r *resource) [][]string {
	switch r.kind {
	case "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy", "AWS::IAM::GroupPolicy":
		return [][]string{{"PolicyDocument"}, {"Roles"}, {"Users"}, {"Groups"}, {"RoleName"}, {"UserName"}, {"GroupName"}}
	case "AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group":
		return [][]string{{"AssumeRolePolicyDocument"}, {"Policies"}, {"ManagedPolicyArns"}}
	case "AWS::Lambda::Permission":
		return [][]string{{}}
	}
	var out [][]string
	for name, v := range r.properties {
		if document(v) {
			out = append(out, []string{name})
		}
	}
	return out
}

// document reports whether a value is a policy.
func document(v any) bool {
	_, list := at(v, "Statement").([]any)
	_, one := at(v, "Statement").(map[string]any)
	return list || one
}

// attached are the roles, users and groups that a policy is attached to.
func attached(r *resource) []string {
	var out []string
	for _, name := range []string{"Roles", "Users", "Groups", "RoleName", "UserName", "GroupName"} {
		for _, v := range listOf(r.properties[name]) {
			out = append(out, principalID(v))
		}
	}
	if len(out) == 0 {
		return []string{r.id} // whoever it is attached to elsewhere
	}
	return out
}

func principalID(v any) string {
	if id, ok := at(v, "Ref").(string); ok {
		return id
	}
	return textOf(v)
}

func listOf(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// textOf is a value as one string that is equal for equal values.
func textOf(v any) string {
	if s, ok := stringOf(v); ok {
		return s
	}
	b, err := json.Marshal(flatten(v))
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func textsOf(v any) []string {
	var out []string
	for _, e := range listOf(v) {
		out = append(out, textOf(e))
	}
	return out
}

// document adds the grants of a policy; base has what is the same in all of them.
func (g grants) document(from string, v any, base grant) {
	for _, raw := range listOf(at(v, "Statement")) {
		s, ok := raw.(map[string]any)
		if !ok || intrinsic(s) || !understood(s) {
			base.action = "what " + textOf(raw) + " says"
			g.add(from, base)
			continue
		}
		g.statement(from, s, base)
	}
}

// understood reports whether a statement has nothing but what statement reads.
func understood(s map[string]any) bool {
	for name := range s {
		switch name {
		case "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition":
		default:
			return false
		}
	}
	return (s["Effect"] == "Allow" || s["Effect"] == "Deny") && (s["Action"] != nil || s["NotAction"] != nil)
}

// statement adds the grants of a statement.
func (g grants) statement(from string, s map[string]any, base grant) {
	base.deny = s["Effect"] == "Deny"
	base.condition = conditionText(s["Condition"])
	actions, resources := textsOf(s["Action"]), textsOf(s["Resource"])
	if not := textsOf(s["NotAction"]); len(not) > 0 {
		slices.Sort(not)
		actions = append(actions, "!"+strings.Join(not, ", "))
	}
	if not := textsOf(s["NotResource"]); len(not) > 0 {
		slices.Sort(not)
		resources = append(resources, "!"+strings.Join(not, ", "))
	}
	switch {
	case len(resources) == 1 && resources[0] == "*" && base.resource != "":
		resources = []string{base.resource} // of a resource's own policy, "*" is the resource
	case len(resources) == 0 && base.trust:
		resources = []string{base.resource}
	case len(resources) == 0:
		resources = []string{""}
	}
	whos := []string{base.who}
	if !base.role {
		whos = principalsOf(s["Principal"])
		if not := principalsOf(s["NotPrincipal"]); len(not) > 0 {
			whos = append(whos, "!"+strings.Join(not, ", "))
		}
	}
	for _, base.who = range whos {
		for _, base.action = range actions {
			for _, base.resource = range resources {
				g.add(from, base)
			}
		}
	}
}

// principalsOf are the principals of a statement, sorted: "*", or kind and name.
func principalsOf(v any) []string {
	var out []string
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for kind, names := range v {
			for _, name := range textsOf(names) {
				switch {
				case name == "*":
					out = append(out, "*")
				case kind == "AWS" || kind == "Service":
					out = append(out, name)
				default:
					out = append(out, kind+" "+name)
				}
			}
		}
	default:
		out = textsOf(v)
	}
	slices.Sort(out)
	return out
}

// permission adds what an AWS::Lambda::Permission grants, as the statement that Lambda makes of it.
func (g grants) permission(r *resource) {
	condition := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(r.properties)) {
		switch name {
		case "Action", "FunctionName", "Principal":
		default:
			condition[name] = r.properties[name]
		}
	}
	one := grant{who: textOf(r.properties["Principal"]), action: textOf(r.properties["Action"]), resource: textOf(r.properties["FunctionName"])}
	if len(condition) > 0 {
		one.condition = textOf(condition)
	}
	g.add(r.id, one)
}

// conditionText is a condition in one way of writing: values sorted, one or a list of one alike.
func conditionText(v any) string {
	operators, ok := v.(map[string]any)
	if !ok || intrinsic(operators) {
		if v == nil {
			return ""
		}
		return textOf(v)
	}
	out := map[string]any{}
	for operator, keys := range operators {
		in, ok := keys.(map[string]any)
		if !ok || intrinsic(in) {
			out[operator] = textOf(keys)
			continue
		}
		sorted := map[string]any{}
		for key, values := range in {
			texts := textsOf(values)
			slices.Sort(texts)
			sorted[key] = slices.Compact(texts)
		}
		out[operator] = sorted
	}
	if len(out) == 0 {
		return ""
	}
	b, err := json.Marshal(out)
	if err != nil {
		return fmt.Sprint(out)
	}
	return string(b)
}

// covered reports whether other grants of the same principal say at least as much.
func (g grants) covered(one grant) bool {
	for other := range g {
		if other == one {
			continue
		}
		if other.who != one.who || other.role != one.role || other.trust != one.trust || other.deny != one.deny ||
			other.condition != "" && other.condition != one.condition {
			continue
		}
		if coversAction(other.action, one.action) && coversResource(other.resource, one.resource) {
			return true
		}
	}
	return false
}

func coversAction(pattern, name string) bool {
	if pattern == name {
		return true
	}
	if strings.ContainsAny(pattern+name, "! ") || strings.ContainsAny(name, "*?") && pattern != "*" && !strings.HasSuffix(pattern, ":*") {
		return false
	}
	return iam.MatchesAction(pattern, name)
}

func coversResource(pattern, name string) bool {
	if pattern == name || pattern == "*" {
		return true
	}
	if strings.HasPrefix(pattern, "!") || strings.ContainsAny(name, "!*?") {
		return false
	}
	return iam.Matches(asARN(pattern), asARN(name))
}

// asARN is a resource with its functions written as something that can stand in an ARN, or for one.
func asARN(s string) string {
	arn := strings.HasPrefix(s, "arn:")
	return substitution.ReplaceAllStringFunc(s, func(m string) string {
		name := strings.NewReplacer("${", "", "}", "", ":", "_").Replace(m)
		if arn {
			return name
		}
		return "arn:p:s:r:a:" + name
	})
}
