package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/internal/cfnspec"
)

// replacement is why there will be another instance of a resource.
type replacement struct {
	certain bool     // else it depends on values or on the state of the resource
	because []string // in words
	follows []string // ids of resources that this one refers to and that are replaced; empty if it is replaced for its own sake
	paths   [][]string
}

// holds says what is lost with a resource that holds something, beyond those that the specification calls stateful.
var holds = map[string]string{
	"AWS::ApiGateway::RestApi":         "its URL, which clients have",
	"AWS::ApiGatewayV2::Api":           "its URL, which clients have",
	"AWS::AppSync::GraphQLApi":         "its URL, which clients have",
	"AWS::Cognito::UserPool":           "its users and their passwords",
	"AWS::Cognito::UserPoolClient":     "its client id, which clients have, and their sessions",
	"AWS::DynamoDB::GlobalTable":       "its items",
	"AWS::DynamoDB::Table":             "its items",
	"AWS::Events::EventBus":            "its archive and rules of others",
	"AWS::KMS::Key":                    "everything that is encrypted with it",
	"AWS::Lambda::EventSourceMapping":  "its position in the stream: records are read again or passed over",
	"AWS::Logs::LogGroup":              "its log lines",
	"AWS::S3::Bucket":                  "its objects",
	"AWS::SNS::Topic":                  "subscriptions that others made",
	"AWS::SQS::Queue":                  "its messages",
	"AWS::SecretsManager::Secret":      "its value",
	"AWS::StepFunctions::StateMachine": "its executions: those that run are stopped",
}

// held says what a resource holds; "" is nothing.
func held(r *resource) string {
	if r.kind == "AWS::Lambda::EventSourceMapping" && r.properties["StartingPosition"] == nil {
		return "" // of a queue, which keeps what was not read
	}
	kind := r.kind
	if what := holds[kind]; what != "" {
		return what
	}
	if t, ok := cfnspec.Lookup(kind); ok && t.Stateful {
		return "its data"
	}
	return ""
}

// replacements finds resources that are replaced, for their own sake and in the wake of others, and tells of them.
func (d *stackDiff) replacements() {
	for _, id := range d.new.ids() {
		if r := d.ownReplacement(id); r != nil {
			d.anew[id] = r
		}
	}
	for _, id := range d.moved {
		if !d.churn[id] && d.anew[id] == nil {
			d.anew[id] = &replacement{certain: true}
		}
	}
	for d.wake() {
	}
	for _, id := range d.new.ids() {
		if r := d.anew[id]; r != nil && len(r.because) > 0 && !d.isMoved(id) {
			d.tellReplaced(id, r)
		}
	}
}

func (d *stackDiff) isMoved(id string) bool {
	for _, to := range d.moved {
		if to == id {
			return true
		}
	}
	return false
}

// ownReplacement is why a change of a resource's own replaces it; nil if none does.
func (d *stackDiff) ownReplacement(id string) *replacement {
	r := &replacement{}
	kind := d.new.resources[id].kind
	if d.churn[id] || custom(kind) {
		return nil
	}
	for _, c := range d.changes[id] {
		switch {
		case c.path[0] == "Type":
			r.certain = true
			r.because = append(r.because, fmt.Sprintf("its type changes: %v → %v", c.old, c.new))
			r.paths = append(r.paths, c.path)
		case c.path[0] != "Properties":
		default:
			b := behaviour(kind, c.path)
			if b < cfnspec.MayReplace {
				continue
			}
			r.certain = r.certain || b == cfnspec.Replace
			r.because = append(r.because, fmt.Sprintf("%s: %s → %s", c.at(), short(c.old), short(c.new)))
			r.paths = append(r.paths, c.path)
		}
	}
	if len(r.paths) == 0 {
		return nil
	}
	return r
}

// wake finds resources that are replaced because they refer to one that is; false if there are no more.
func (d *stackDiff) wake() bool {
	found := false
	for _, id := range d.new.ids() {
		r := d.new.resources[id]
		o := d.was(id)
		if d.anew[id] != nil || o == nil || d.churn[id] || custom(r.kind) {
			continue
		}
		var follows []string
		certain := false
		walk(r.properties, nil, func(path []string, v any) {
			b := behaviour(r.kind, append([]string{"Properties"}, path...))
			if b < cfnspec.MayReplace {
				return
			}
			references(v, func(to, _ string) {
				if a := d.anew[to]; a != nil && !slices.Contains(follows, to) && to != id {
					follows = append(follows, to)
					certain = certain || a.certain && b == cfnspec.Replace
				}
			})
		})
		if len(follows) > 0 {
			slices.Sort(follows)
			names := make([]string, len(follows))
			for i, f := range follows {
				names[i] = d.new.name(f)
			}
			d.anew[id] = &replacement{certain: certain, follows: follows, because: []string{"it belongs to " + strings.Join(names, " and ") + ", of which there is another one"}}
			found = true
		}
	}
	return found
}

// walk calls see with each function of CloudFormation's, and its path.
func walk(v any, path []string, see func(path []string, v any)) {
	switch v := v.(type) {
	case map[string]any:
		if intrinsic(v) {
			see(path, v)
			return
		}
		for name, e := range v {
			walk(e, append(slices.Clip(path), name), see)
		}
	case []any:
		for i, e := range v {
			walk(e, append(slices.Clip(path), fmt.Sprint(i)), see)
		}
	}
}

// tellReplaced tells that a resource is replaced.
func (d *stackDiff) tellReplaced(id string, r *replacement) {
	o, n := d.was(id), d.new.resources[id]
	f := Finding{Kind: Replaced, Level: Medium, Follows: len(r.follows) > 0, Title: "is replaced: " + strings.Join(r.because, "; ")}
	if !r.certain {
		f.Title = "may be replaced, which depends on the values and the resource's state: " + strings.Join(r.because, "; ")
	}
	if what := held(o); what != "" {
		f.Level = Critical
		f.Details = append(f.Details, fate(o, n, "UpdateReplacePolicy", what))
	}
	if name := d.nameInTheWay(id, r); name != "" {
		f.Level = max(f.Level, High)
		f.Details = append(f.Details, "the deployment fails: its name is given by "+name+", and the new one would need the same one while the old one exists")
	}
	for _, path := range r.paths {
		d.tell(id, path...)
	}
	d.find(n, f)
}

// fate says what becomes of the old instance. The policy is that of the new template (the old one's if it is removed); if
// both differ, that is said, since the reference does not say which one counts.
func fate(old, new *resource, attribute, what string) string {
	policy := policyOf(old, attribute)
	said := attribute + " is " + policy
	if new != nil {
		if changed := policyOf(new, attribute); changed != policy {
			said = fmt.Sprintf("%s changes from %s to %s in the same deployment", attribute, policy, changed)
			policy = worse(policy, changed)
		}
	}
	switch policy {
	case "Retain", "RetainExceptOnCreate":
		text := "the old one stays behind, outside of the stack, with " + what
		if new != nil {
			text += "; the new one is empty"
		}
		return text + " (" + said + ")"
	case "Snapshot":
		return "a snapshot is taken, then the old one is deleted with " + what + " (" + said + ")"
	}
	text := "the old one is deleted with " + what + " (" + said + ")"
	if protected(old) && (new == nil || protected(new)) {
		text += "; deletion protection is on, so that CloudFormation fails to delete it and leaves it behind"
	}
	return text
}

// policyOf is a deletion policy with its default (Template Reference, "DeletionPolicy attribute").
func policyOf(r *resource, attribute string) string {
	if s, ok := r.attributes[attribute].(string); ok && s != "" {
		return s
	}
	if attribute == "DeletionPolicy" && (r.kind == "AWS::RDS::DBCluster" || r.kind == "AWS::RDS::DBInstance" && r.text("DBClusterIdentifier") == "") {
		return "Snapshot"
	}
	return "Delete"
}

func worse(a, b string) string {
	for _, p := range []string{"Delete", "Snapshot", "Retain"} {
		if a == p || b == p {
			return p
		}
	}
	return a
}

// protected reports whether a resource refuses to be deleted.
func protected(r *resource) bool {
	switch v := at(r.properties, "DeletionProtection").(type) {
	case string:
		return v == "ACTIVE"
	case bool:
		return v
	}
	return at(r.properties, "DeletionProtectionEnabled") == true
}

// nameInTheWay is the property that gives a replaced resource a name which does not change; "" if there is none. CloudFormation makes the new one
// before it removes the old one.
func (d *stackDiff) nameInTheWay(id string, r *replacement) string {
	t, ok := cfnspec.Lookup(d.new.resources[id].kind)
	if !ok || len(r.follows) > 0 || !r.certain || d.changes[id][0].path[0] == "Type" {
		return ""
	}
	same := func(name string) bool {
		for _, c := range d.changes[id] {
			if len(c.path) > 1 && c.path[1] == name {
				return false
			}
		}
		return d.new.resources[id].properties[name] != nil
	}
	if len(t.Identifiers) > 0 {
		for _, name := range t.Identifiers {
			if !same(name) {
				return ""
			}
		}
		return strings.Join(t.Identifiers, " and ")
	}
	// Many types take a name that is not their physical id: TopicName, whose id is an ARN.
	own := t.Name[strings.LastIndex(t.Name, ":")+1:] + "Name"
	if t.Behaviour(own) == cfnspec.Replace && same(own) {
		return own
	}
	return ""
}

// goneMeans says what it means that a resource of a type is gone, beyond that it is.
var goneMeans = map[string]struct {
	level Level
	as    Kind
	text  string
}{
	"AWS::WAFv2::WebACLAssociation":              {Critical, Exposure, "is deleted: the firewall protects it no longer"},
	"AWS::ApiGateway::RequestValidator":          {High, Exposure, "is deleted: it checks no requests any more"},
	"AWS::ApiGateway::Authorizer":                {High, Exposure, "is deleted: it authorizes no callers any more"},
	"AWS::CloudWatch::Alarm":                     {High, Protection, "is deleted: nobody is told any more"},
	"AWS::CloudWatch::CompositeAlarm":            {High, Protection, "is deleted: nobody is told any more"},
	"AWS::SNS::Subscription":                     {High, Deleted, "is deleted: it gets no messages any more"},
	"AWS::Lambda::EventSourceMapping":            {High, Deleted, "is deleted: its function is no longer invoked by it"},
	"AWS::ApiGateway::Method":                    {High, Schema, "is deleted: clients that call it get an error"},
	"AWS::AppSync::Resolver":                     {High, Schema, "is deleted: clients that ask for it get nothing"},
	"AWS::ApplicationAutoScaling::ScalingPolicy": {Medium, Deleted, "is deleted: nothing scales by it any more"},
}

// deletions tells of resources that are no longer in the template.
func (d *stackDiff) deletions() {
	for _, r := range d.gone() {
		if slices.Contains(policyOnly, r.kind) && len(grantsOf(&template{resources: map[string]*resource{r.id: r}})) > 0 {
			continue // its statements are told
		}
		f := Finding{Kind: Deleted, Level: Medium, Title: "is deleted"}
		policy := policyOf(r, "DeletionPolicy")
		if means, ok := goneMeans[r.kind]; ok {
			f.Level, f.Kind, f.Title = means.level, means.as, means.text
		}
		if policy != "Delete" {
			f.Title = strings.Replace(f.Title, "is deleted", "is no longer in the stack", 1)
		}
		if what := held(r); what != "" {
			f.Level = max(f.Level, High)
			if policy == "Delete" {
				f.Level = Critical
			}
			f.Details = append(f.Details, fate(r, nil, "DeletionPolicy", what))
		} else if policy != "Delete" {
			f.Details = append(f.Details, "it stays behind, outside of the stack (DeletionPolicy is "+policy+")")
		}
		d.find(r, f)
	}
}

// renames tells of resources that have another logical id: CloudFormation makes a new one and removes the old one.
func (d *stackDiff) renames() {
	for _, id := range d.old.ids() {
		to := d.moved[id]
		if to == "" {
			continue
		}
		o, n := d.old.resources[id], d.new.resources[to]
		if d.churn[to] {
			d.fold(foldedVersions, churned(d.new, n))
			d.tell(to, "DependsOn")
			continue
		}
		f := Finding{Kind: Renamed, Level: Medium, Title: fmt.Sprintf("has another logical id, which means another resource: %s → %s", id, to)}
		if what := held(o); what != "" {
			f.Level = Critical
			f.Details = append(f.Details, fate(o, nil, "DeletionPolicy", what)+"; the new one is empty",
				"to keep it, give the construct its old id back, or override the logical id")
		}
		d.find(n, f)
	}
}
