package apigateway

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

var printer = message.NewPrinter(language.English)

// messages words a failed validation as API Gateway does, whose validator is
// Java's json-schema-validator (draft 4) in its default mode: what lies below
// a value that is itself in error is not looked at.
func (s *schemas) messages(err *jsonschema.ValidationError, root any) string {
	var leaves []failure
	s.collect(err, root, &leaves)
	var out []string
	for _, f := range leaves {
		if !slices.ContainsFunc(leaves, func(g failure) bool { return isBelow(f.at, g.at) }) {
			out = append(out, f.text)
		}
	}
	slices.Sort(out)
	return "[" + strings.Join(slices.Compact(out), ", ") + "]"
}

// failure is one message and the place in the body that it is about.
type failure struct {
	at   []string
	text string
}

func isBelow(path, ancestor []string) bool {
	return len(path) > len(ancestor) && slices.Equal(path[:len(ancestor)], ancestor)
}

func (s *schemas) collect(e *jsonschema.ValidationError, root any, out *[]failure) {
	at := e.InstanceLocation
	add := func(format string, args ...any) {
		*out = append(*out, failure{at, fmt.Sprintf(format, args...)})
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AllOf:
		total := s.count(e.SchemaURL, "allOf")
		add("instance failed to match all required schemas (matched only %d out of %d)", total-len(e.Causes), total)
	case *kind.AnyOf:
		add("instance failed to match at least one required schema among %d", s.count(e.SchemaURL, "anyOf"))
	case *kind.OneOf:
		add("instance failed to match exactly one schema (matched %d out of %d)", len(k.Subschemas), s.count(e.SchemaURL, "oneOf"))
	case *kind.Not:
		add("instance matched a schema which it should not have")
	case *kind.Type:
		add("instance type (%s) does not match any allowed primitive type (allowed: %s)", typeOf(valueAt(root, at)), allowed(k.Want))
	case *kind.Enum:
		add("instance value (%s) not found in enum (possible values: %s)", compact(k.Got), compact(k.Want))
	case *kind.Required:
		add("object has missing required properties (%s)", quoted(k.Missing))
	case *kind.AdditionalProperties:
		add("object instance has properties which are not allowed by the schema: %s", quoted(k.Properties))
	case *kind.Dependency:
		add("property %q of object has missing property dependencies (schema requires %s; missing: %s)",
			k.Prop, s.dependencies(e.SchemaURL, k), quoted(k.Missing))
	case *kind.MinProperties:
		add("object has too few properties (found %d but schema requires at least %d)", k.Got, k.Want)
	case *kind.MaxProperties:
		add("object has too many properties (found %d but schema requires at most %d)", k.Got, k.Want)
	case *kind.MinItems:
		add("array is too short: must have at least %d elements but instance has %d elements", k.Want, k.Got)
	case *kind.MaxItems:
		add("array is too long: must have at most %d elements but instance has %d elements", k.Want, k.Got)
	case *kind.AdditionalItems:
		have := 0
		if list, ok := valueAt(root, at).([]any); ok {
			have = len(list)
		}
		add("schema only allows %d elements in array but instance has %d elements", have-k.Count, have)
	case *kind.UniqueItems:
		add("array must not contain duplicate elements")
	case *kind.MinLength:
		add("string \"%v\" is too short (length: %d, required minimum: %d)", valueAt(root, at), k.Got, k.Want)
	case *kind.MaxLength:
		add("string \"%v\" is too long (length: %d, maximum allowed: %d)", valueAt(root, at), k.Got, k.Want)
	case *kind.Pattern:
		add("ECMA 262 regex \"%s\" does not match input string \"%s\"", k.Want, k.Got)
	case *kind.Minimum:
		add("numeric instance is lower than the required minimum (minimum: %s, found: %s)", s.number(e.SchemaURL, "minimum"), compact(valueAt(root, at)))
	case *kind.Maximum:
		add("numeric instance is greater than the required maximum (maximum: %s, found: %s)", s.number(e.SchemaURL, "maximum"), compact(valueAt(root, at)))
	case *kind.ExclusiveMinimum:
		add("numeric instance is not strictly greater than the required minimum %s", s.number(e.SchemaURL, "minimum"))
	case *kind.ExclusiveMaximum:
		add("numeric instance is not strictly lower than the required maximum %s", s.number(e.SchemaURL, "maximum"))
	case *kind.MultipleOf:
		add("remainder of division is not zero (%s / %s)", compact(valueAt(root, at)), s.number(e.SchemaURL, "multipleOf"))
	case *kind.Format:
		if k.Want == "date-time" {
			add("string \"%v\" is invalid against requested date format(s) [yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,12}Z]", k.Got)
			break
		}
		add("string \"%v\" is not a valid %s", k.Got, formatName(k.Want))
	default:
		if len(e.Causes) == 0 {
			add("%s", e.ErrorKind.LocalizedString(printer))
		}
		for _, c := range e.Causes {
			s.collect(c, root, out)
		}
	}
}

// typeOf is the validator's name for a value's type: it tells integers, which
// are written without fraction and exponent, from numbers.
func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "number"
		}
		return "integer"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

// allowed lists types; "number" allows integers too, and says so.
func allowed(want []string) string {
	types := slices.Clone(want)
	if slices.Contains(types, "number") && !slices.Contains(types, "integer") {
		types = append(types, "integer")
	}
	return quoted(types)
}

func quoted(list []string) string {
	sorted := slices.Sorted(slices.Values(list))
	return compact(sorted)
}

func formatName(f string) string {
	switch f {
	case "email":
		return "email address"
	case "ipv4":
		return "IPv4 address"
	case "ipv6":
		return "IPv6 address"
	case "uri":
		return "URI"
	case "regex":
		return "ECMA 262 regular expression"
	}
	return f
}

// compact is a value as JSON without spaces.
func compact(v any) string {
	b, err := jsontext.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func valueAt(v any, path []string) any {
	for _, p := range path {
		switch c := v.(type) {
		case map[string]any:
			v = c[p]
		case []any:
			i, err := strconv.Atoi(p)
			if err != nil || i < 0 || i >= len(c) {
				return nil
			}
			v = c[i]
		default:
			return nil
		}
	}
	return v
}

// keyword is a keyword's value in the schema at a URL with a JSON pointer.
func (s *schemas) keyword(schemaURL, name string) any {
	url, pointer, _ := strings.Cut(schemaURL, "#")
	v := s.docs[url]
	if pointer = strings.TrimPrefix(pointer, "/"); pointer != "" {
		var path []string
		for p := range strings.SplitSeq(pointer, "/") {
			p = strings.ReplaceAll(strings.ReplaceAll(decodePart(p), "~1", "/"), "~0", "~")
			path = append(path, p)
		}
		v = valueAt(v, path)
	}
	m, _ := v.(map[string]any)
	return m[name]
}

func (s *schemas) count(schemaURL, name string) int {
	list, _ := s.keyword(schemaURL, name).([]any)
	return len(list)
}

func (s *schemas) number(schemaURL, name string) string {
	return compact(s.keyword(schemaURL, name))
}

func (s *schemas) dependencies(schemaURL string, k *kind.Dependency) string {
	all, _ := s.keyword(schemaURL, "dependencies").(map[string]any)
	var names []string
	if list, ok := all[k.Prop].([]any); ok {
		for _, n := range list {
			names = append(names, fmt.Sprint(n))
		}
	}
	return quoted(names)
}
