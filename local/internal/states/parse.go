package states

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// maxNameLength is the longest name of a state or of a variable, in characters.
const maxNameLength = 80

// Parse compiles a definition. It reports every mistake at once, each with the
// state that it is in. Which mistakes there are follows the States Language's
// specification and what CreateStateMachine refuses beyond it: unreachable
// states, states without a transition, names used twice.
func Parse(definition []byte) (*Machine, error) {
	var raw any
	dec := json.NewDecoder(bytes.NewReader(definition))
	if err := dec.Decode(&raw); err != nil {
		return nil, fmt.Errorf("the definition is not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the definition has something after its JSON object")
	}
	doc, ok := raw.(map[string]any)
	if !ok {
		return nil, errors.New("the definition is not a JSON object")
	}
	p := &parser{names: map[string]bool{}}
	m := p.machine(doc)
	if len(p.errs) > 0 {
		return nil, errors.Join(p.errs...)
	}
	return m, nil
}

type parser struct {
	errs  []error
	names map[string]bool // of all states so far, in all scopes
	tasks []*state
	// jsonPath is whether the machine's query language is JSONPath, so that a
	// state has to choose JSONata itself.
	jsonPath bool
}

func (p *parser) fail(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf(format, args...))
}

func (p *parser) machine(doc map[string]any) *Machine {
	o := object{p: p, where: "the definition", m: doc}
	o.allow("Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version")
	m := &Machine{Comment: o.string("Comment")}
	if v, ok := doc["Version"]; ok && v != "1.0" {
		o.fail("Version must be \"1.0\"")
	}
	if _, ok := doc["TimeoutSeconds"]; ok {
		m.TimeoutSeconds = o.whole("TimeoutSeconds", 1, 99999999, 0)
	}
	switch language := o.string("QueryLanguage"); language {
	case "JSONata":
	case "", "JSONPath":
		p.jsonPath = true
	default:
		o.fail("QueryLanguage %q is neither JSONata nor JSONPath", language)
	}
	m.graph = *p.graph(o, nil)
	m.tasks = p.tasks
	return m
}

// graph compiles the states of o and ties them together. outer are the
// variables that the scopes around it assign.
func (p *parser) graph(o object, outer []string) *graph {
	g := &graph{}
	startAt := o.string("StartAt")
	if _, given := o.m["StartAt"]; !given {
		o.fail("StartAt is required")
	}
	raw, ok := o.object("States")
	if !ok {
		if o.m["States"] == nil {
			o.fail("States is required")
		}
		return g
	}
	if len(raw.m) == 0 {
		o.fail("States is empty")
		return g
	}
	b := &graphBuilder{p: p, byName: map[string]*state{}, reached: map[*state]bool{}}
	names := sortedKeys(raw.m)
	for _, name := range names {
		b.byName[name] = &state{name: name}
		g.states = append(g.states, b.byName[name])
	}
	for _, name := range names {
		switch {
		case utf8.RuneCountInString(name) > maxNameLength:
			p.fail("state %q: the name is longer than %d characters", name, maxNameLength)
		case p.names[name]:
			p.fail("state %q: the name is used twice in this state machine", name)
		}
		p.names[name] = true
	}
	for _, name := range names {
		body, ok := raw.m[name].(map[string]any)
		if !ok {
			p.fail("state %q: it is not a JSON object", name)
			continue
		}
		var scope []string
		if body["Type"] == "Parallel" || body["Type"] == "Map" {
			scope = slices.Concat(outer, assigned(raw.m, name))
		}
		b.state(b.byName[name], object{p: p, where: fmt.Sprintf("state %q", name), m: body}, outer, scope)
	}
	if startAt != "" {
		if g.start = b.byName[startAt]; g.start == nil {
			o.fail("StartAt names the state %q, which does not exist", startAt)
		} else {
			b.reach(g.start)
			for _, s := range g.states {
				if !b.reached[s] {
					p.fail("state %q: no transition leads to it", s.name)
				}
			}
		}
	}
	return g
}

type graphBuilder struct {
	p       *parser
	byName  map[string]*state
	reached map[*state]bool
}

// assigned lists the variables that the states of a scope assign, all but one.
func assigned(states map[string]any, but string) []string {
	var out []string
	add := func(v any) {
		if m, ok := v.(map[string]any); ok {
			if assign, ok := m["Assign"].(map[string]any); ok {
				for _, key := range sortedKeys(assign) {
					out = append(out, variableName(key))
				}
			}
		}
	}
	for _, name := range sortedKeys(states) {
		if name == but {
			continue
		}
		s, _ := states[name].(map[string]any)
		add(s)
		for _, list := range []string{"Catch", "Choices"} {
			entries, _ := s[list].([]any)
			for _, e := range entries {
				add(e)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (b *graphBuilder) reach(s *state) {
	if s == nil || b.reached[s] {
		return
	}
	b.reached[s] = true
	b.reach(s.next)
	b.reach(s.defaultState)
	for _, c := range s.choices {
		b.reach(c.next)
	}
	for _, c := range s.catch {
		b.reach(c.next)
	}
}

// target finds the state that a transition names.
func (b *graphBuilder) target(o object, key string) *state {
	v, ok := o.m[key]
	if !ok {
		return nil
	}
	name, ok := v.(string)
	if !ok {
		o.fail("%s must be a string", key)
		return nil
	}
	s := b.byName[name]
	if s == nil {
		o.fail("%s names the state %q, which does not exist in its scope", key, name)
	}
	return s
}
