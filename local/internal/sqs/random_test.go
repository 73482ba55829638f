package sqs_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

// TestRandomOperations drives queues at random and holds them to what must
// always be true: nothing is lost or invented, nobody gets a message that
// another holds, a FIFO group is with one receiver at a time and in order.
func TestRandomOperations(t *testing.T) {
	for _, name := range []string{"q", "q.fifo"} {
		for seed := range uint64(40) {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) { randomRun(t, name, seed) })
		}
	}
}

// held is a message with a receiver.
type held struct {
	d     sqs.Delivery
	until time.Time
}

func randomRun(t *testing.T, name string, seed uint64) {
	suffix := name[1:]
	f := newFixture(t, name, sqs.QueueProperties{
		ContentBasedDeduplication: suffix != "", VisibilityTimeout: num(20),
		RedrivePolicy: &sqs.RedrivePolicy{DeadLetterTargetArn: "arn:aws:sqs:eu-central-1:111122223333:dlq" + suffix, MaxReceiveCount: 4},
	})
	dlq := f.create("dlq"+suffix, sqs.QueueProperties{})
	r := rand.New(rand.NewPCG(seed, 7))
	var holding []held
	sent, deleted := 0, 0
	current := func() []held {
		var out []held
		for _, h := range holding {
			if h.until.After(f.k.Now()) {
				out = append(out, h)
			}
		}
		return out
	}
	for range 600 {
		holding = current()
		switch n := r.IntN(10); {
		case n < 4:
			in := m{"MessageBody": fmt.Sprint(sent), "MessageGroupId": fmt.Sprint("g", r.IntN(4))}
			if suffix == "" && r.IntN(3) == 0 {
				in["DelaySeconds"] = r.IntN(30)
			}
			f.call("SendMessage", in)
			sent++
		case n < 7:
			visibility := time.Duration(1+r.IntN(30)) * time.Second
			got, err := f.q.Receive(sqs.Request{Max: 1 + r.IntN(5), VisibilityTimeout: visibility})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range got {
				for _, h := range holding {
					if h.d.ID == d.ID {
						t.Fatalf("%s is with two receivers", d.Body)
					}
					if suffix != "" && h.d.GroupID == d.GroupID {
						t.Fatalf("group %s is with two receivers", d.GroupID)
					}
				}
			}
			before := map[string]int{}
			for _, d := range got {
				body, err := strconv.Atoi(d.Body)
				if err != nil {
					t.Fatal(err)
				}
				if b, ok := before[d.GroupID]; suffix != "" && ok && b > body {
					t.Fatalf("%d before %d", b, body)
				}
				before[d.GroupID] = body
				holding = append(holding, held{d, f.k.Now().Add(visibility)})
			}
		case n < 8 && len(holding) > 0:
			i := r.IntN(len(holding))
			d := holding[i].d
			if err := f.q.Delete(d.ReceiptHandle); err != nil {
				t.Fatal(err)
			}
			holding = append(holding[:i], holding[i+1:]...)
			deleted++
		case n < 9 && len(holding) > 0:
			i := r.IntN(len(holding))
			visibility := time.Duration(r.IntN(40)) * time.Second
			if err := f.q.ChangeVisibility(holding[i].d.ReceiptHandle, visibility); err != nil {
				t.Fatal(err)
			}
			holding[i].until = f.k.Now().Add(visibility)
		default:
			f.k.Advance(time.Duration(r.IntN(8000)) * time.Millisecond)
		}
		ready, delayed, flight := f.q.Len()
		dead, _, _ := dlq.Len()
		if ready+delayed+flight+dead+deleted != sent {
			t.Fatalf("%d ready, %d delayed, %d in flight, %d dead, %d deleted, but %d sent", ready, delayed, flight, dead, deleted, sent)
		}
		if n := len(current()); n != flight {
			t.Fatalf("%d in flight, but %d are held", flight, n)
		}
		f.wantIdle()
	}
	// Everything comes out in the end, to somebody who waits.
	for {
		ready, delayed, flight := f.q.Len()
		if ready+delayed+flight == 0 {
			break
		}
		woken := false
		cancel, err := f.q.Poll(sqs.Request{Max: 10, VisibilityTimeout: time.Second}, func(got []sqs.Delivery) {
			woken = true
			for i := range got {
				if err := f.q.Delete(got[i].ReceiptHandle); err != nil {
					t.Fatal(err)
				}
				deleted++
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for !woken && f.k.Step() {
		}
		cancel()
		if ready, delayed, flight := f.q.Len(); !woken && ready+delayed+flight > 0 {
			t.Fatalf("%d ready, %d delayed, %d in flight, and nobody wakes the receiver", ready, delayed, flight)
		}
	}
	if dead, _, _ := dlq.Len(); dead+deleted != sent {
		t.Fatalf("%d dead, %d deleted, %d sent", dead, deleted, sent)
	}
	f.wantIdle()
}
