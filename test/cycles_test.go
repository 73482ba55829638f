package test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNoResourcesWaitForEachOther: CloudFormation refuses a template with a circle of resources that need each other first
// ("Circular dependency between resources"). Nothing else finds it before a deployment.
func TestNoResourcesWaitForEachOther(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../internal/snapshot/*.template.json", "scenarios/testdata/*.template.json", "testdata/*.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	checked := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Resources map[string]map[string]any
		}
		if json.Unmarshal(text, &doc) != nil || len(doc.Resources) == 0 {
			continue // test data of another kind
		}
		checked++
		needs := map[string][]string{}
		for id, r := range doc.Resources {
			collect(r, func(name string) {
				if _, ok := doc.Resources[name]; ok {
					needs[id] = append(needs[id], name)
				}
			})
		}
		if circle := circleIn(needs); circle != nil {
			t.Errorf("%s: %s", file, strings.Join(circle, " needs "))
		}
	}
	if checked < 10 {
		t.Errorf("only %d templates were looked at", checked)
	}
	if circle := circleIn(map[string][]string{"A": {"B"}, "B": {"C"}, "C": {"B"}}); !slices.Equal(circle, []string{"B", "C", "B"}) {
		t.Errorf("the circle that is there is not found: %v", circle)
	}
}

// placeholder is a reference in the text of Fn::Sub.
var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9]+)(\.[^}]*)?\}`)

// collect tells every resource that a part of a template refers to.
func collect(v any, tell func(name string)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			collect(e, tell)
		}
	case map[string]any:
		for key, e := range v {
			switch key {
			case "Ref":
				if name, ok := e.(string); ok {
					tell(name)
				}
			case "Fn::GetAtt":
				if list, ok := e.([]any); ok {
					if name, ok := list[0].(string); ok {
						tell(name)
					}
				}
			case "Fn::Sub":
				text, _ := e.(string)
				if list, ok := e.([]any); ok {
					text, _ = list[0].(string)
				}
				for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
					tell(m[1])
				}
			case "DependsOn":
				for _, name := range asList(e) {
					tell(name)
				}
			}
			collect(e, tell)
		}
	}
}

func asList(v any) []string {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	var out []string
	list, _ := v.([]any)
	for _, e := range list {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// circleIn is a way from a resource back to itself, or nil.
func circleIn(needs map[string][]string) []string {
	const (
		open = iota + 1
		done
	)
	state := map[string]int{}
	var path []string
	var visit func(id string) []string
	visit = func(id string) []string {
		switch state[id] {
		case done:
			return nil
		case open:
			return append(slices.Clone(path[slices.Index(path, id):]), id)
		}
		state[id] = open
		path = append(path, id)
		for _, n := range needs[id] {
			if circle := visit(n); circle != nil {
				return circle
			}
		}
		path = path[:len(path)-1]
		state[id] = done
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(needs)) {
		if circle := visit(id); circle != nil {
			return circle
		}
	}
	return nil
}
