package diff_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/diff"
)

// mutate calls see with each value of a document changed in turn, one at a time, and what it is.
func mutate(v any, path string, set func(any), see func(path string)) {
	switch v := v.(type) {
	case m:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			mutate(v[name], path+"/"+name, func(e any) { v[name] = e }, see)
			kept := v[name]
			delete(v, name)
			see(path + "/" + name + " removed")
			v[name] = kept
		}
		if len(v) == 0 {
			set(m{"Mutated": "x"})
			see(path + " filled")
			set(v)
		}
	case []any:
		for i := range v {
			if i >= 6 && len(v) > 12 {
				break // of a long list, as of currencies, the first will do
			}
			mutate(v[i], fmt.Sprintf("%s/%d", path, i), func(e any) { v[i] = e }, see)
		}
		set(append(slices.Clone(v), "mutated"))
		see(path + " longer")
		set(v)
	case string:
		set(v + "x")
		see(path + " changed")
		set(v)
	case float64:
		set(v + 1)
		see(path + " changed")
		set(v)
	case bool:
		set(!v)
		see(path + " changed")
		set(v)
	}
}

// TestNothingIsPassedOver changes every single value of a resource of each type in prod's template, and removes each, and those of the
// template's other sections; of further resources of a type, every sixteenth: something must tell of it. Only what has no effect may be folded.
func TestNothingIsPassedOver(t *testing.T) {
	old := template(t, "prod")
	new := template(t, "prod")
	mutations, folded := 0, 0
	known, every := map[any]bool{}, 1
	one := func(path string) {
		mutations++
		if mutations%every != 0 {
			return
		}
		r, err := diff.Compare(source(t, "old", old), source(t, "new", new))
		switch {
		case err != nil:
			if !strings.HasSuffix(path, "/Type removed") && !strings.HasSuffix(path, "/Properties longer") {
				t.Errorf("%s: %v", path, err)
			}
		case len(r.Findings) == 0 && len(r.Folded) == 0:
			t.Errorf("%s: nothing tells of it", path)
		case len(r.Findings) == 0:
			folded++
			if !strings.Contains(path, "/Sid ") && !strings.Contains(path, "/DependsOn") && !strings.Contains(path, "/Id ") {
				t.Errorf("%s is only folded: %q", path, r.Folded)
			}
		}
	}
	// Of each resource alone, so that a comparison is quick: the rest of the template is the same.
	resources := old["Resources"].(m)
	all := new["Resources"].(m)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		related := neighbours(resources, id)
		old["Resources"], new["Resources"] = related, maps.Clone(related)
		r := all[id]
		every = 16
		if kind := r.(m)["Type"]; !known[kind] {
			known[kind], every = true, 1
		}
		new["Resources"].(m)[id] = r
		mutate(r, id, func(any) {}, one)
		delete(new["Resources"].(m), id)
		one(id + " removed")
	}
	old["Resources"], new["Resources"], every = resources, all, 1
	for name, section := range new {
		if name != "Resources" {
			mutate(section, name, func(e any) { new[name] = e }, one)
		}
	}
	if mutations < 5000 {
		t.Errorf("only %d mutations", mutations)
	}
	t.Logf("%d mutations, of which %d have no effect", mutations, folded)
}

// neighbours are a resource, those that it refers to, and a few that refer to it.
func neighbours(all m, id string) m {
	out := m{id: all[id]}
	users := 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch {
		case strings.Contains(fmt.Sprint(all[id].(m)["Properties"]), name):
			out[name] = all[name]
		case users < 3 && strings.Contains(fmt.Sprint(all[name]), id):
			users++
			out[name] = all[name]
		}
	}
	return out
}
