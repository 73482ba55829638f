package dynamodb

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// maxNesting is how deep lists and maps may nest in an attribute: the service
// counts 32 levels, of which what is innermost is one.
const maxNesting = 31

const structClass = "class com.amazonaws.dynamodb.v20120810.AttributeValue"

const mapClass = "java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"

// scratch holds the attributes and elements of the maps and lists that are
// being read, the outermost first.
type scratch struct {
	attrs []Attr
	elems []Value
}

// attributes reads a map of attribute values. The problem with a value, if any,
// is DynamoDB's message about the first bad one by position, with its key.
func (d *decoder) attributes() (it Item, problem, badKey string, err error) {
	return d.members(0)
}

// members reads a map whose values are at the given depth of nesting.
func (d *decoder) members(depth int) (it Item, problem, badKey string, err error) {
	if d.scratch == nil {
		d.scratch = new(scratch)
	}
	s := d.scratch
	start := len(s.attrs)
	err = d.object(mapClass, func(name string) error {
		v, bad, err := d.value(depth)
		if err != nil {
			return err
		}
		if bad != "" && problem == "" {
			problem, badKey = bad, name
		}
		s.insert(start, name, v)
		return nil
	})
	it = make(Item, len(s.attrs)-start)
	copy(it, s.attrs[start:])
	clear(s.attrs[start:])
	s.attrs = s.attrs[:start]
	return it, problem, badKey, err
}

// insert adds an attribute to the map that begins at start; a repeated name
// replaces, as JSON parsers do.
func (s *scratch) insert(start int, name string, v Value) {
	n := len(s.attrs)
	if n == start || s.attrs[n-1].Name < name {
		s.attrs = append(s.attrs, Attr{name, v})
		return
	}
	i, ok := Item(s.attrs[start:]).index(name)
	if ok {
		s.attrs[start+i].Value = v
		return
	}
	s.attrs = slices.Insert(s.attrs, start+i, Attr{name, v})
}

// insertAttr adds an attribute to an item under construction.
func insertAttr(it Item, name string, v Value) Item {
	i, ok := it.index(name)
	if ok {
		it[i].Value = v
		return it
	}
	return slices.Insert(it, i, Attr{name, v})
}

// value reads one attribute value. problem is what a validation would say of
// it; err is a body that cannot be read at all, which comes first.
func (d *decoder) value(depth int) (v Value, problem string, err error) {
	if c := d.space(); c != '{' && c != '[' {
		return v, "", serializationError("Unexpected value type in payload")
	}
	types := 0
	err = d.object(structClass, func(name string) error {
		var bad string
		var err error
		switch name {
		case "S":
			v.s, err = d.text()
			v.kind = KindS
		case "N":
			var s string
			if s, err = d.text(); err != nil {
				return err
			}
			v.s, bad = canonicalNumber(s)
			v.kind = KindN
		case "B":
			v.s, err = d.binary()
			v.kind = KindB
		case "BOOL":
			v.b, err = d.boolean()
			v.kind = KindBool
		case "NULL":
			v.b, err = d.boolean()
			v.kind = KindNull
			if !v.b {
				bad = "One or more parameter values were invalid: Null attribute value types must have the value of true"
			}
		case "SS", "NS", "BS":
			v, bad, err = d.set(kindOf(name))
		case "L":
			v, bad, err = d.list(depth)
		case "M":
			v, bad, err = d.attributeMap(depth)
		default:
			return d.skip()
		}
		types++
		if bad != "" && problem == "" {
			problem = bad
		}
		return err
	})
	switch {
	case err != nil:
	case types == 0:
		problem = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
	case types > 1 && problem == "":
		problem = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	}
	return v, problem, err
}

func kindOf(name string) Kind {
	return Kind(slices.Index(kindNames[:], name))
}

func (d *decoder) binary() (string, error) {
	switch d.space() {
	case '"':
	case '{':
		return "", serializationError("Start of structure or map found where not expected")
	case '[':
		return "", serializationError("Unrecognized collection type class java.nio.ByteBuffer")
	default:
		return "", serializationError("only base-64-encoded strings are convertible to bytes")
	}
	raw, ok := d.rawString()
	if !ok {
		return "", errMalformed
	}
	if len(raw)%4 != 0 {
		return "", serializationError("Base64 encoded length is expected a multiple of 4 bytes but found: " + strconv.Itoa(len(raw)))
	}
	out, err := base64.StdEncoding.Strict().AppendDecode(nil, raw)
	if err != nil {
		// The service's own spelling.
		return "", serializationError("Invalid last non-pad Base64 character dectected") //nolint:misspell
	}
	return string(out), nil
}

func (d *decoder) set(kind Kind) (v Value, problem string, err error) {
	var elems []Value
	var texts []string
	err = d.array(func() error {
		e := Value{kind: kind.elementKind()}
		var err error
		if kind == KindBS {
			e.s, err = d.binary()
		} else {
			e.s, err = d.text()
		}
		if err != nil {
			return err
		}
		if kind == KindNS {
			var bad string
			if e.s, bad = canonicalNumber(e.s); bad != "" && problem == "" {
				problem = bad
			}
		}
		elems = append(elems, e)
		if kind != KindNS {
			texts = append(texts, e.s)
		}
		return nil
	})
	v = Value{kind: kind, c: &composite{elems: elems}}
	if err != nil || problem != "" {
		return v, problem, err
	}
	if len(elems) == 0 {
		return v, map[Kind]string{
			KindSS: "One or more parameter values were invalid: An string set  may not be empty",
			KindNS: "One or more parameter values were invalid: An number set  may not be empty",
			KindBS: "One or more parameter values were invalid: Binary sets should not be empty",
		}[kind], nil
	}
	slices.SortFunc(elems, compareScalar)
	for i := 1; i < len(elems); i++ {
		if elems[i].s == elems[i-1].s {
			return v, duplicates(kind, texts), nil
		}
	}
	return v, "", nil
}

func duplicates(kind Kind, texts []string) string {
	switch kind {
	case KindNS:
		return "Input collection contains duplicates"
	case KindSS:
		return "One or more parameter values were invalid: Input collection [" + strings.Join(texts, ", ") + "] contains duplicates."
	}
	for i, t := range texts {
		texts[i] = base64.StdEncoding.EncodeToString([]byte(t))
	}
	return "One or more parameter values were invalid: Input collection [" + strings.Join(texts, ", ") + "]of type BS contains duplicates."
}

const msgNesting = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"

func (d *decoder) list(depth int) (v Value, problem string, err error) {
	s := d.scratch
	start := len(s.elems)
	err = d.array(func() error {
		e, bad, err := d.value(depth + 1)
		if bad != "" && problem == "" {
			problem = bad
		}
		s.elems = append(s.elems, e)
		return err
	})
	if depth+1 > maxNesting {
		problem = msgNesting
	}
	v = listValue(slices.Clone(s.elems[start:]))
	clear(s.elems[start:])
	s.elems = s.elems[:start]
	return v, problem, err
}

func (d *decoder) attributeMap(depth int) (v Value, problem string, err error) {
	it, problem, _, err := d.members(depth + 1)
	if depth+1 > maxNesting {
		problem = msgNesting
	}
	return mapValue(it), problem, err
}
