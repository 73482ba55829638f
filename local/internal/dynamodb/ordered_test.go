package dynamodb

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestOrderedAgainstASlice does thousands of random changes to an ordered list
// and to a plain sorted slice.
func TestOrderedAgainstASlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var o ordered
	var model []*record
	for range 20_000 {
		r := &record{pk: fmt.Sprint(rng.IntN(40)), sk: fmt.Sprint(rng.IntN(100)), tie: fmt.Sprint(rng.IntN(2))}
		r.hash = hashKey(r.pk)
		i, found := slices.BinarySearchFunc(model, r, compareRecords)
		switch {
		case rng.IntN(3) == 0:
			o.remove(r)
			if found {
				model = slices.Delete(model, i, i+1)
			}
		case found:
			o.put(r)
			model[i] = r
		default:
			o.put(r)
			model = slices.Insert(model, i, r)
		}
		if o.n != len(model) {
			t.Fatalf("%d records, want %d", o.n, len(model))
		}
	}
	if len(o.chunks) < 3 {
		t.Fatalf("%d chunks: too few to tell anything", len(o.chunks))
	}
	if !slices.Equal(slices.Concat(o.chunks...), model) {
		t.Error("the order differs")
	}
	p := position{}
	for i := range model {
		if o.at(p) != model[i] {
			t.Fatalf("next: record %d differs", i)
		}
		p = o.next(p)
	}
	for i := len(model) - 1; i >= 0; i-- {
		if p = o.prev(p); o.at(p) != model[i] {
			t.Fatalf("prev: record %d differs", i)
		}
	}
	if o.at(o.prev(p)) != nil {
		t.Error("there is something before the first record")
	}
}

func TestSortableNumbers(t *testing.T) {
	ascending := []string{"-9.9e125", "-1e125", "-100", "-99.5", "-10.1", "-10", "-9", "-1.01", "-1", "-0.5", "-1e-130", "0",
		"1e-130", "9e-130", "0.001", "0.0011", "0.01", "0.1", "0.5", "1", "1.01", "2", "9", "10", "10.1", "99", "100", "101", "12345678901234567890123456789012345678", "1e125", "9.9e125"}
	for i, a := range ascending {
		for j, b := range ascending {
			x, _ := canonicalNumber(a)
			y, _ := canonicalNumber(b)
			if got, want := compareNumbers(x, y), compareInts(i, j); got != want {
				t.Errorf("%s against %s: %d, want %d", a, b, got, want)
			}
		}
	}
}

func compareInts(i, j int) int {
	switch {
	case i < j:
		return -1
	case i > j:
		return 1
	}
	return 0
}

func TestExactArithmetic(t *testing.T) {
	for _, c := range []struct {
		a, b     string
		subtract bool
		want     string
	}{
		{"0.1", "0.2", false, "0.3"},
		{"1", "1e-37", false, "1.0000000000000000000000000000000000001"},
		{"1", "1e-38", false, msgDigits},
		{"99999999999999999", "1", false, "100000000000000000"},
		{"999999999999999999", "999999999999999999", false, "1999999999999999998"},
		{"12345678901234567890123456789012345678", "12345678901234567890123456789012345678", true, "0"},
		{"9.9999999999999999999999999999999999999e125", "9e125", false, msgOverflow},
		{"1.1e-130", "1e-130", true, msgUnderflow},
		{"1e125", "1e-130", false, msgDigits},
		{"-5", "5", false, "0"},
	} {
		a, _ := canonicalNumber(c.a)
		b, _ := canonicalNumber(c.b)
		got, problem := addNumbers(a, b, c.subtract)
		if got+problem != c.want {
			t.Errorf("%s, %s: %s%s, want %s", c.a, c.b, got, problem, c.want)
		}
	}
}

// TestNumberSizes has the sizes that the dynamodb-conformance project measured
// on the service, to the byte: pairs of digits on either side of the point.
func TestNumberSizes(t *testing.T) {
	for s, want := range map[string]int{
		"0": 1, "1": 2, "12": 2, "-1": 3, "123": 3, "1234": 3, "0042": 2, "100": 2, "1010": 3, "0.0000001": 2, "1E125": 2, "1E-100": 2,
		"1.5": 3, "15": 2, "1.200": 3, "1.234": 4, "3.14159": 5, "123456": 4, "12345678901234567890123456789012345678": 20,
	} {
		c, _ := canonicalNumber(s)
		if got := numberSize(c); got != want {
			t.Errorf("%s takes %d bytes, want %d", s, got, want)
		}
	}
}
