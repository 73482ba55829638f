package durable_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

type buckets = map[string]map[string][]byte

func open(t testing.TB, folder string) *durable.Store {
	t.Helper()
	s, err := durable.Open(folder, "app")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func load(t *testing.T, s *durable.Store) buckets {
	t.Helper()
	all, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRecordsAreThereInTheNextRun(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "made", "on", "demand")
	s := open(t, folder)
	if got := load(t, s); len(got) != 0 {
		t.Errorf("a new store holds %v", got)
	}
	for _, changes := range []buckets{
		{"sqs": {"a": []byte("1"), "b": []byte("2")}, "dynamodb": {"x": []byte("9")}},
		{"sqs": {"a": nil, "b": []byte("3"), "never": nil}},
	} {
		if err := s.Update(changes); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, folder)
	if diff := cmp.Diff(buckets{"sqs": {"b": []byte("3")}, "dynamodb": {"x": []byte("9")}}, load(t, s)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := s.Replace(buckets{"states": {"e": []byte("{}")}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(buckets{"states": {"e": []byte("{}")}}, load(t, s)); diff != "" {
		t.Errorf("after Replace (-want +got)\n%s", diff)
	}
}

// TestAKeyThatCannotBeWrittenLeavesAllAsItWas: an update is made as a whole or not at all.
func TestAKeyThatCannotBeWrittenLeavesAllAsItWas(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Update(buckets{"sqs": {"a": []byte("1")}}); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("k", bbolt.MaxKeySize+1)
	if err := s.Update(buckets{"sqs": {"a": []byte("2"), long: []byte("2")}}); err == nil || !strings.Contains(err.Error(), "sqs") {
		t.Errorf("a key that is too long: %v", err)
	}
	if diff := cmp.Diff(buckets{"sqs": {"a": []byte("1")}}, load(t, s)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	folder := t.TempDir()
	open(t, folder)
	_, err := durable.Open(folder, "app")
	if err == nil || !strings.Contains(err.Error(), "app.db is in use by another process") {
		t.Errorf("opened twice: %v", err)
	}
}

func TestWhatIsNoStoreIsRefused(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "app.db"), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := durable.Open(folder, "app"); err == nil || !strings.Contains(err.Error(), "app.db") {
		t.Errorf("a file of something else: %v", err)
	}

	db, err := bbolt.Open(filepath.Join(folder, "newer.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("orderflow"))
		if err != nil {
			return err
		}
		return b.Put([]byte("format"), []byte("99"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	const want = "was written by another version of orderflow (format 99, this one has 1)"
	if _, err := durable.Open(folder, "newer"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a store of another format: %v, want %s", err, want)
	}
}
