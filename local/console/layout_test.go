package console

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

func box(id string) *node { return &node{ID: id, Label: id, W: 100, H: 40} }

func overlap(a, b *node) bool {
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}

// In whatever graph: boxes lie apart and within the picture, every line leads from one box to another, and edges lead
// on to a later layer unless they close a circle.
func TestLayoutOfRandomGraphs(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		make := func() ([]*node, []*edge) {
			r := rand.New(rand.NewPCG(seed, 2))
			var nodes []*node
			for i := range 1 + r.IntN(20) {
				n := box(fmt.Sprint(i))
				n.W, n.H = 40+float64(r.IntN(120)), 20+float64(r.IntN(60))
				nodes = append(nodes, n)
			}
			var edges []*edge
			for range r.IntN(2 * len(nodes)) {
				edges = append(edges, &edge{From: nodes[r.IntN(len(nodes))].ID, To: nodes[r.IntN(len(nodes))].ID, weak: r.IntN(5) == 0, loose: r.IntN(9) == 0})
			}
			return nodes, edges
		}
		down := r.IntN(2) == 0
		nodes, edges := make()
		d := layout(nodes, edges, down, spacing{layer: 40, node: 20, margin: 10})
		for i, a := range d.Nodes {
			if a.X < 0 || a.Y < 0 || a.X+a.W > d.W || a.Y+a.H > d.H {
				t.Fatalf("seed %d: %+v lies outside %v × %v", seed, a, d.W, d.H)
			}
			for _, b := range d.Nodes[:i] {
				if overlap(a, b) {
					t.Fatalf("seed %d: %+v and %+v overlap", seed, a, b)
				}
			}
		}
		for _, e := range d.Edges {
			if len(e.Points) < 2 {
				t.Fatalf("seed %d: %s>%s has no line", seed, e.From, e.To)
			}
		}
		nodes, edges = make()
		if again := layout(nodes, edges, down, spacing{layer: 40, node: 20, margin: 10}); !reflect.DeepEqual(coordinates(d), coordinates(again)) {
			t.Fatalf("seed %d: the same graph is drawn otherwise", seed)
		}
	}
}

func coordinates(d *drawing) (all []any) {
	for _, n := range d.Nodes {
		all = append(all, n.ID, n.X, n.Y)
	}
	for _, e := range d.Edges {
		all = append(all, e.Points)
	}
	return all
}

func TestEdgesLeadToTheRight(t *testing.T) {
	nodes := []*node{box("a"), box("b"), box("c"), box("d")}
	edges := []*edge{{From: "a", To: "b"}, {From: "b", To: "c"}, {From: "a", To: "c"}, {From: "c", To: "a"}, {From: "c", To: "d"}, {From: "d", To: "a", loose: true}}
	layout(nodes, edges, false, spacing{40, 20, 10})
	for i := range nodes[1:] {
		if nodes[i].X+nodes[i].W >= nodes[i+1].X {
			t.Errorf("%s at %v is not to the left of %s at %v", nodes[i].ID, nodes[i].X, nodes[i+1].ID, nodes[i+1].X)
		}
	}
	back := edges[3]
	if first, last := back.Points[0], back.Points[len(back.Points)-1]; first[0] <= last[0] {
		t.Errorf("the edge that closes the circle leads from %v to %v", first, last)
	}
}

// Two edges that can be drawn without crossing are.
func TestCrossingsAreAvoided(t *testing.T) {
	nodes := []*node{box("a"), box("b"), box("x"), box("y")}
	layout(nodes, []*edge{{From: "a", To: "y"}, {From: "b", To: "x"}}, false, spacing{40, 20, 10})
	if (nodes[0].Y < nodes[1].Y) != (nodes[3].Y < nodes[2].Y) {
		t.Errorf("a %v, b %v, x %v, y %v", nodes[0].Y, nodes[1].Y, nodes[2].Y, nodes[3].Y)
	}
}

const nested = `{"StartAt":"Both","States":{
 "Both":{"Type":"Parallel","Next":"Each","Branches":[
   {"StartAt":"Left","States":{"Left":{"Type":"Pass","Next":"Left again"},"Left again":{"Type":"Wait","Seconds":1,"End":true}}},
   {"StartAt":"Right","States":{"Right":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","End":true}}}],
   "Catch":[{"ErrorEquals":["States.ALL"],"Next":"Failed"}]},
 "Each":{"Type":"Map","ItemsPath":"$.items","ItemProcessor":{"StartAt":"One","States":{"One":{"Type":"Task","Resource":"arn:aws:lambda:eu-central-1:123456789012:function:one","End":true}}},"Next":"Enough?"},
 "Enough?":{"Type":"Choice","Choices":[{"Variable":"$.n","NumericLessThan":3,"Next":"Both"}],"Default":"Done"},
 "Done":{"Type":"Succeed"},"Failed":{"Type":"Fail"}}}`

// Parallel and Map hold their states; what is in one branch is not in another.
func TestAMachineIsDrawnWithItsBranchesWithin(t *testing.T) {
	d, err := drawMachine([]byte(nested))
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]*node{}
	for _, n := range d.Nodes {
		by[n.ID] = n
	}
	within := func(in, out string) bool {
		a, b := by[in], by[out]
		return a.X >= b.X && a.Y >= b.Y && a.X+a.W <= b.X+b.W && a.Y+a.H <= b.Y+b.H
	}
	for _, w := range [][2]string{{"Left", "Both"}, {"Left again", "Both"}, {"Right", "Both"}, {"One", "Each"}} {
		if !within(w[0], w[1]) {
			t.Errorf("%s %+v is not within %s %+v", w[0], by[w[0]], w[1], by[w[1]])
		}
	}
	if within("Done", "Both") || within("Left", "Each") || overlap(by["Left"], by["Right"]) || overlap(by["Both"], by["Each"]) {
		t.Error("states lie in each other that do not belong there")
	}
	if sub := by["Right"].Sub; sub != "sqs:sendMessage.waitForTaskToken" {
		t.Errorf("Right does %q", sub)
	}
	if sub := by["One"].Sub; sub != "one" {
		t.Errorf("One does %q", sub)
	}
	kinds := map[string]string{}
	for _, e := range d.Edges {
		kinds[e.From+">"+e.To] = e.Kind + " " + e.Label
	}
	for edge, want := range map[string]string{
		"Both>Each": "next ", "Both>Failed": "catch States.ALL", "Enough?>Both": `choice {"NumericLessThan":3,"Variable":"$.n"}`, "Enough?>Done": "default default", "Left>Left again": "next ",
	} {
		if kinds[edge] != want {
			t.Errorf("%s is %q, want %q", edge, kinds[edge], want)
		}
	}
	if by["Each"].Y <= by["Both"].Y || by["Done"].Y <= by["Enough?"].Y {
		t.Error("what comes later is not below")
	}
}

func TestWhatIsNoMachineIsAnError(t *testing.T) {
	if _, err := drawMachine([]byte(`[]`)); err == nil {
		t.Error("a list was drawn")
	}
	if d, err := drawMachine([]byte(`{}`)); err != nil || len(d.Nodes) != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}
