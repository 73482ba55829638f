// Package openapi_test holds docs/openapi.yaml to what it describes: the templates, the request models, the code that answers,
// and answers of a run.
package openapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const path = "../../docs/openapi.yaml"

// document is the description, as JSON has it.
type document map[string]any

func load(t testing.TB) document {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(asJSON, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// at is what is at the end of a way through the document; references on it are followed.
func (d document) at(v any, way ...string) any {
	v = d.follow(v)
	for _, name := range way {
		m, _ := v.(map[string]any)
		v = d.follow(m[name])
	}
	return v
}

func (d document) follow(v any) any {
	for {
		m, _ := v.(map[string]any)
		ref, ok := m["$ref"].(string)
		if !ok {
			return v
		}
		v = map[string]any(d)
		for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
			v = v.(map[string]any)[name]
		}
		if v == nil {
			panic(fmt.Sprintf("%s: there is no %s", path, ref))
		}
	}
}

func (d document) schema(name string) map[string]any {
	m, _ := d.at(map[string]any(d), "components", "schemas", name).(map[string]any)
	return m
}

// operations are all operations of the paths, by "POST /orders".
func (d document) operations() map[string]map[string]any {
	all := map[string]map[string]any{}
	for p, item := range d["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			if method != "parameters" {
				all[strings.ToUpper(method)+" "+p] = operation.(map[string]any)
			}
		}
	}
	return all
}

// outcomes are the statuses of an operation, such as "404" and "4XX", each with the codes of its problems, sorted.
type outcomes map[string][]string

func (o outcomes) add(status string, codes ...string) {
	o[status] = append(o[status], codes...)
	slices.Sort(o[status])
	o[status] = slices.Compact(o[status])
}

// outcomes are those that the document describes.
func (d document) outcomes(operation map[string]any) outcomes {
	all := outcomes{}
	for status, response := range operation["responses"].(map[string]any) {
		all.add(status)
		parts, _ := d.at(response, "content", "application/problem+json", "schema", "allOf").([]any)
		for _, part := range parts {
			codes, _ := d.at(part, "properties", "code", "enum").([]any)
			for _, code := range codes {
				all.add(status, code.(string))
			}
		}
	}
	return all
}

// headers are those that the document describes of a response, sorted.
func (d document) headers(operation map[string]any, status string) []string {
	m, _ := d.at(operation, "responses", status, "headers").(map[string]any)
	return slices.Sorted(maps.Keys(m))
}
