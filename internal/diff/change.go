package diff

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// change is one difference below a resource or a section of the template.
type change struct {
	path     []string // names and numbers; of a resource, it begins with "Properties" or the attribute
	old, new any      // nil: there is none
	told     bool     // a finding tells of it
}

func (c *change) at() string { return pathText(c.path) }

// pathText is a path as a person writes it: Integration.IntegrationResponses[0].ResponseTemplates["application/json"].
func pathText(path []string) string {
	if len(path) > 1 && path[0] == "Properties" {
		path = path[1:]
	}
	var out strings.Builder
	for i, p := range path {
		_, err := strconv.Atoi(p)
		switch {
		case err == nil && i > 0:
			out.WriteString("[" + p + "]")
		case strings.ContainsAny(p, "./ "):
			out.WriteString("[" + strconv.Quote(p) + "]")
		default:
			if i > 0 {
				out.WriteByte('.')
			}
			out.WriteString(p)
		}
	}
	return out.String()
}

// compare appends the differences of two values, the smallest ones that say it all.
func compare(out []*change, path []string, old, new any) []*change {
	if reflect.DeepEqual(old, new) {
		return out
	}
	next := func(name string) []string { return append(slices.Clip(path), name) }
	switch o := old.(type) {
	case map[string]any:
		n, ok := new.(map[string]any)
		if !ok || intrinsic(o) || intrinsic(n) {
			break
		}
		names := maps.Clone(o)
		maps.Copy(names, n)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			// A member that is null is not there, as CloudFormation sees it.
			out = compare(out, next(name), o[name], n[name])
		}
		return out
	case []any:
		n, ok := new.([]any)
		if !ok || len(o) != len(n) {
			break
		}
		for i := range o {
			out = compare(out, next(strconv.Itoa(i)), o[i], n[i])
		}
		return out
	}
	return append(out, &change{path: slices.Clone(path), old: old, new: new})
}

// intrinsic reports whether an object is a function of CloudFormation's, which is shown as a whole.
func intrinsic(m map[string]any) bool {
	for name := range m {
		return len(m) == 1 && (name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::"))
	}
	return false
}

// short is a value in a line: JSON, with functions as ${…}, cut where it is long.
func short(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return clip(strconv.Quote(v))
	case float64, bool:
		return fmt.Sprint(plain(v))
	}
	if s, ok := flat(v); ok {
		return clip(s)
	}
	b, err := json.Marshal(flatten(v))
	if err != nil {
		return clip(fmt.Sprint(v))
	}
	return clip(string(b))
}

// plain is a number without an exponent.
func plain(v any) any {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return v
}

const shortLength = 160

func clip(s string) string {
	if r := []rune(s); len(r) > shortLength {
		return string(r[:shortLength-1]) + "…"
	}
	return s
}

// flatten is a value with functions written as strings, as far as flat can.
func flatten(v any) any {
	if s, ok := flat(v); ok {
		return s
	}
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = flatten(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, e := range v {
			out[name] = flatten(e)
		}
		return out
	}
	return v
}

// flat writes a function as a string: ${Table.Arn}/index/*. Nothing but functions that are no more than a string.
func flat(v any) (string, bool) {
	m, ok := v.(map[string]any)
	if !ok || !intrinsic(m) {
		return "", false
	}
	switch {
	case m["Ref"] != nil:
		id, ok := m["Ref"].(string)
		return "${" + id + "}", ok
	case m["Fn::GetAtt"] != nil:
		id, attribute, ok := getAtt(m["Fn::GetAtt"])
		return "${" + id + "." + attribute + "}", ok
	case m["Fn::Sub"] != nil:
		s, ok := m["Fn::Sub"].(string)
		return s, ok
	case m["Fn::Join"] != nil:
		args, _ := m["Fn::Join"].([]any)
		if len(args) != 2 {
			return "", false
		}
		separator, _ := args[0].(string)
		list, ok := args[1].([]any)
		if !ok {
			return "", false
		}
		parts := make([]string, len(list))
		for i, e := range list {
			if s, ok := e.(string); ok {
				parts[i] = s
			} else if parts[i], ok = flat(e); !ok {
				return "", false
			}
		}
		return strings.Join(parts, separator), true
	}
	return "", false
}
