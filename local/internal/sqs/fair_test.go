package sqs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

func TestNoisyNeighbourDoesNotDelayQuietTenants(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{VisibilityTimeout: num(600)})
	for i := range 200 {
		f.send(fmt.Sprint("noisy", i), "MessageGroupId", "noisy")
	}
	f.send("quiet0", "MessageGroupId", "quiet")
	f.send("no group")
	// Not noisy before 30 of its messages are in flight: order of arrival.
	for range 3 {
		for _, b := range f.bodies(m{}) {
			if b[:5] != "noisy" {
				t.Errorf("%s overtook", b)
			}
		}
	}
	// Now it has 30 of 30: those of the others go first, and of later ones too.
	f.wantBodies(m{"MaxNumberOfMessages": 3}, "quiet0", "no group", "noisy30")
	f.send("quiet1", "MessageGroupId", "quiet")
	f.wantBodies(m{"MaxNumberOfMessages": 2}, "quiet1", "noisy31")
}

func TestAmongNoisyTenantsTheOneWithFewestInFlightGoesFirst(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{VisibilityTimeout: num(600)})
	for _, tenant := range []string{"a", "b"} {
		for i := range 60 {
			f.send(fmt.Sprint(tenant, i), "MessageGroupId", tenant)
		}
	}
	count := map[string]int{}
	for range 8 {
		for _, b := range f.bodies(m{}) {
			count[b[:1]]++
		}
	}
	// a is taken up to 30, then b (quiet) up to 30, then they take turns.
	if diff := cmp.Diff(map[string]int{"a": 40, "b": 40}, count); diff != "" {
		t.Error(diff)
	}
}

func TestNoisyByProcessingTime(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{VisibilityTimeout: num(600)})
	f.send("slow0", "MessageGroupId", "slow")
	slow := f.receive(m{})
	f.k.Advance(40 * time.Second)
	f.call("DeleteMessage", m{"ReceiptHandle": slow[0]["ReceiptHandle"]})
	f.send("slow1", "MessageGroupId", "slow")
	f.send("slow2", "MessageGroupId", "slow")
	f.send("quick", "MessageGroupId", "quick")
	// A tenant without backlog is quiet; one is known by what it has just done
	// as long as anything of it is left.
	got := f.receive(m{"MaxNumberOfMessages": 1})
	if diff := cmp.Diff([]string{"slow1"}, bodies(got)); diff != "" {
		t.Error(diff)
	}
	f.k.Advance(40 * time.Second)
	f.call("DeleteMessage", m{"ReceiptHandle": got[0]["ReceiptHandle"]})
	f.send("slow3", "MessageGroupId", "slow")
	f.wantBodies(m{}, "quick", "slow2", "slow3")
}

func TestTenantIsQuietAgainAfterFiveSilentMinutes(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{VisibilityTimeout: num(3600)})
	for i := range 50 {
		f.send(fmt.Sprint("noisy", i), "MessageGroupId", "noisy")
	}
	for range 3 {
		f.receive(m{})
	}
	f.k.Advance(4 * time.Minute)
	f.send("quiet0", "MessageGroupId", "quiet")
	f.wantBodies(m{"MaxNumberOfMessages": 1}, "quiet0")
	f.k.Advance(time.Minute)
	f.send("quiet1", "MessageGroupId", "quiet")
	f.wantBodies(m{"MaxNumberOfMessages": 1}, "noisy30")
}
