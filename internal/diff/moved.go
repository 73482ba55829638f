package diff

import (
	"encoding/json"
	"reflect"
	"strings"
)

// churning are types whose logical ids have a hash of what they are made of, so that a change makes another one on purpose. They hold
// nothing, and what they belong to stays.
var churning = map[string]string{
	"AWS::Lambda::Version":        "FunctionName",
	"AWS::ApiGateway::Deployment": "RestApiId",
}

// findMoved pairs resources that left the template with those that came into it: the same one under another logical id.
func (d *stackDiff) findMoved() {
	for id := range churning {
		d.pair(func(old, new *resource) bool {
			return old.kind == id && new.kind == id && d.sameOwner(old, new)
		}, true)
	}
	// What was paired is known under one id in the next round, so that those that refer to it are equal too.
	for before := -1; before != len(d.moved); {
		before = len(d.moved)
		d.pair(d.identical, false)
	}
	d.pair(d.alike, false)
}

func (d *stackDiff) sameOwner(old, new *resource) bool {
	owner := churning[new.kind]
	return reflect.DeepEqual(renamed(old.properties[owner], d.moved), new.properties[owner])
}

// pair pairs what same says is the same one, if each has no other that could be it. Names decide between several.
func (d *stackDiff) pair(same func(old, new *resource) bool, churn bool) {
	candidates, rivals := map[string][]string{}, map[string]int{}
	for _, o := range d.gone() {
		for _, n := range d.fresh() {
			if o.kind == n.kind && same(o, n) {
				candidates[o.id] = append(candidates[o.id], n.id)
				rivals[n.id]++
			}
		}
	}
	for _, o := range d.gone() {
		for _, n := range candidates[o.id] {
			if len(candidates[o.id]) == 1 && rivals[n] == 1 || suffix(o.id, n) {
				if d.was(n) == nil {
					d.moved[o.id] = n
					if churn {
						d.churn[n] = true
					}
					break
				}
			}
		}
	}
}

// suffix reports whether two logical ids end alike or begin alike: a construct that got another parent keeps its own name, and one that
// got another name keeps what is within it.
func suffix(a, b string) bool {
	a, b = stem(a), stem(b)
	n := 0
	for n < min(len(a), len(b)) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n >= 5 || a == b
}

// identical reports whether two resources differ in nothing but their ids.
func (d *stackDiff) identical(old, new *resource) bool {
	return reflect.DeepEqual(d.loose(renamed(old.properties, d.moved), old.id), d.loose(new.properties, new.id))
}

// loose is a value in which ids of resources that come or go read alike, since they may be moved as well, and the own name does not count.
func (d *stackDiff) loose(v any, own string) any {
	ids := map[string]string{own: "itself"}
	for _, r := range d.gone() {
		ids[r.id] = "moved " + r.kind
	}
	for _, r := range d.fresh() {
		ids[r.id] = "moved " + r.kind
	}
	v = renamed(v, ids)
	b, err := json.Marshal(v)
	if err != nil {
		return v
	}
	return strings.ReplaceAll(string(b), `"`+own+`"`, `"its own name"`)
}

// likeness is how much of their properties two resources must have in common to be taken for one that was moved and changed.
const likeness = 0.75

// alike reports whether two resources have most of their properties in common, and names alike.
func (d *stackDiff) alike(old, new *resource) bool {
	if len(new.properties) < 3 || !suffix(old.id, new.id) {
		return false
	}
	same, all := 0, 0
	for name, n := range new.properties {
		all++
		if o, ok := old.properties[name]; ok && reflect.DeepEqual(d.loose(renamed(o, d.moved), old.id), d.loose(n, new.id)) {
			same++
		}
	}
	for name := range old.properties {
		if _, ok := new.properties[name]; !ok {
			all++
		}
	}
	return float64(same) >= likeness*float64(all)
}

// applyMoved has the old template speak of moved resources under their new ids.
func (d *stackDiff) applyMoved() {
	if len(d.moved) == 0 {
		return
	}
	for _, r := range d.old.resources {
		if r.properties != nil {
			r.properties, _ = renamed(r.properties, d.moved).(map[string]any)
		}
		r.attributes, _ = renamed(r.attributes, d.moved).(map[string]any)
	}
	d.old.rest, _ = renamed(d.old.rest, d.moved).(map[string]any)
}
