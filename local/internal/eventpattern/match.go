package eventpattern

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// matcher finds out whether an event fits one of several rules. It reads only
// those parts of the event that some rule names. It is not for use by several
// goroutines at once.
type matcher struct {
	root       *node
	rules      [][]*condition
	conditions []*condition
	// While an event is read: the arrays around the value being read.
	around []place
	arrays int
}

// node is a name in the tree of all names.
type node struct {
	children   map[string]*node
	conditions []*condition
}

// condition is what one rule says of one name.
type condition struct {
	name string
	*alternatives
	// While an event is read: where values that match, and where any, were found.
	hits, found [][]place
}

// place is an element of an array of the event.
type place struct{ array, index int }

func newMatcher(rules []rule) *matcher {
	m := &matcher{root: &node{}}
	for _, r := range rules {
		var conjunction []*condition
		for name, a := range r {
			conjunction = append(conjunction, &condition{name: name, alternatives: a})
		}
		slices.SortFunc(conjunction, func(a, b *condition) int { return strings.Compare(a.name, b.name) })
		for _, c := range conjunction {
			n := m.root
			for part := range strings.SplitSeq(c.name, ".") {
				if n.children == nil {
					n.children = map[string]*node{}
				}
				if n.children[part] == nil {
					n.children[part] = &node{}
				}
				n = n.children[part]
			}
			n.conditions = append(n.conditions, c)
		}
		m.rules = append(m.rules, conjunction)
		m.conditions = append(m.conditions, conjunction...)
	}
	return m
}

// reset forgets the last event.
func (m *matcher) reset() {
	for _, c := range m.conditions {
		c.hits, c.found = c.hits[:0], c.found[:0]
	}
	m.around, m.arrays = m.around[:0], 0
}

// match says whether a valid JSON object matches.
func (m *matcher) match(event []byte) bool {
	m.reset()
	m.object(event, skipSpace(event, 0), m.root)
	return m.matched()
}

// matched judges what was found.
func (m *matcher) matched() bool {
	for _, r := range m.rules {
		if solve(r, nil) {
			return true
		}
	}
	return false
}

// solve looks for one value for each condition, so that all those below the
// same array are in the same element of it.
func solve(conditions []*condition, chosen []place) bool {
	if len(conditions) == 0 {
		return true
	}
	c := conditions[0]
	for _, h := range c.hits {
		if !compatible(chosen, h) {
			continue
		}
		if len(h) == 0 || len(conditions) == 1 {
			if solve(conditions[1:], chosen) {
				return true
			}
			continue
		}
		if solve(conditions[1:], slices.Concat(chosen, h)) {
			return true
		}
	}
	if !c.absent || slices.ContainsFunc(c.found, func(f []place) bool { return compatible(chosen, f) }) {
		return false
	}
	return solve(conditions[1:], chosen)
}

func compatible(chosen, at []place) bool {
	for _, a := range at {
		for _, b := range chosen {
			if a.array == b.array && a.index != b.index {
				return false
			}
		}
	}
	return true
}

// add notes a value found for a name.
func (m *matcher) add(n *node, v value) {
	for _, c := range n.conditions {
		at := m.around
		if len(at) > 0 {
			at = slices.Clone(at)
		}
		if c.absent {
			c.found = append(c.found, at)
		}
		for _, o := range c.ops {
			if o.match(v) {
				c.hits = append(c.hits, at)
				break
			}
		}
	}
}

// object reads the object that begins at i and returns the offset behind it.
func (m *matcher) object(b []byte, i int, n *node) int {
	i = skipSpace(b, i+1)
	for b[i] != '}' {
		end := skipString(b, i)
		child := n.child(b[i+1 : end-1])
		i = skipSpace(b, skipSpace(b, end)+1) // behind the colon
		if child == nil {
			i = skipValue(b, i)
		} else {
			i = m.value(b, i, child)
		}
		if i = skipSpace(b, i); b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}
	return i + 1
}

// child looks up a name of the event, in which dots part names too.
func (n *node) child(raw []byte) *node {
	if bytes.IndexByte(raw, '\\') >= 0 {
		raw = []byte(decodeString(raw))
	}
	for {
		dot := bytes.IndexByte(raw, '.')
		if dot < 0 {
			return n.children[string(raw)]
		}
		if n = n.children[string(raw[:dot])]; n == nil {
			return nil
		}
		raw = raw[dot+1:]
	}
}

// value reads the value that begins at i and returns the offset behind it.
func (m *matcher) value(b []byte, i int, n *node) int {
	switch b[i] {
	case '{':
		if n.children == nil {
			return skipValue(b, i)
		}
		return m.object(b, i, n)
	case '[':
		m.arrays++
		m.around = append(m.around, place{array: m.arrays})
		i = skipSpace(b, i+1)
		for b[i] != ']' {
			if i = skipSpace(b, m.value(b, i, n)); b[i] == ',' {
				i = skipSpace(b, i+1)
			}
			m.around[len(m.around)-1].index++
		}
		m.around = m.around[:len(m.around)-1]
		return i + 1
	}
	end := skipValue(b, i)
	if len(n.conditions) > 0 {
		m.add(n, readScalar(b[i:end]))
	}
	return end
}

func readScalar(b []byte) value {
	switch b[0] {
	case '"':
		return value{kind: 's', text: decodeString(b[1 : len(b)-1])}
	case 't', 'f':
		return value{kind: b[0], text: string(b)}
	case 'n':
		return value{kind: 'z', text: string(b)}
	}
	n, _ := strconv.ParseFloat(string(b), 64) // out of range is ±Inf
	return value{kind: 'n', text: string(b), number: n}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipValue returns the offset behind the value that begins at i.
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // behind a number or a word
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}
