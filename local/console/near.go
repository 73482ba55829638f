package console

import (
	"cmp"
	"math"
	"slices"
)

// near places nodes near their neighbours, as far as those of their own layer let them. It is narrower than
// straight, and has bends where that has room.
func (g *graph) near() {
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
	for range 3 {
		g.straighten()
	}
}

// straighten takes bends out of ways through the drawing as far as the neighbours of their nodes leave room for it: the
// heaviest and longest ways first.
func (g *graph) straighten() {
	ways := g.ways()
	worth := func(way []*node) float64 {
		sum := 0.0
		for i, n := range way[1:] {
			sum += g.weight[[2]*node{way[i], n}]
		}
		return sum
	}
	slices.SortStableFunc(ways, func(a, b []*node) int { return cmp.Compare(worth(b), worth(a)) })
	for _, way := range ways {
		for len(way) > 0 {
			low, high, sum, n := math.Inf(-1), math.Inf(1), 0.0, 0
			for ; n < len(way); n++ {
				l, h := g.room(way[n])
				if max(l, low) > min(h, high) {
					break
				}
				low, high = max(l, low), min(h, high)
				sum += way[n].at
			}
			at := min(max(sum/float64(n), low), high)
			for _, m := range way[:n] {
				m.at = at
			}
			way = way[n:]
		}
	}
}

// ways are the longest ways from layer to layer on which every node is the heaviest neighbour of the one before and after it.
func (g *graph) ways() (ways [][]*node) {
	seen := map[*node]bool{}
	for _, layer := range g.layers {
		for _, n := range layer {
			var way []*node
			for n != nil && !seen[n] {
				seen[n] = true
				way = append(way, n)
				n = g.after(n)
			}
			if len(way) > 1 {
				ways = append(ways, way)
			}
		}
	}
	return ways
}

// after is the one neighbour in the next layer to which a node's way leads on, or nil.
func (g *graph) after(n *node) *node {
	next := g.heaviest(n, g.dn[n])
	if len(next) == 0 {
		return nil
	}
	m := next[(len(next)-1)/2]
	if before := g.heaviest(m, g.up[m]); before[(len(before)-1)/2] != n {
		return nil
	}
	return m
}

// room is how far a node may be moved between its neighbours in the layer.
func (g *graph) room(n *node) (low, high float64) {
	layer := g.layers[n.layer]
	low, high = math.Inf(-1), math.Inf(1)
	if n.rank > 0 {
		low = layer[n.rank-1].at + g.gap(layer[n.rank-1], n)
	}
	if n.rank < len(layer)-1 {
		high = layer[n.rank+1].at - g.gap(n, layer[n.rank+1])
	}
	return min(low, n.at), max(high, n.at) // where it is there is room, but for rounding
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
