package console

import (
	"math"
	"slices"
)

// extent is a node's size across the layers.
func (g *graph) extent(n *node) float64 {
	if g.down {
		return n.W
	}
	return n.H
}

func (g *graph) gap(a, b *node) float64 {
	gap := g.s.node
	if a.dummy || b.dummy {
		gap /= 2
	}
	return (g.extent(a)+g.extent(b))/2 + gap
}

// positions places nodes near their neighbours, as far as those of their own layer let them.
func (g *graph) positions() {
	for _, layer := range g.layers {
		at := 0.0
		for i, n := range layer {
			if i > 0 {
				at += g.gap(layer[i-1], n)
			}
			n.at = at
		}
		for _, n := range layer {
			n.at -= at / 2
		}
	}
	for round := range 40 {
		for i := range g.layers {
			l := i
			if round%2 == 1 {
				l = len(g.layers) - 1 - i
			}
			layer := g.layers[l]
			want := make([]float64, len(layer))
			for j, n := range layer {
				near := slices.Concat(g.up[n], g.dn[n])
				if round < 30 {
					near = g.up[n]
					if round%2 == 1 {
						near = g.dn[n]
					}
				}
				want[j] = n.at
				if sum, weights := 0.0, 0.0; len(near) > 0 {
					for _, m := range near {
						w := g.weight[[2]*node{n, m}]
						sum, weights = sum+w*m.at, weights+w
					}
					want[j] = sum / weights
				}
			}
			g.spread(layer, want)
		}
	}
}

// spread puts the nodes of a layer where they want to be, apart from each other: the mean of
// pushing from the left and from the right.
func (g *graph) spread(layer []*node, want []float64) {
	left, right := slices.Clone(want), slices.Clone(want)
	for i := 1; i < len(layer); i++ {
		left[i] = max(left[i], left[i-1]+g.gap(layer[i-1], layer[i]))
	}
	for i := len(layer) - 2; i >= 0; i-- {
		right[i] = min(right[i], right[i+1]-g.gap(layer[i], layer[i+1]))
	}
	for i, n := range layer {
		n.at = (left[i] + right[i]) / 2
	}
}

func (g *graph) draw() *drawing {
	lowest, highest := math.Inf(1), math.Inf(-1)
	for _, layer := range g.layers {
		for _, n := range layer {
			lowest, highest = min(lowest, n.at-g.extent(n)/2), max(highest, n.at+g.extent(n)/2)
		}
	}
	if len(g.nodes) == 0 {
		return &drawing{Nodes: []*node{}, Edges: []*edge{}}
	}
	at := g.s.margin
	starts, ends := make([]float64, len(g.layers)), make([]float64, len(g.layers))
	for i, layer := range g.layers {
		thick := 0.0
		for _, n := range layer {
			thick = max(thick, g.depth(n))
		}
		for _, n := range layer {
			across, along := n.at-lowest+g.s.margin-g.extent(n)/2, at+(thick-g.depth(n))/2
			if g.down {
				n.X, n.Y = math.Round(across), math.Round(along)
			} else {
				n.X, n.Y = math.Round(along), math.Round(across)
			}
		}
		starts[i], ends[i] = at, at+thick
		at += thick + g.s.layer
	}
	d := &drawing{W: at - g.s.layer + g.s.margin, H: highest - lowest + 2*g.s.margin, Nodes: g.nodes, Edges: g.edges}
	if g.down {
		d.W, d.H = d.H, d.W
	}
	for _, e := range g.edges {
		e.Points = g.route(e, starts, ends)
	}
	if d.Edges == nil {
		d.Edges = []*edge{}
	}
	return d
}

func (g *graph) depth(n *node) float64 {
	if g.down {
		return n.H
	}
	return n.W
}

// route is the points of an edge, in its own direction.
func (g *graph) route(e *edge, starts, ends []float64) [][2]float64 {
	point := func(along, across float64) [2]float64 {
		if g.down {
			return [2]float64{math.Round(across), math.Round(along)}
		}
		return [2]float64{math.Round(along), math.Round(across)}
	}
	along := func(n *node) float64 {
		if g.down {
			return n.Y
		}
		return n.X
	}
	across := func(n *node) float64 {
		if g.down {
			return n.X + n.W/2
		}
		return n.Y + n.H/2
	}
	if e.From == e.To {
		n := g.byID[e.From]
		edge, c, h := along(n)+g.depth(n), across(n), g.extent(n)/2
		return [][2]float64{point(edge-8, c+h), point(edge+6, c+h+10), point(edge+14, c+4), point(edge, c)}
	}
	first, last := e.path[0], e.path[len(e.path)-1]
	if first.layer == last.layer {
		a, b := g.byID[e.From], g.byID[e.To]
		out := along(a) + g.depth(a)
		return [][2]float64{point(out, across(a)), point(max(out, along(b)+g.depth(b))+g.s.layer/3, (across(a)+across(b))/2), point(along(b)+g.depth(b), across(b))}
	}
	points := [][2]float64{point(along(first)+g.depth(first), across(first))}
	for _, n := range e.path[1 : len(e.path)-1] {
		points = append(points, point(starts[n.layer], across(n)), point(ends[n.layer], across(n)))
	}
	points = append(points, point(along(last), across(last)))
	if e.back {
		slices.Reverse(points)
	}
	return points
}

// move shifts a drawing and all within it.
func (d *drawing) move(dx, dy float64) {
	for _, n := range d.Nodes {
		n.X, n.Y = n.X+dx, n.Y+dy
	}
	for _, e := range d.Edges {
		for i := range e.Points {
			e.Points[i][0] += dx
			e.Points[i][1] += dy
		}
	}
}
