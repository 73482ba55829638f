package client_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/event"
)

func sequences(events []event.Event) []int64 {
	var all []int64
	for _, e := range events {
		all = append(all, e.Sequence)
	}
	return all
}

func TestSequencer(t *testing.T) {
	var s client.Sequencer
	for _, c := range []struct {
		add      int64
		ready    []int64
		from, to int64
	}{
		{2, nil, 1, 1},
		{2, nil, 1, 1},
		{5, nil, 1, 1},
		{1, []int64{1, 2}, 3, 4},
		{1, nil, 3, 4},
		{3, []int64{3}, 4, 4},
		{4, []int64{4, 5}, 0, 0},
		{0, nil, 0, 0},
		{-1, nil, 0, 0},
	} {
		got := sequences(s.Add(event.Event{Sequence: c.add}))
		if diff := cmp.Diff(c.ready, got); diff != "" {
			t.Errorf("after %d (-want +got)\n%s", c.add, diff)
		}
		from, to, ok := s.Gap()
		if ok != (c.to != 0) || ok && (from != c.from || to != c.to) {
			t.Errorf("after %d: gap %d to %d, %v; want %d to %d", c.add, from, to, ok, c.from, c.to)
		}
	}
	if s.Last() != 5 {
		t.Errorf("last %d", s.Last())
	}
	if got := sequences(client.NewSequencer(7).Add(event.Event{Sequence: 8})); len(got) != 1 {
		t.Errorf("after 7: %v", got)
	}
}

// TestSequencerWithAnyOrderAndRepetitions: whatever comes in which order, each is told once, in order.
func TestSequencerWithAnyOrderAndRepetitions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var in []int64
		for n := range int64(8) {
			for range 1 + r.IntN(3) {
				in = append(in, n+1)
			}
		}
		r.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
		var s client.Sequencer
		var out []int64
		for _, n := range in {
			out = append(out, sequences(s.Add(event.Event{Sequence: n}))...)
		}
		if diff := cmp.Diff([]int64{1, 2, 3, 4, 5, 6, 7, 8}, out); diff != "" {
			t.Fatalf("%v (-want +got)\n%s", in, diff)
		}
	}
}
