// Package durabletest is what the tests of durable engines have in common.
package durabletest

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

// Keeper keeps the records of an engine as a store does: from what the engine tells of changes.
type Keeper struct {
	t       testing.TB
	engine  durable.Engine
	records map[string][]byte
	changed map[string]bool
}

// Keep begins with all records that the engine has, and watches it from then on.
func Keep(t testing.TB, e durable.Engine) *Keeper {
	k := &Keeper{t: t, engine: e, records: Records(t, e), changed: map[string]bool{}}
	e.Watch(func(key string) { k.changed[key] = true })
	return k
}

// Commit reads what has changed since the last one.
func (k *Keeper) Commit() {
	for key := range k.changed {
		if r, ok := k.engine.Record(key); ok {
			k.records[key] = r
		} else {
			delete(k.records, key)
		}
	}
	clear(k.changed)
}

// Verify commits and holds what is kept against all records that there are: the test fails
// if the engine did not tell of a change.
func (k *Keeper) Verify() {
	k.t.Helper()
	k.Commit()
	if d := Diff(Records(k.t, k.engine), k.records); d != "" {
		k.t.Fatalf("what Watch told makes other records (+) than there are (-): %s", d)
	}
}

// Records is what the last commit left.
func (k *Keeper) Records() map[string][]byte { return maps.Clone(k.records) }

// Records are all records of an engine.
func Records(t testing.TB, e durable.Engine) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	keys := e.Keys()
	if !slices.IsSorted(keys) {
		t.Fatalf("the keys are not sorted: %q", keys)
	}
	for _, key := range keys {
		r, ok := e.Record(key)
		if !ok {
			t.Fatalf("there is no record for the key %q", key)
		}
		all[key] = r
	}
	if len(all) != len(keys) {
		t.Fatalf("a key is there twice: %q", keys)
	}
	return all
}

// Diff is how records differ, as texts: b from a.
func Diff(a, b map[string][]byte) string { return cmp.Diff(texts(a), texts(b)) }

func texts(records map[string][]byte) map[string]string {
	out := make(map[string]string, len(records))
	for k, v := range records {
		out[k] = string(v)
	}
	return out
}

// Damaged is a record with one byte changed, cut off, or with a part missing.
func Damaged(r *rand.Rand, record []byte) []byte {
	b := slices.Clone(record)
	if len(b) == 0 {
		return b
	}
	i := r.IntN(len(b))
	switch r.IntN(3) {
	case 0:
		b[i] = byte(r.IntN(256))
		return b
	case 1:
		return b[:i]
	}
	return slices.Delete(b, i, i+r.IntN(len(b)-i))
}
