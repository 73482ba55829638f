package sqs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

func fifo(t *testing.T) *fixture {
	return newFixture(t, "q.fifo", sqs.QueueProperties{ContentBasedDeduplication: true, VisibilityTimeout: num(30)})
}

// sendAll sends bodies of the form "group-anything".
func (f *fixture) sendAll(bodies ...string) {
	f.Helper()
	for _, b := range bodies {
		group, _, _ := strings.Cut(b, "-")
		f.send(b, "MessageGroupId", group)
	}
}

// The orders in these tests are those that the real service gave in a public
// suite of tests recorded against it.
func TestFifoGroups(t *testing.T) {
	t.Run("a group's messages come together", func(t *testing.T) {
		f := fifo(t)
		f.sendAll("g1-m1", "g2-m1", "g1-m2", "g2-m2", "g1-m3", "g3-m1")
		f.wantBodies(m{"MaxNumberOfMessages": 2}, "g1-m1", "g1-m2")
		f.wantBodies(m{}, "g2-m1", "g2-m2", "g3-m1")
	})
	t.Run("a group stays blocked while one of its messages is in flight", func(t *testing.T) {
		f := fifo(t)
		f.sendAll("g1-m1", "g2-m1", "g1-m2", "g1-m3")
		got := f.receive(m{"MaxNumberOfMessages": 2})
		f.call("DeleteMessage", m{"ReceiptHandle": got[0]["ReceiptHandle"]})
		f.wantBodies(m{}, "g2-m1")
		f.call("DeleteMessage", m{"ReceiptHandle": got[1]["ReceiptHandle"]})
		f.wantBodies(m{}, "g1-m3")
	})
	t.Run("what comes back keeps its place in the group", func(t *testing.T) {
		f := fifo(t)
		f.sendAll("g1-m1", "g1-m2", "g1-m3", "g1-m4", "g2-m1", "g3-m1")
		f.wantBodies(m{"MaxNumberOfMessages": 2}, "g1-m1", "g1-m2")
		f.wantBodies(m{"MaxNumberOfMessages": 1}, "g2-m1")
		f.k.Advance(31 * time.Second)
		f.wantBodies(m{}, "g3-m1", "g1-m1", "g1-m2", "g1-m3", "g1-m4", "g2-m1")
	})
	t.Run("visibility timeout zero", func(t *testing.T) {
		f := fifo(t)
		f.sendAll("g1-m1", "g2-m1", "g2-m2", "g3-m1", "g1-m2")
		f.wantBodies(m{"MaxNumberOfMessages": 3, "VisibilityTimeout": 0}, "g1-m1", "g1-m2", "g2-m1")
		f.wantBodies(m{"VisibilityTimeout": 0}, "g3-m1", "g1-m1", "g1-m2", "g2-m1", "g2-m2")
	})
	t.Run("a long poll wakes when the group is free", func(t *testing.T) {
		f := fifo(t)
		f.sendAll("g1-m1", "g1-m2")
		got := f.receive(m{"MaxNumberOfMessages": 1})
		f.k.After(5*time.Second, func() {
			if err := f.q.Delete(got[0]["ReceiptHandle"].(string)); err != nil {
				t.Error(err)
			}
		})
		f.wantBodies(m{"WaitTimeSeconds": 20}, "g1-m2")
		if d := f.k.Now().Sub(start); d != 5*time.Second {
			t.Errorf("answered after %v", d)
		}
	})
}

func TestFifoHandleExpires(t *testing.T) {
	f := fifo(t)
	f.sendAll("g-1")
	handle := f.receive(m{})[0]["ReceiptHandle"]
	f.k.Advance(30 * time.Second)
	for action, in := range map[string]m{"DeleteMessage": {}, "ChangeMessageVisibility": {"VisibilityTimeout": 1}} {
		in["ReceiptHandle"] = handle
		_, err := f.try(action, in)
		wantError(t, err, "InvalidParameterValueException", fmt.Sprintf("Value %s for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.", handle))
	}
}

func TestFifoDeduplication(t *testing.T) {
	t.Run("by content, across groups, for five minutes", func(t *testing.T) {
		f := fifo(t)
		first := f.send("same", "MessageGroupId", "a")
		second := f.send("same", "MessageGroupId", "b")
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("the repeat was answered otherwise: %s", diff)
		}
		got := f.receive(m{})
		f.call("DeleteMessage", m{"ReceiptHandle": got[0]["ReceiptHandle"]})
		f.k.Advance(5*time.Minute - 1)
		f.send("same", "MessageGroupId", "a")
		f.wantBodies(m{})
		f.k.Advance(1)
		f.send("same", "MessageGroupId", "a")
		f.wantBodies(m{}, "same")
	})
	t.Run("by id, in the group", func(t *testing.T) {
		f := newFixture(t, "q.fifo", sqs.QueueProperties{DeduplicationScope: "messageGroup", FifoThroughputLimit: "perMessageGroupId"})
		f.send("1", "MessageGroupId", "a", "MessageDeduplicationId", "d")
		f.send("2", "MessageGroupId", "b", "MessageDeduplicationId", "d")
		f.send("3", "MessageGroupId", "a", "MessageDeduplicationId", "d")
		f.wantBodies(m{}, "1", "2")
	})
	t.Run("forgotten by a purge", func(t *testing.T) {
		f := fifo(t)
		f.sendAll("g-1")
		f.call("PurgeQueue", m{})
		f.sendAll("g-1")
		f.wantBodies(m{}, "g-1")
	})
}

func TestFifoSequenceNumbersGrow(t *testing.T) {
	f := fifo(t)
	last := ""
	for i := range 20 {
		n := f.send(fmt.Sprint(i), "MessageGroupId", "g")["SequenceNumber"].(string)
		if len(n) != 20 || n <= last {
			t.Fatalf("%s after %s", n, last)
		}
		last = n
	}
}
