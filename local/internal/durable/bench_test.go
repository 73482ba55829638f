package durable_test

import (
	"bytes"
	"fmt"
	"testing"
)

// BenchmarkUpdate writes so many records of 1 KB to a store that holds 10,000, as the stack does after a batch of events: each
// time the disk has confirmed.
func BenchmarkUpdate(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b, b.TempDir())
			value := bytes.Repeat([]byte("v"), 1_000)
			all := map[string][]byte{}
			for i := range 10_000 {
				all[fmt.Sprintf("%05d", i)] = value
			}
			if err := s.Replace(buckets{"engine": all}); err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				changed := map[string][]byte{}
				for j := range n {
					changed[fmt.Sprintf("%05d", (i*n+j)*7919%10_000)] = value
				}
				if err := s.Update(buckets{"engine": changed}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
