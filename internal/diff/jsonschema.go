package diff

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
)

// compareSchemas says what a change of a JSON Schema means to those who send documents. What it cannot judge counts as breaking.
func compareSchemas(old, new map[string]any) contractChanges {
	s := &schemas{old: old, new: new}
	s.compare("the document", old, new, 0)
	return s.contractChanges
}

type schemas struct {
	contractChanges
	old, new map[string]any // the documents, for $ref
}

// annotations say nothing about what is valid.
var annotations = []string{"$id", "id", "title", "description", "default", "examples", "example", "$comment", "deprecated", "readOnly", "writeOnly", "definitions", "$defs"}

// limits are keywords whose larger value accepts less (+1), or more (-1).
var limits = map[string]int{"minimum": 1, "exclusiveMinimum": 1, "minLength": 1, "minItems": 1, "minProperties": 1,
	"maximum": -1, "exclusiveMaximum": -1, "maxLength": -1, "maxItems": -1, "maxProperties": -1}

// deepest is where a schema that refers to itself is no longer followed.
const deepest = 24

func (s *schemas) compare(at string, old, new any, depth int) {
	old, new = resolve(s.old, old), resolve(s.new, new)
	if depth > deepest || reflect.DeepEqual(old, new) && reflect.DeepEqual(s.old["definitions"], s.new["definitions"]) && reflect.DeepEqual(s.old["$defs"], s.new["$defs"]) {
		return
	}
	o, ok := asSchema(old)
	n, ok2 := asSchema(new)
	switch {
	case !ok || !ok2:
		if !reflect.DeepEqual(old, new) {
			s.add(breaking, "%s: %s → %s, which cannot be judged", at, short(old), short(new))
		}
		return
	case n == nil:
		s.add(breaking, "%s is refused, whatever it is", at)
		return
	case o == nil:
		s.add(harmless, "%s is accepted now", at)
		return
	}
	s.types(at, o, n)
	s.values(at, o, n)
	s.properties(at, o, n, depth)
	names := maps.Clone(o)
	maps.Copy(names, n)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		s.keyword(at, name, o[name], n[name], depth)
	}
}

// asSchema is a schema as an object; nil is the schema false, which refuses everything.
func asSchema(v any) (map[string]any, bool) {
	switch v := v.(type) {
	case map[string]any:
		return v, true
	case bool:
		if v {
			return map[string]any{}, true
		}
		return nil, true
	case nil:
		return map[string]any{}, true
	}
	return nil, false
}

// resolve follows a $ref within the document.
func resolve(document map[string]any, v any) any {
	for range deepest {
		ref, ok := at(v, "$ref").(string)
		if !ok || !strings.HasPrefix(ref, "#/") {
			return v
		}
		v = at(document, strings.Split(ref[2:], "/")...)
	}
	return v
}

// keyword compares one keyword that types, values and properties do not.
func (s *schemas) keyword(at, name string, old, new any, depth int) {
	if reflect.DeepEqual(old, new) && name != "items" {
		return
	}
	change := fmt.Sprintf("%s: %s %s → %s", at, name, short(old), short(new))
	direction, isLimit := limits[name]
	o, wasNumber := old.(float64)
	n, isNumber := new.(float64)
	switch {
	case slices.Contains([]string{"type", "enum", "const", "required", "properties", "additionalProperties"}, name):
	case slices.Contains(annotations, name):
		s.add(harmless, "%s", change)
	case isLimit && (wasNumber || old == nil) && (isNumber || new == nil):
		s.limit(direction, old == nil, new == nil, o, n, change)
	case name == "uniqueItems":
		s.add(map[bool]effect{true: breaking, false: harmless}[new == true], "%s", change)
	case name == "multipleOf" && isNumber && wasNumber && n != 0 && math.Mod(o, n) == 0:
		s.add(harmless, "%s", change)
	case name == "items" && !isList(old) && !isList(new):
		s.compare("an element of "+at, old, new, depth+1)
	case new == nil && name != "$schema" && name != "$ref" && name != "items" && name != "additionalItems" && name != "if" && name != "then" && name != "else" && name != "patternProperties":
		s.add(harmless, "%s", change)
	default:
		s.add(breaking, "%s", change)
	}
}

func isList(v any) bool { _, ok := v.([]any); return ok }

func (s *schemas) limit(direction int, added, gone bool, o, n float64, change string) {
	e := harmless
	if added || !gone && float64(direction)*(n-o) > 0 {
		e = breaking
	}
	s.add(e, "%s", change)
}

// types compares which types of JSON are accepted.
func (s *schemas) types(at string, o, n map[string]any) {
	was, is := textsOf(o["type"]), textsOf(n["type"])
	if reflect.DeepEqual(was, is) {
		return
	}
	accepts := func(list []string, one string) bool {
		return len(list) == 0 || slices.Contains(list, one) || one == "integer" && slices.Contains(list, "number")
	}
	lost := len(was) == 0 && len(is) > 0
	for _, t := range was {
		lost = lost || !accepts(is, t)
	}
	e := harmless
	if lost {
		e = breaking
	}
	s.add(e, "%s: type %s → %s", at, orAny(was), orAny(is))
}

func orAny(list []string) string {
	if len(list) == 0 {
		return "any"
	}
	return strings.Join(list, " or ")
}

// values compares enum and const.
func (s *schemas) values(at string, o, n map[string]any) {
	was, limited := enumeration(o)
	is, limits := enumeration(n)
	if reflect.DeepEqual(was, is) && limited == limits {
		return
	}
	if !limits {
		s.add(harmless, "%s: any value is accepted, before %s", at, short(o["enum"]))
		return
	}
	if !limited {
		s.add(breaking, "%s: only %s is accepted, before any value", at, clip(strings.Join(is, ", ")))
		return
	}
	var lost, gained []string
	for _, v := range was {
		if !slices.Contains(is, v) {
			lost = append(lost, v)
		}
	}
	for _, v := range is {
		if !slices.Contains(was, v) {
			gained = append(gained, v)
		}
	}
	if len(lost) > 0 {
		s.add(breaking, "%s: no longer accepted: %s", at, clip(strings.Join(lost, ", ")))
	}
	if len(gained) > 0 {
		s.add(harmless, "%s: accepted now: %s", at, clip(strings.Join(gained, ", ")))
	}
	if len(lost)+len(gained) == 0 {
		s.add(harmless, "%s: its values are listed in another way", at)
	}
}

func enumeration(m map[string]any) ([]string, bool) {
	var out []string
	list, limited := m["enum"].([]any)
	for _, v := range list {
		out = append(out, short(v))
	}
	if c, ok := m["const"]; ok {
		return []string{short(c)}, true
	}
	return out, limited
}

// properties compares which members an object may have and must have.
func (s *schemas) properties(at string, o, n map[string]any, depth int) {
	was, is := textsOf(o["required"]), textsOf(n["required"])
	for _, name := range is {
		if !slices.Contains(was, name) {
			s.add(breaking, "%s is required now", member(at, name))
		}
	}
	for _, name := range was {
		if !slices.Contains(is, name) {
			s.add(harmless, "%s is no longer required", member(at, name))
		}
	}
	before, _ := o["properties"].(map[string]any)
	after, _ := n["properties"].(map[string]any)
	others, othersNow := o["additionalProperties"], n["additionalProperties"]
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if next, ok := after[name]; ok {
			s.compare(member(at, name), before[name], next, depth+1)
			continue
		}
		if othersNow == false {
			s.add(breaking, "%s is no longer accepted", member(at, name))
			continue
		}
		s.add(harmless, "%s is no longer described", member(at, name))
		s.compare(member(at, name), before[name], othersNow, depth+1)
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, ok := before[name]; ok {
			continue
		}
		if others == false {
			s.add(harmless, "%s is accepted now", member(at, name))
			continue
		}
		s.add(harmless, "%s is described now", member(at, name))
		s.compare(member(at, name), others, after[name], depth+1)
	}
	if !reflect.DeepEqual(others, othersNow) {
		s.compare("any other member of "+at, others, othersNow, depth+1)
	}
}

func member(at, name string) string {
	if at == "the document" {
		return name
	}
	return strings.TrimPrefix(at, "the document.") + "." + name
}
