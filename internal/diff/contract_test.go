package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/orderflow-cdk/orderflow/internal/referee"
)

const modelSchema = `{"type": "object", "additionalProperties": false, "required": ["a"], "definitions": {"n": {"type": "integer", "minimum": 2, "maximum": 4}},
	"properties": {"a": {"enum": ["x", "y"]}, "b": {"type": "integer", "minimum": 1, "maximum": 3}, "c": {"type": ["string", "null"], "minLength": 1, "maxLength": 2, "pattern": "^[a-c]*$"},
	"d": {"type": "array", "items": {"$ref": "#/definitions/n"}, "minItems": 1, "maxItems": 2, "uniqueItems": true},
	"e": {"type": "object", "required": ["f"], "properties": {"f": {"type": "boolean"}, "g": {"type": "number"}}}}}`

func parseSchema(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(modelSchema), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// documents are some that are near to what the schema accepts.
func documents(rnd *rand.Rand, n int) []any {
	pick := func(of ...any) any { return of[rnd.IntN(len(of))] }
	var out []any
	for range n {
		d := map[string]any{"a": pick("x", "y", "z", 1.0)}
		for name, values := range map[string][]any{
			"b": {0.0, 1.0, 2.0, 3.0, 4.0, 1.5, "1"}, "c": {"", "a", "ab", "abc", "d", nil, 1.0},
			"d": {[]any{}, []any{2.0}, []any{2.0, 3.0}, []any{2.0, 2.0}, []any{1.0}, []any{5.0}, []any{"x"}, []any{2.0, 3.0, 4.0}},
			"e": {map[string]any{"f": true}, map[string]any{}, map[string]any{"f": false, "g": 1.5}, map[string]any{"f": true, "h": 1.0}, map[string]any{"f": true, "g": "x"}},
			"z": {1.0},
		} {
			if rnd.IntN(3) == 0 {
				d[name] = values[rnd.IntN(len(values))]
			}
		}
		if rnd.IntN(8) == 0 {
			delete(d, "a")
		}
		out = append(out, d)
	}
	return append(out, "text", 1.0, nil, []any{}, map[string]any{})
}

// disturb changes something in a schema, at random.
func disturb(rnd *rand.Rand, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	names := slices.Sorted(maps.Keys(m))
	name := names[rnd.IntN(len(names))]
	switch in := m[name].(type) {
	case map[string]any:
		if len(in) > 0 && rnd.IntN(6) > 0 {
			disturb(rnd, in)
			return
		}
		m[name] = map[string]any{}
	case []any:
		switch rnd.IntN(3) {
		case 0:
			m[name] = in[:len(in)-1]
		case 1:
			extra := map[string]any{"required": "b", "enum": "z", "type": "boolean"}[name]
			if extra != nil {
				m[name] = append(slices.Clone(in), extra)
			}
		case 2:
			delete(m, name)
		}
		if list, _ := m[name].([]any); len(list) == 0 {
			delete(m, name)
		}
	case float64:
		m[name] = max(0, in+float64(rnd.IntN(3)-1))
	case bool:
		m[name] = !in
	case string:
		switch name {
		case "type":
			m[name] = []any{"string", "number", "integer", "boolean", "object"}[rnd.IntN(5)]
		case "pattern":
			m[name] = []any{"^[a-b]*$", ".*"}[rnd.IntN(2)]
		default:
			delete(m, name)
		}
	}
	if rnd.IntN(4) == 0 {
		add := []string{"minimum", "maximum", "minLength", "maxItems", "const", "minProperties"}[rnd.IntN(6)]
		m[add] = float64(rnd.IntN(4))
		if _, above := m["properties"]; name != "" && above && rnd.IntN(2) == 0 {
			delete(m, add)
		}
	}
}

// TestSchemasThatBreakAreToldSo changes a schema at random. If a validator accepts a document by the old schema and refuses
// it by the new one, the change must be told as breaking.
func TestSchemasThatBreakAreToldSo(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	compile := func(schema any) *jsonschema.Schema {
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft7)
		if err := c.AddResource("mem:///schema", schema); err != nil {
			return nil
		}
		s, err := c.Compile("mem:///schema")
		if err != nil {
			return nil
		}
		return s
	}
	broke, spared, missed := 0, 0, 0
	for i := range 2500 {
		old, new := parseSchema(t), parseSchema(t)
		for range rnd.IntN(3) {
			disturb(rnd, old)
		}
		text, err := json.Marshal(old)
		if err != nil {
			t.Fatal(err)
		}
		new = map[string]any{}
		if err := json.Unmarshal(text, &new); err != nil {
			t.Fatal(err)
		}
		for range 1 + rnd.IntN(2) {
			disturb(rnd, new)
		}
		was, is := compile(old), compile(new)
		if was == nil || is == nil {
			continue
		}
		var witness any
		breaks := slices.ContainsFunc(documents(rnd, 60), func(d any) bool {
			witness = d
			return was.Validate(d) == nil && is.Validate(d) != nil
		})
		said := compareSchemas(old, new)
		told := slices.ContainsFunc(said, func(c contractChange) bool { return c.effect == breaking })
		switch {
		case breaks && !told:
			after, _ := json.Marshal(new)
			t.Fatalf("%d: %v is refused now, and nothing breaks: %v\n%s\n%s", i, witness, said, text, after)
		case breaks:
			broke++
		case told:
			missed++ // no witness among so few documents
		default:
			spared++
		}
	}
	if broke < 300 || spared < 300 {
		t.Errorf("%d break, %d do not, %d are told to and no document shows it", broke, spared, missed)
	}
	t.Logf("%d break, %d do not, %d are told to and no document shows it", broke, spared, missed)
}

const graphQLSchema = `
directive @d(a: Int, b: String! = "x") repeatable on FIELD_DEFINITION | OBJECT
interface Node { id: ID! }
type Thing implements Node { id: ID! name: String tags: [String!] size(unit: Unit = CM, exact: Boolean): Int! }
type Other { id: ID! }
union Any = Thing | Other
enum Unit { CM INCH }
input In { a: Int! b: [Int] c: String = "c" }
type Query { thing(id: ID!): Thing all(in: In): [Any!]! }
type Mutation { put(in: In!, dry: Boolean): Thing! }
`

// graphQLEdits are changes of the schema, each of which the referee judges.
var graphQLEdits = [][2]string{
	{"id: ID! name: String", "id: ID! name: String!"}, {"name: String tags", "tags"}, {"tags: [String!]", "tags: [String]"}, {"tags: [String!]", "tags: [String!]!"},
	{"name: String tags", "name: [String] tags"}, {"size(unit: Unit = CM,", "size(unit: Unit = INCH,"}, {", exact: Boolean)", ")"}, {"exact: Boolean)", "exact: Boolean!)"},
	{"exact: Boolean)", "exact: Boolean, more: Int)"}, {"exact: Boolean)", "exact: Boolean, more: Int!)"}, {"Any = Thing | Other", "Any = Thing"}, {"CM INCH", "CM"}, {"CM INCH", "CM INCH FOOT"},
	{"a: Int! b", "a: Int b"}, {"b: [Int]", "b: [Int!]"}, {"b: [Int]", "b: [Int]!"}, {`c: String = "c"`, `c: String = "d"`}, {`c: String = "c"`, `c: String`}, {`c: String = "c"`, `c: String = "c" d: Int`},
	{`c: String = "c"`, `c: String = "c" d: Int!`}, {`c: String = "c"`, `c: String = "c" d: Int! = 1`}, {"Thing implements Node {", "Thing {"}, {"type Other { id: ID! }", "type Other implements Node { id: ID! }"},
	{"type Mutation { put(in: In!, dry: Boolean): Thing! }", ""}, {"put(in: In!,", "put(in: In,"}, {"): Thing! }", "): Thing }"}, {"all(in: In): [Any!]!", "all(in: In): [Any]!"},
	{"all(in: In): [Any!]!", "all(in: In!): [Any!]!"}, {" repeatable on", " on"}, {" | OBJECT", ""}, {"| OBJECT", "| OBJECT | ENUM"}, {"@d(a: Int, ", "@d("}, {"type Query {", "type New { id: ID } type Query {"},
	{"enum Unit { CM INCH }", "scalar Unit"}, {"type Other { id: ID! }", "type Other { id: ID! more: Int }"}, {"interface Node { id: ID! }", `"A node." interface Node { id: ID! }`},
	{"union Any = Thing | Other", "type More { id: ID! } union Any = Thing | Other | More"}, {"thing(id: ID!)", "thing(id: ID! = \"1\")"},
}

// graphQLDiffers are edits of which the referee says something else, with the reason not to follow it.
var graphQLDiffers = map[[2]string]string{
	{`c: String = "c"`, `c: String = "d"`}:       "graphql-js looks at defaults of arguments alone, and a resolver gets another value here as well",
	{`c: String = "c"`, `c: String`}:             "the same",
	{"thing(id: ID!)", "thing(id: ID! = \"1\")"}: "graphql-js looks at defaults that there were; here a call without the argument is not refused any more",
	{"enum Unit { CM INCH }", "scalar Unit"}:     "graphql-js takes CM, the same default as before, for another one, since it is no longer an enum's",
}

// TestRefereeGraphQL has graphql-js judge edits of a schema: what it finds breaking or dangerous, we do, and nothing else.
func TestRefereeGraphQL(t *testing.T) {
	folder := referee.Node(t, "graphql")
	var schemas []string
	for _, e := range graphQLEdits {
		if !strings.Contains(graphQLSchema, e[0]) {
			t.Fatalf("the schema has no %q", e[0])
		}
		schemas = append(schemas, strings.Replace(graphQLSchema, e[0], e[1], 1))
	}
	input, err := json.Marshal(map[string]any{"old": graphQLSchema, "new": schemas})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", filepath.Join("testdata", "breaking.mjs"), folder)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = os.Environ()
	var theirs []struct{ Breaking, Dangerous []string }
	if err := json.Unmarshal(referee.Run(t, cmd), &theirs); err != nil {
		t.Fatal(err)
	}
	old, err := parseGraphQL(graphQLSchema)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range schemas {
		new, err := parseGraphQL(text)
		if err != nil {
			t.Fatal(err)
		}
		got := map[effect]bool{}
		said := compareGraphQL(old, new)
		for _, c := range said {
			got[c.effect] = true
		}
		differs := got[breaking] != (len(theirs[i].Breaking) > 0) || got[dangerous] != (len(theirs[i].Dangerous) > 0)
		if reason := graphQLDiffers[graphQLEdits[i]]; reason != "" {
			if !differs {
				t.Errorf("%q: the referee says the same, so that the reason to differ is none: %s", graphQLEdits[i], reason)
			}
			continue
		}
		if len(said) == 0 || differs {
			t.Errorf("%q → %q: %v, the referee: %+v", graphQLEdits[i][0], graphQLEdits[i][1], said, theirs[i])
		}
	}
	if s := fmt.Sprint(compareGraphQL(old, old)); s != "[]" {
		t.Errorf("the same schema changes: %s", s)
	}
}
