package console

import (
	"cmp"
	"slices"
)

// drawing is a graph with coordinates, in pixels.
type drawing struct {
	W     float64 `json:"w"`
	H     float64 `json:"h"`
	Nodes []*node `json:"nodes"`
	Edges []*edge `json:"edges"`
}

// node is a box. Its size is set before it is laid out.
type node struct {
	ID    string  `json:"id"`
	Label string  `json:"label"`
	Sub   string  `json:"sub,omitempty"`
	Type  string  `json:"type"`
	X     float64 `json:"x"`
	Y     float64 `json:"y"`
	W     float64 `json:"w"`
	H     float64 `json:"h"`
	// Container is whether other nodes are drawn within it.
	Container bool `json:"container,omitempty"`

	inner []*drawing // of a container, side by side
	layer int
	rank  int     // place within the layer
	at    float64 // center across the layers
	dummy bool
}

// edge is a line between two nodes.
type edge struct {
	From   string       `json:"from"`
	To     string       `json:"to"`
	Kind   string       `json:"kind"`
	Label  string       `json:"label,omitempty"`
	Points [][2]float64 `json:"points"`

	weak  bool // it decides where its nodes are only if nothing else does
	loose bool // it never does
	back  bool
	path  []*node
}

// spacing is the distances of a layout: between layers, between the nodes of one, and the
// margin around all.
type spacing struct{ layer, node, margin float64 }

// layout gives the nodes and edges of a directed graph coordinates, layer by layer: from the
// left to the right, or from the top down. The method is Sugiyama's: cycles are broken, layers are longest
// paths, long edges get a place in each layer, crossings are reduced by barycenters.
// The same graph is always laid out in the same way.
func layout(nodes []*node, edges []*edge, down bool, s spacing) *drawing {
	g := &graph{nodes: nodes, byID: map[string]*node{}, down: down, s: s}
	for _, n := range nodes {
		g.byID[n.ID] = n
	}
	for _, e := range edges {
		if g.byID[e.From] != nil && g.byID[e.To] != nil {
			g.edges = append(g.edges, e)
		}
	}
	g.breakCycles()
	g.assignLayers()
	g.placeLongEdges()
	g.order()
	if down {
		g.near() // a page can be scrolled down, hardly sideways
	} else {
		g.straight()
	}
	return g.draw()
}

type graph struct {
	nodes  []*node
	edges  []*edge
	byID   map[string]*node
	layers [][]*node
	up, dn map[*node][]*node // neighbours in the layer before and after
	weight map[[2]*node]float64
	down   bool
	s      spacing

	decisive []*edge
}

// ends are the nodes of an edge in the direction of the layers.
func (g *graph) ends(e *edge) (from, to *node) {
	from, to = g.byID[e.From], g.byID[e.To]
	if e.back {
		from, to = to, from
	}
	return from, to
}

// strong are the edges that decide about layers: those that are not weak, and weak ones to where
// nothing else leads.
func (g *graph) strong() []*edge {
	if g.decisive != nil {
		return g.decisive
	}
	entered := map[string]bool{}
	for _, e := range g.edges {
		if e.From != e.To && !e.weak && !e.loose {
			entered[e.To] = true
		}
	}
	g.decisive = []*edge{}
	for _, e := range g.edges {
		if e.From != e.To && !e.loose && (!e.weak || !entered[e.To]) {
			g.decisive = append(g.decisive, e)
		}
	}
	return g.decisive
}

func (g *graph) breakCycles() {
	out := map[string][]*edge{}
	entered := map[string]bool{}
	for _, e := range g.strong() {
		out[e.From] = append(out[e.From], e)
		entered[e.To] = true
	}
	const open, closed = 1, 2
	state := map[string]int{}
	var visit func(id string)
	visit = func(id string) {
		state[id] = open
		for _, e := range out[id] {
			switch state[e.To] {
			case open:
				e.back = true
			case 0:
				visit(e.To)
			}
		}
		state[id] = closed
	}
	for _, roots := range []bool{true, false} {
		for _, n := range g.nodes {
			if state[n.ID] == 0 && entered[n.ID] != roots {
				visit(n.ID)
			}
		}
	}
}

func (g *graph) assignLayers() {
	strong := g.strong()
	for changed, rounds := true, 0; changed && rounds <= len(g.nodes); rounds++ {
		changed = false
		for _, e := range strong {
			if from, to := g.ends(e); to.layer < from.layer+1 {
				to.layer, changed = from.layer+1, true
			}
		}
	}
	// What only leads somewhere stands right before it.
	entered, next := map[*node]bool{}, map[*node]int{}
	for _, e := range strong {
		from, to := g.ends(e)
		entered[to] = true
		if l, ok := next[from]; !ok || to.layer < l {
			next[from] = to.layer
		}
	}
	for _, n := range g.nodes {
		if l, ok := next[n]; ok && !entered[n] {
			n.layer = l - 1
		}
	}
}

func (g *graph) placeLongEdges() {
	deepest := 0
	for _, n := range g.nodes {
		deepest = max(deepest, n.layer)
	}
	g.layers = make([][]*node, deepest+1)
	for _, n := range g.nodes {
		g.layers[n.layer] = append(g.layers[n.layer], n)
	}
	g.up, g.dn, g.weight = map[*node][]*node{}, map[*node][]*node{}, map[[2]*node]float64{}
	for _, e := range g.edges {
		if e.From == e.To {
			continue
		}
		from, to := g.byID[e.From], g.byID[e.To]
		if from.layer > to.layer {
			e.back = true
		} else {
			e.back = false
		}
		if e.back {
			from, to = to, from
		}
		e.path = []*node{from}
		if e.Kind == "catch" && !slices.Contains(g.decisive, e) {
			e.path = append(e.path, to) // drawn as it comes: there are too many of them to have places of their own
			continue
		}
		last := from
		for l := from.layer + 1; l < to.layer; l++ {
			d := &node{dummy: true, layer: l, W: 8, H: 8}
			g.layers[l] = append(g.layers[l], d)
			g.connect(last, d, e)
			e.path, last = append(e.path, d), d
		}
		if from.layer != to.layer {
			g.connect(last, to, e)
		}
		e.path = append(e.path, to)
	}
}

// connect makes two nodes neighbours. The main way through is to be straight before anything else, and long edges
// before short ones.
func (g *graph) connect(a, b *node, e *edge) {
	g.dn[a], g.up[b] = append(g.dn[a], b), append(g.up[b], a)
	w := 1.0
	switch {
	case e.Kind == "next":
		w = 6
	case e.weak || e.loose:
		w = 0.2
	}
	if a.dummy && b.dummy {
		w *= 3
	}
	g.weight[[2]*node{a, b}] += w
	g.weight[[2]*node{b, a}] += w
}

// order reduces crossings: the nodes of a layer are sorted by the mean place of their
// neighbours, sweeping to and fro.
func (g *graph) order() {
	g.rerank()
	best, fewest := g.snapshot(), g.crossings()
	for sweep := range 24 {
		for i := range g.layers {
			l, neighbours := i, g.up
			if sweep%2 == 1 {
				l, neighbours = len(g.layers)-1-i, g.dn
			}
			means := map[*node]float64{}
			for _, n := range g.layers[l] {
				means[n] = mean(neighbours[n], float64(n.rank), func(m *node) float64 { return float64(m.rank) })
			}
			slices.SortStableFunc(g.layers[l], func(a, b *node) int { return cmp.Compare(means[a], means[b]) })
			g.rerank()
		}
		if c := g.crossings(); c < fewest {
			best, fewest = g.snapshot(), c
		}
	}
	g.layers = best
	g.rerank()
}

func mean(all []*node, without float64, of func(*node) float64) float64 {
	if len(all) == 0 {
		return without
	}
	sum := 0.0
	for _, n := range all {
		sum += of(n)
	}
	return sum / float64(len(all))
}

func (g *graph) rerank() {
	for _, layer := range g.layers {
		for i, n := range layer {
			n.rank = i
		}
	}
}

func (g *graph) snapshot() [][]*node {
	out := make([][]*node, len(g.layers))
	for i, l := range g.layers {
		out[i] = slices.Clone(l)
	}
	return out
}

func (g *graph) crossings() (n int) {
	for _, layer := range g.layers {
		var ends []int
		for _, a := range layer {
			next := make([]int, 0, len(g.dn[a]))
			for _, b := range g.dn[a] {
				next = append(next, b.rank)
			}
			slices.Sort(next)
			for _, rank := range next {
				for _, before := range ends {
					if before > rank {
						n++
					}
				}
			}
			ends = append(ends, next...)
		}
	}
	return n
}
