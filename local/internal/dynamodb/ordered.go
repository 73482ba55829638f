package dynamodb

import (
	"crypto/md5"
	"encoding/binary"
	"slices"
	"sort"
	"strings"
)

// record is an item where it is stored: in its table or in an index of it.
type record struct {
	hash uint64 // of the partition key
	pk   string // the partition key, encoded
	sk   string // the sort key, encoded in order; "" without one
	// tie orders entries of an index that have one key.
	tie  string
	item Item
	size int
}

// encodeKey encodes a key attribute such that bytes order as values do.
func encodeKey(v Value) string {
	if v.kind == KindN {
		return sortableNumber(v.s)
	}
	return v.s
}

// hashKey places a partition key as the service does, so that a Scan returns
// partitions in the service's order: by the MD5 of "Outliers" and the key.
func hashKey(pk string) uint64 {
	var buf [128]byte
	b := append(append(buf[:0], "Outliers"...), pk...)
	sum := md5.Sum(b)
	return binary.BigEndian.Uint64(sum[:8])
}

// tieOf orders the entries of an index that have one key, as the service
// does, by the hash of the table's key: in no order that means anything.
func tieOf(base *record) string {
	b := make([]byte, 8, 8+len(base.pk)+1+len(base.sk))
	binary.BigEndian.PutUint64(b, hashKey(base.pk+base.sk))
	b = append(append(b, base.pk...), 0)
	return string(append(b, base.sk...))
}

func compareKeys(r *record, hash uint64, pk, sk string) int {
	switch {
	case r.hash < hash:
		return -1
	case r.hash > hash:
		return 1
	}
	if c := strings.Compare(r.pk, pk); c != 0 {
		return c
	}
	return strings.Compare(r.sk, sk)
}

func compareRecords(r, s *record) int {
	if c := compareKeys(r, s.hash, s.pk, s.sk); c != 0 {
		return c
	}
	return strings.Compare(r.tie, s.tie)
}

// ordered is a sorted list of records in chunks, so that an insertion moves
// little however long the list is.
type ordered struct {
	chunks [][]*record
	n      int
}

const maxChunk = 256

// position is a place in an ordered list.
type position struct{ chunk, i int }

// seek returns the first record for which after is true; after must be false
// for a first part of the list and true for the rest.
func (o *ordered) seek(after func(*record) bool) position {
	c := sort.Search(len(o.chunks), func(i int) bool {
		chunk := o.chunks[i]
		return after(chunk[len(chunk)-1])
	})
	if c == len(o.chunks) {
		return position{c, 0}
	}
	chunk := o.chunks[c]
	return position{c, sort.Search(len(chunk), func(i int) bool { return after(chunk[i]) })}
}

func (o *ordered) at(p position) *record {
	if p.chunk < 0 || p.chunk >= len(o.chunks) {
		return nil
	}
	return o.chunks[p.chunk][p.i]
}

func (o *ordered) next(p position) position {
	if p.i++; p.i >= len(o.chunks[p.chunk]) {
		return position{p.chunk + 1, 0}
	}
	return p
}

func (o *ordered) prev(p position) position {
	if p.i--; p.i < 0 {
		p.chunk--
		if p.chunk >= 0 {
			p.i = len(o.chunks[p.chunk]) - 1
		}
	}
	return p
}

func (o *ordered) get(hash uint64, pk, sk string) *record {
	r := o.at(o.seek(func(r *record) bool { return compareKeys(r, hash, pk, sk) >= 0 }))
	if r == nil || compareKeys(r, hash, pk, sk) != 0 {
		return nil
	}
	return r
}

// put inserts r, or replaces the record with its key.
func (o *ordered) put(r *record) {
	p := o.seek(func(s *record) bool { return compareRecords(s, r) >= 0 })
	if s := o.at(p); s != nil && compareRecords(s, r) == 0 {
		o.chunks[p.chunk][p.i] = r
		return
	}
	o.n++
	if p.chunk == len(o.chunks) {
		if p.chunk == 0 {
			o.chunks = append(o.chunks, append(make([]*record, 0, 16), r))
			return
		}
		p.chunk--
		p.i = len(o.chunks[p.chunk])
	}
	chunk := slices.Insert(o.chunks[p.chunk], p.i, r)
	o.chunks[p.chunk] = chunk
	if len(chunk) > maxChunk {
		half := len(chunk) / 2
		rest := slices.Clone(chunk[half:])
		clear(chunk[half:])
		o.chunks[p.chunk] = chunk[:half]
		o.chunks = slices.Insert(o.chunks, p.chunk+1, rest)
	}
}

// remove takes out the record with r's key.
func (o *ordered) remove(r *record) {
	p := o.seek(func(s *record) bool { return compareRecords(s, r) >= 0 })
	if s := o.at(p); s == nil || compareRecords(s, r) != 0 {
		return
	}
	o.n--
	chunk := slices.Delete(o.chunks[p.chunk], p.i, p.i+1)
	o.chunks[p.chunk] = chunk
	if len(chunk) == 0 {
		o.chunks = slices.Delete(o.chunks, p.chunk, p.chunk+1)
	}
}
