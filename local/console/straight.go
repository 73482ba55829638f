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

// gap is how far the centers of neighbours in a layer are apart at least.
func (g *graph) gap(a, b *node) float64 {
	gap := g.s.node
	if a.dummy || b.dummy {
		gap /= 2
	}
	return (g.extent(a)+g.extent(b))/2 + gap
}

// straight places the nodes across the layers so that long edges and the main way are straight, and neighbours near
// each other. The method is that of Brandes and Köpf ("Fast and Simple Horizontal Coordinate Assignment", 2001): nodes are
// aligned with neighbours into blocks four times, from each corner of the drawing, blocks are pushed together, and each node is placed
// in the middle of its four places.
func (g *graph) straight() {
	crossed := g.crossed()
	var four [4]map[*node]float64
	for i := range four {
		fromBelow, fromRight := i >= 2, i%2 == 1
		layers := make([][]*node, len(g.layers))
		for l := range g.layers {
			layers[l] = slices.Clone(g.layers[l])
			if fromRight {
				slices.Reverse(layers[l])
			}
		}
		root := g.align(layers, fromBelow, crossed)
		four[i] = g.compact(layers, root)
		if fromRight {
			for n := range four[i] {
				four[i][n] = -four[i][n]
			}
		}
	}
	// All four are laid over the narrowest, those from the left at its left edge and those from the right at its right one.
	narrow, width := 0, math.Inf(1)
	var bounds [4][2]float64
	for i := range four {
		bounds[i] = g.bounds(four[i])
		if w := bounds[i][1] - bounds[i][0]; w < width {
			narrow, width = i, w
		}
	}
	for _, layer := range g.layers {
		for _, n := range layer {
			var at [4]float64
			for i := range four {
				at[i] = four[i][n] + bounds[narrow][i%2] - bounds[i][i%2]
			}
			slices.Sort(at[:])
			n.at = (at[1] + at[2]) / 2
		}
	}
	// The middle of four places that are far enough apart each may be too near by a rounding error.
	for _, layer := range g.layers {
		for i := 1; i < len(layer); i++ {
			layer[i].at = max(layer[i].at, layer[i-1].at+g.gap(layer[i-1], layer[i]))
		}
	}
}

func (g *graph) bounds(at map[*node]float64) [2]float64 {
	b := [2]float64{math.Inf(1), math.Inf(-1)}
	for _, layer := range g.layers {
		for _, n := range layer {
			b[0], b[1] = min(b[0], at[n]-g.extent(n)/2), max(b[1], at[n]+g.extent(n)/2)
		}
	}
	return b
}

// crossed are the parts of edges that cross one of more weight, which is the one to be straight.
func (g *graph) crossed() map[[2]*node]bool {
	crossed := map[[2]*node]bool{}
	for _, layer := range g.layers {
		var parts [][2]*node
		for _, a := range layer {
			for _, b := range g.dn[a] {
				parts = append(parts, [2]*node{a, b})
			}
		}
		for i, p := range parts {
			for _, q := range parts[:i] {
				if (p[0].rank-q[0].rank)*(p[1].rank-q[1].rank) >= 0 {
					continue
				}
				if wp, wq := g.weight[p], g.weight[q]; wp < wq {
					crossed[p] = true
				} else if wq < wp {
					crossed[q] = true
				}
			}
		}
	}
	return crossed
}

// align makes each node stand behind the middle one of its heaviest neighbours in the layer before, if nothing that was aligned
// earlier is crossed. It returns the first node of each one's block.
func (g *graph) align(layers [][]*node, fromBelow bool, crossed map[[2]*node]bool) (root map[*node]*node) {
	root = map[*node]*node{}
	pos, taken := map[*node]int{}, map[*node]bool{}
	for _, layer := range layers {
		for i, n := range layer {
			root[n], pos[n] = n, i
		}
	}
	before := g.up
	if fromBelow {
		before = g.dn
	}
	for i := range layers {
		l := i
		if fromBelow {
			l = len(layers) - 1 - i
		}
		last := -1
		for _, n := range layers[l] {
			near := g.heaviest(n, before[n])
			slices.SortFunc(near, func(a, b *node) int { return pos[a] - pos[b] })
			if len(near) == 0 {
				continue
			}
			for _, m := range []int{(len(near) - 1) / 2, len(near) / 2} {
				to := near[m]
				part := [2]*node{to, n}
				if fromBelow {
					part = [2]*node{n, to}
				}
				if crossed[part] || taken[to] || pos[to] <= last {
					continue
				}
				root[n], taken[to], last = root[to], true, pos[to]
				break
			}
		}
	}
	return root
}

func (g *graph) heaviest(n *node, near []*node) (most []*node) {
	top := 0.0
	for _, m := range near {
		top = max(top, g.weight[[2]*node{n, m}])
	}
	for _, m := range near {
		if g.weight[[2]*node{n, m}] == top && !slices.Contains(most, m) {
			most = append(most, m)
		}
	}
	return most
}

// compact pushes the blocks together, first as far to the left as they go, then those that can back to what is to the right of them.
func (g *graph) compact(layers [][]*node, root map[*node]*node) map[*node]float64 {
	type link struct {
		to  *node
		gap float64
	}
	left, right := map[*node][]link{}, map[*node][]link{}
	var roots []*node
	for _, layer := range layers {
		for i, n := range layer {
			if root[n] == n {
				roots = append(roots, n)
			}
			if i > 0 {
				a, b, gap := root[layer[i-1]], root[n], g.gap(layer[i-1], n)
				left[b], right[a] = append(left[b], link{a, gap}), append(right[a], link{b, gap})
			}
		}
	}
	at := map[*node]float64{}
	var sorted []*node
	state := map[*node]bool{}
	var visit func(n *node)
	visit = func(n *node) {
		if state[n] {
			return
		}
		state[n] = true
		for _, l := range left[n] {
			visit(l.to)
			at[n] = max(at[n], at[l.to]+l.gap)
		}
		sorted = append(sorted, n)
	}
	for _, n := range roots {
		visit(n)
	}
	for i := len(sorted) - 1; i >= 0; i-- {
		n := sorted[i]
		room := math.Inf(1)
		for _, l := range right[n] {
			room = min(room, at[l.to]-l.gap)
		}
		if !math.IsInf(room, 1) {
			at[n] = max(at[n], room)
		}
	}
	for _, layer := range layers {
		for _, n := range layer {
			at[n] = at[root[n]]
		}
	}
	return at
}
