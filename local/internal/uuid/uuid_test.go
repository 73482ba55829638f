package uuid_test

import (
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/uuid"
)

func TestFormat(t *testing.T) {
	b := [16]byte{0, 1, 2, 3, 4, 5, 0xf6, 7, 0xf8, 9, 10, 11, 12, 13, 14, 15}
	if got, want := uuid.Format(b), "00010203-0405-4607-b809-0a0b0c0d0e0f"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheSameSeedGivesTheSameIDs(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	a, b := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	for range 1000 {
		id := uuid.New(a)
		if !form.MatchString(id) || seen[id] || id != uuid.New(b) {
			t.Fatalf("%s: not a UUID, seen before or not repeated", id)
		}
		seen[id] = true
	}
}
