package console

import (
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// In the drawing of the app no line runs behind the box of something that it has nothing to do with, and long lines are straight.
func TestLinesOfTheAppRunBetweenBoxes(t *testing.T) {
	for _, environment := range []string{"dev", "staging", "prod"} {
		stack, err := localapp.New(environment, local.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer stack.Close()
		b := newBlueprint(stack)
		d := b.draw(nil)
		if len(d.Nodes) < 20 || len(d.Edges) < 25 {
			t.Fatalf("%s: %d boxes and %d lines", environment, len(d.Nodes), len(d.Edges))
		}
		straight := 0
		for _, e := range d.Edges {
			for _, n := range d.Nodes {
				if n.ID == e.From || n.ID == e.To {
					continue
				}
				for _, p := range curve(e.Points) {
					if p[0] > n.X && p[0] < n.X+n.W && p[1] > n.Y && p[1] < n.Y+n.H {
						t.Errorf("%s: %s → %s runs behind %s at %v", environment, b.label(e.From), b.label(e.To), n.Label, p)
						break
					}
				}
			}
			at := map[float64]int{}
			for _, p := range e.Points[1 : len(e.Points)-1] {
				at[p[1]]++
			}
			for _, n := range at {
				if n >= 4 { // two layers at least, through which it runs at the same height
					straight++
				}
			}
		}
		if straight < 3 {
			t.Errorf("%s: only %d long lines are straight", environment, straight)
		}
	}
}

func (b *blueprint) label(id string) string {
	if r := b.byID[id]; r != nil {
		return r.Label
	}
	return id
}
