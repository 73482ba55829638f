package dynamodb_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/dynamodb"
)

// sequences are the last three digits that count of each record's sequence number.
func sequences(records []dynamodb.StreamRecord) (all []string) {
	for _, r := range records {
		all = append(all, r.SequenceNumber[14:19])
	}
	return all
}

func TestStreamKeepsRecords(t *testing.T) {
	w := newWorld(t)
	table := w.s.Table("orders")
	put := func(n int) {
		w.ok("PutItem", fmt.Sprintf(`{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"%d"}}}`, n))
	}
	for n := range 4 {
		put(n)
	}
	all := table.StreamRecords("", 0)
	if d := cmp.Diff([]string{"00001", "00002", "00003", "00004"}, sequences(all)); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff([]string{"00003"}, sequences(table.StreamRecords(all[1].SequenceNumber, 1))); d != "" {
		t.Error(d)
	}
	w.k.Advance(dynamodb.StreamRetention)
	put(4)
	w.k.Advance(time.Second)
	if d := cmp.Diff([]string{"00005"}, sequences(table.StreamRecords("", 0))); d != "" {
		t.Errorf("after a day and a second: %s", d)
	}
}

// TestStreamIsBounded: what is read by all goes when there is too much of it, what is not read stays.
func TestStreamIsBounded(t *testing.T) {
	w := newWorld(t)
	table := w.s.Table("orders")
	slow, fast := table.NewStreamReader(), table.NewStreamReader()
	version := 0
	put := func(n int) {
		for range n {
			version++
			w.ok("PutItem", fmt.Sprintf(`{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"x"},"n":{"N":"%d"}}}`, version))
		}
	}
	put(12_000)
	all := table.StreamRecords("", 0)
	fast.Read(all[len(all)-1].SequenceNumber)
	put(1)
	if n := len(table.StreamRecords("", 0)); n != 12_001 {
		t.Errorf("%d records, want 12,001: one reader has read nothing", n)
	}
	slow.Read(all[1999].SequenceNumber)
	put(1)
	if got := table.StreamRecords("", 0); len(got) != 10_002 || got[0].SequenceNumber != all[2000].SequenceNumber {
		t.Errorf("%d records from %s, want 10,002 from %s", len(got), got[0].SequenceNumber, all[2000].SequenceNumber)
	}
	slow.Read(all[11_999].SequenceNumber)
	put(1)
	if n := len(table.StreamRecords("", 0)); n != 10_000 {
		t.Errorf("%d records, want 10,000", n)
	}
	for range 3 {
		put(10_000)
		all = table.StreamRecords("", 0)
		slow.Read(all[len(all)-1].SequenceNumber)
		fast.Read(all[len(all)-1].SequenceNumber)
		put(1)
		if n := len(table.StreamRecords("", 0)); n != 10_000 {
			t.Errorf("%d records, want 10,000", n)
		}
	}
}
