package console

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// stateMachine is the Amazon States Language as far as a drawing needs it. Both query languages
// say these in the same way.
type stateMachine struct {
	Comment, StartAt string
	States           map[string]aslState
}

type aslState struct {
	Type, Comment, Next, Default, Resource string
	Choices                                []json.RawMessage
	Catch                                  []struct {
		ErrorEquals []string
		Next        string
	}
	Branches                []stateMachine
	ItemProcessor, Iterator *stateMachine
}

// drawMachine draws a state machine from the top down. Parallel and Map states hold their
// branches' drawings.
func drawMachine(definition []byte) (*drawing, error) {
	var m stateMachine
	if err := json.Unmarshal(definition, &m); err != nil {
		return nil, fmt.Errorf("the definition: %w", err)
	}
	d := m.draw("")
	d.Nodes, d.Edges = flat(d)
	return d, nil
}

const (
	startNode = "·start "
	endNode   = "·end "
)

func (m stateMachine) draw(within string) *drawing {
	start, end := startNode+within, endNode+within
	nodes := []*node{{ID: start, Type: "start", Label: "start", W: 18, H: 18}}
	var edges []*edge
	if m.StartAt != "" {
		edges = append(edges, &edge{From: start, To: m.StartAt, Kind: "next"})
	}
	ends := false
	for _, name := range m.inOrder() {
		s := m.States[name]
		n := &node{ID: name, Label: name, Sub: taskOf(s.Resource), Type: s.Type, W: width(name, 84, 220), H: 30}
		if n.Sub != "" {
			n.W, n.H = max(n.W, width(n.Sub, 84, 220)), 40
		}
		n.inner = s.drawInner(name)
		n.enclose()
		nodes = append(nodes, n)
		for _, e := range s.leads(name) {
			if e.To == "" {
				e.To, ends = end, true
			}
			edges = append(edges, e)
		}
	}
	if ends {
		nodes = append(nodes, &node{ID: end, Type: "end", Label: "end", W: 18, H: 18})
	}
	return layout(nodes, merged(edges), true, spacing{layer: 30, node: 26, margin: 12})
}

// inOrder lists the states as they are reached, by Next before Choices before Catch; then what is not.
func (m stateMachine) inOrder() []string {
	var names []string
	seen := map[string]bool{"": true}
	queue := []string{m.StartAt}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		s, ok := m.States[name]
		if seen[name] || !ok {
			continue
		}
		seen[name] = true
		names = append(names, name)
		for _, e := range s.leads(name) {
			queue = append(queue, e.To)
		}
	}
	var rest []string
	for name := range m.States {
		if !seen[name] {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	return append(names, rest...)
}

// leads are the edges out of a state; To is empty where the machine ends.
func (s aslState) leads(name string) []*edge {
	var all []*edge
	switch {
	case s.Type == "Choice":
		for _, raw := range s.Choices {
			var c struct{ Next, Condition string }
			if json.Unmarshal(raw, &c) == nil && c.Next != "" {
				all = append(all, &edge{From: name, To: c.Next, Kind: "choice", Label: condition(c.Condition, raw)})
			}
		}
		if s.Default != "" {
			all = append(all, &edge{From: name, To: s.Default, Kind: "default", Label: "default"})
		}
	case s.Next != "":
		all = append(all, &edge{From: name, To: s.Next, Kind: "next"})
	default:
		all = append(all, &edge{From: name, Kind: "next"})
	}
	for _, c := range s.Catch {
		all = append(all, &edge{From: name, To: c.Next, Kind: "catch", Label: strings.Join(c.ErrorEquals, ", "), weak: true})
	}
	return all
}

// condition is a choice's condition for people.
func condition(jsonata string, rule json.RawMessage) string {
	if jsonata != "" {
		return strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(jsonata, "{%"), "%}"))
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(rule, &fields) != nil {
		return ""
	}
	for _, name := range []string{"Next", "Assign", "Output", "Comment"} {
		delete(fields, name)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return ""
	}
	return string(text)
}

func (s aslState) drawInner(name string) []*drawing {
	branches := s.Branches
	for _, one := range []*stateMachine{s.ItemProcessor, s.Iterator} {
		if one != nil {
			branches = append(branches, *one)
		}
	}
	var all []*drawing
	for i, b := range branches {
		all = append(all, b.draw(fmt.Sprintf("%s/%d", name, i)))
	}
	return all
}

// title is the height of a container's name.
const title = 24

// enclose makes a node with inner drawings large enough for them.
func (n *node) enclose() {
	if len(n.inner) == 0 {
		return
	}
	n.Container = true
	w, h := 0.0, 0.0
	for _, d := range n.inner {
		w += d.W
		h = max(h, d.H)
	}
	n.W, n.H = max(n.W, w), h+title
}

// flat lists all nodes and edges of a drawing, containers before what is in them.
func flat(d *drawing) (nodes []*node, edges []*edge) {
	for _, n := range d.Nodes {
		nodes = append(nodes, n)
		x := n.X
		for _, in := range n.inner {
			in.move(x, n.Y+title)
			x += in.W
			inNodes, inEdges := flat(in)
			nodes, edges = append(nodes, inNodes...), append(edges, inEdges...)
		}
	}
	return nodes, append(edges, d.Edges...)
}

// merged makes one edge of those between the same states of the same kind.
func merged(all []*edge) []*edge {
	var out []*edge
	for _, e := range all {
		i := slices.IndexFunc(out, func(o *edge) bool {
			return o.From == e.From && o.To == e.To && (o.Kind == e.Kind || e.Kind == "default" || e.Kind == "catch")
		})
		if i < 0 {
			out = append(out, e)
			continue
		}
		if e.Label != "" && !strings.Contains(out[i].Label, e.Label) {
			out[i].Label = strings.TrimPrefix(out[i].Label+"; "+e.Label, "; ")
		}
	}
	return out
}

// taskOf is what a Task state does: "lambda:invoke".
func taskOf(resource string) string {
	if _, integration, ok := strings.Cut(resource, ":states:::"); ok {
		return integration
	}
	if _, function, ok := strings.Cut(resource, ":function:"); ok {
		return function
	}
	return resource
}

// width is about how wide a text is, in pixels, with room around it.
func width(text string, least, most float64) float64 {
	return min(max(least, float64(len([]rune(text)))*7+22), most)
}
