// Package cfnspec knows what CloudFormation does when a property of a resource changes: updates the
// resource or replaces it.
//
// The facts are those of AWS's service specification, in updates.txt: one line a resource type. "*" after the type: it holds
// data. Then its properties; after a property "!": a change replaces the resource, "?": it may, "#": it is all or
// part of the resource's physical id, of which AWS adds nothing. Paths below a property ("A.*.B") are listed only with a mark; "*" is any element.
package cfnspec

import (
	_ "embed"
	"strings"
	"sync"
)

//go:generate go run ./generate ../../node_modules/aws-cdk updates.txt

//go:embed updates.txt
var data string

// Behaviour is what a change of a property does.
type Behaviour int

// The behaviours, the harmless first.
const (
	// Update changes the resource in place.
	Update Behaviour = iota
	// Unknown: the specification has no such type or property.
	Unknown
	// MayReplace depends on the values, or on the state of the resource.
	MayReplace
	// Replace makes a new resource and removes the old one.
	Replace
)

// Type is what the specification says of a resource type.
type Type struct {
	Name string
	// Stateful says that it holds data.
	Stateful bool
	// Identifiers are the properties that are all of its physical id. Empty if a part of that id is given by AWS.
	Identifiers []string

	top    map[string]Behaviour
	nested []path
}

type path struct {
	parts     []string
	behaviour Behaviour
}

var parsed = sync.OnceValue(func() map[string]string {
	lines := map[string]string{}
	for line := range strings.Lines(data) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		lines[strings.TrimSuffix(name, "*")] = strings.TrimPrefix(name, strings.TrimSuffix(name, "*")) + " " + rest
	}
	return lines
})

// Source says where the facts come from: the specification, its version and its date.
func Source() string {
	first, _, _ := strings.Cut(data, "\n")
	return strings.TrimSuffix(strings.TrimPrefix(first, "# "), ".")
}

// Types returns the names of all types, unsorted.
func Types() []string {
	names := make([]string, 0, len(parsed()))
	for name := range parsed() {
		names = append(names, name)
	}
	return names
}

// known are the types that were looked up: *Type by name.
var known sync.Map

// Lookup returns a resource type, which is not to be changed; false: the specification does not have it.
func Lookup(name string) (*Type, bool) {
	if t, ok := known.Load(name); ok {
		return t.(*Type), true
	}
	line, ok := parsed()[name]
	if !ok {
		return nil, false
	}
	t := parse(name, line)
	known.Store(name, t)
	return t, true
}

// parse reads a type's line.
func parse(name, line string) *Type {
	t := &Type{Name: name, top: map[string]Behaviour{}}
	t.Stateful = strings.HasPrefix(line, "*")
	for _, word := range strings.Fields(strings.TrimPrefix(line, "*")) {
		bare := strings.TrimSuffix(word, "#")
		name, b := strings.TrimRight(bare, "!?"), Update
		switch {
		case strings.HasSuffix(bare, "!"):
			b = Replace
		case strings.HasSuffix(bare, "?"):
			b = MayReplace
		}
		if bare != word {
			t.Identifiers = append(t.Identifiers, name)
		}
		if parts := strings.Split(name, "."); len(parts) > 1 {
			t.nested = append(t.nested, path{parts, b})
		} else {
			t.top[name] = b
		}
	}
	return t
}

// Marked returns the paths whose change replaces the resource ("A.*.B!") or may ("A?"), unsorted.
func (t *Type) Marked() []string {
	var out []string
	mark := map[Behaviour]string{Replace: "!", MayReplace: "?"}
	for name, b := range t.top {
		if mark[b] != "" {
			out = append(out, name+mark[b])
		}
	}
	for _, p := range t.nested {
		out = append(out, strings.Join(p.parts, ".")+mark[p.behaviour])
	}
	return out
}

// Behaviour is what a change at a path below Properties does. Elements of lists are numbers or "*". A change
// of a whole value is one of all that is in it: the gravest behaviour below the path counts.
func (t *Type) Behaviour(at ...string) Behaviour {
	if len(at) == 0 {
		return Unknown
	}
	b, ok := t.top[at[0]]
	if !ok {
		return Unknown
	}
	if b != Update {
		return b
	}
	for _, p := range t.nested {
		if p.behaviour > b && overlap(p.parts, at) {
			b = p.behaviour
		}
	}
	return b
}

// overlap reports whether one path leads to or through the other.
func overlap(pattern, at []string) bool {
	for i := range min(len(pattern), len(at)) {
		if pattern[i] != "*" && pattern[i] != at[i] {
			return false
		}
	}
	return true
}
