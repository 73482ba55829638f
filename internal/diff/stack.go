package diff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/internal/cfnspec"
)

// stackDiff is the comparison of two templates of one stack.
type stackDiff struct {
	name     string
	old, new *template
	// moved are resources that have another logical id: new by old. In old, references are as if they had it already.
	moved map[string]string
	// churn are those of moved whose ids change with what they are made of, and which hold nothing.
	churn map[string]bool
	// changes are those of resources that are in both, by the new id; "" has those of the other sections.
	changes map[string][]*change
	// anew are resources of which there will be another one, by their new ids.
	anew map[string]*replacement

	granted, grants grants // what policies say, before and after

	findings []*Finding
	folded   map[string][]string // what is told in one line, by what it is
}

// compareStacks compares two templates; nil is a stack that is not there.
func compareStacks(name string, old, new *template) *stackDiff {
	d := &stackDiff{name: name, old: old, new: new, moved: map[string]string{}, churn: map[string]bool{},
		changes: map[string][]*change{}, anew: map[string]*replacement{}, folded: map[string][]string{}}
	d.findMoved()
	d.applyMoved()
	for _, id := range d.new.ids() {
		if o := d.was(id); o != nil {
			d.changes[id] = compareResources(o, d.new.resources[id])
		}
	}
	d.changes[""] = compare(nil, nil, d.old.rest, d.new.rest)
	for _, tell := range []func(){
		d.assets, d.regrouped, d.replacements, d.deletions, d.renames, d.permissions, d.exposure, d.protection, d.contracts,
		d.workflows, d.mappings, d.functions, d.outputs, d.others, d.additions,
	} {
		tell()
	}
	return d
}

// was is what a resource of the new template was; nil if it is new.
func (d *stackDiff) was(id string) *resource {
	for from, to := range d.moved {
		if to == id {
			return d.old.resources[from]
		}
	}
	if d.moved[id] != "" {
		return nil
	}
	return d.old.resources[id]
}

// gone are the resources that are in the old template alone.
func (d *stackDiff) gone() []*resource {
	var out []*resource
	for _, id := range d.old.ids() {
		if d.new.resources[id] == nil && d.moved[id] == "" {
			out = append(out, d.old.resources[id])
		}
	}
	return out
}

// fresh are the resources that are in the new template alone.
func (d *stackDiff) fresh() []*resource {
	var out []*resource
	for _, id := range d.new.ids() {
		if d.was(id) == nil {
			out = append(out, d.new.resources[id])
		}
	}
	return out
}

// both calls see with each resource of some types that is in both templates.
func (d *stackDiff) both(see func(old, new *resource), kinds ...string) {
	for _, r := range d.new.of(kinds...) {
		if o := d.was(r.id); o != nil {
			see(o, r)
		}
	}
}

func compareResources(old, new *resource) []*change {
	var out []*change
	if old.kind != new.kind {
		out = append(out, &change{path: []string{"Type"}, old: old.kind, new: new.kind})
	}
	out = compare(out, nil, attributes(old), attributes(new))
	return compare(out, []string{"Properties"}, orEmpty(old.properties), orEmpty(new.properties))
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// attributes are those of a resource, with DependsOn as a sorted list: its order means nothing.
func attributes(r *resource) map[string]any {
	out := maps.Clone(r.attributes)
	if on := out["DependsOn"]; on != nil {
		list, ok := on.([]any)
		if !ok {
			list = []any{on}
		}
		list = slices.Clone(list)
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		out["DependsOn"] = list
	}
	return out
}

// find adds a finding about a resource of the new template, or of the old one if it is in that alone.
func (d *stackDiff) find(r *resource, f Finding) {
	t := d.new
	if t.resources[r.id] != r {
		t = d.old
	}
	f.Resource, f.Type, f.Stacks = r.id, r.kind, []string{d.name}
	if f.Subject == "" {
		f.Subject = t.name(r.id)
	}
	f.Stateful = held(r) != ""
	d.findings = append(d.findings, &f)
}

// fold tells of something in one line with others of its kind.
func (d *stackDiff) fold(what, name string) {
	if !slices.Contains(d.folded[what], name) {
		d.folded[what] = append(d.folded[what], name)
	}
}

// tell marks the changes of a resource at or below a path as told, and returns them.
func (d *stackDiff) tell(id string, path ...string) []*change {
	var out []*change
	for _, c := range d.changes[id] {
		if !c.told && len(c.path) >= len(path) && slices.Equal(c.path[:len(path)], path) {
			c.told = true
			out = append(out, c)
		}
	}
	return out
}

// behaviour is what a change of a property does.
func behaviour(kind string, path []string) cfnspec.Behaviour {
	t, ok := cfnspec.Lookup(kind)
	if !ok || len(path) < 2 {
		return cfnspec.Unknown
	}
	return t.Behaviour(path[1:]...)
}

// custom reports whether a type is the account's own: a custom resource, which is updated by its provider, which decides
// whether it is another one.
func custom(kind string) bool {
	return kind == "AWS::CloudFormation::CustomResource" || strings.HasPrefix(kind, "Custom::")
}
