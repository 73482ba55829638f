package console

import (
	"math"
	"slices"
)

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
			// Centers are rounded rather than corners, so that lines between boxes of different sizes are straight.
			across, along := math.Round(n.at-lowest+g.s.margin)-g.extent(n)/2, at+(thick-g.depth(n))/2
			if g.down {
				n.X, n.Y = across, math.Round(along)
			} else {
				n.X, n.Y = math.Round(along), across
			}
		}
		starts[i], ends[i] = at, at+thick
		at += thick + g.s.layer
	}
	d := &drawing{W: at - g.s.layer + g.s.margin, H: math.Ceil(highest-lowest) + 2*g.s.margin + 1, Nodes: g.nodes, Edges: g.edges}
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
	off := g.aside(e)
	line := func(straight bool) (points [][2]float64) {
		points = append(points, point(along(first)+g.depth(first), across(first)+off))
		if straight {
			points = append(points, point(ends[first.layer], across(first)+off))
		}
		for _, n := range e.path[1 : len(e.path)-1] {
			points = append(points, point(starts[n.layer], across(n)), point(ends[n.layer], across(n)))
		}
		if len(e.path) == 2 && last.layer > first.layer+1 {
			lane := g.lane(first, last, across)
			points = append(points, point(starts[first.layer+1], lane), point(ends[last.layer-1], lane))
		}
		if straight {
			points = append(points, point(starts[last.layer], across(last)+off))
		}
		return append(points, point(along(last), across(last)+off))
	}
	points := line(false)
	if !g.down && g.behind(e, points) {
		points = line(true) // within a layer, past boxes that are larger than the one it leads to
	}
	if e.back {
		slices.Reverse(points)
	}
	return points
}

// lane is where a line without a place of its own passes by all boxes between its ends: on the nearer side.
func (g *graph) lane(first, last *node, across func(*node) float64) float64 {
	const beside = 8
	low, high := math.Inf(1), math.Inf(-1)
	for _, layer := range g.layers[first.layer+1 : last.layer] {
		for _, n := range layer {
			if !n.dummy {
				low, high = min(low, across(n)-g.extent(n)/2-beside), max(high, across(n)+g.extent(n)/2+beside)
			}
		}
	}
	way := func(lane float64) float64 { return math.Abs(across(first)-lane) + math.Abs(across(last)-lane) }
	switch {
	case math.IsInf(low, 1):
		return (across(first) + across(last)) / 2
	case way(low) <= way(high):
		return low
	}
	return high
}

// curve is points along a line as the page draws it from the left to the right.
func curve(points [][2]float64) (all [][2]float64) {
	const steps = 20
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		for step := range steps + 1 {
			t := float64(step) / steps
			u, mid := 1-t, (a[0]+b[0])/2
			all = append(all, [2]float64{
				u*u*u*a[0] + 3*u*u*t*mid + 3*u*t*t*mid + t*t*t*b[0],
				u*u*u*a[1] + 3*u*u*t*a[1] + 3*u*t*t*b[1] + t*t*t*b[1],
			})
		}
	}
	return all
}

// behind reports whether a line runs behind a box to which it does not lead.
func (g *graph) behind(e *edge, points [][2]float64) bool {
	line := curve(points)
	return slices.ContainsFunc(g.nodes, func(n *node) bool {
		return n.ID != e.From && n.ID != e.To && slices.ContainsFunc(line, func(p [2]float64) bool {
			return p[0] > n.X && p[0] < n.X+n.W && p[1] > n.Y && p[1] < n.Y+n.H
		})
	})
}

// beside is how far the lines of two nodes that lead to each other are from the middle between them, in pixels.
const beside = 7

// aside is how far the ends of an edge are off the middle of its boxes: forth on one side and back on the other, where both are.
func (g *graph) aside(e *edge) float64 {
	if !slices.ContainsFunc(g.edges, func(o *edge) bool { return o.From == e.To && o.To == e.From && o != e }) {
		return 0
	}
	if e.back {
		return beside
	}
	return -beside
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
