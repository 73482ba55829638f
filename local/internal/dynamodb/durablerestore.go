package dynamodb

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

// restored is what the records of an earlier run say.
type restored struct {
	s      *Service
	tables map[string]*restoredTable
	tokens []*tokenUse
}

// restoredTable is a table of the earlier run, and what of it is dropped.
type restoredTable struct {
	table          *Table // nil if it is gone
	replaced       bool   // its key is another
	items, records int    // that are dropped
}

func (r *restored) table(name string, b []byte) error {
	var in tableRecord
	if err := durable.Decode(b, &in); err != nil {
		return err
	}
	t := &restoredTable{table: r.s.tables[name]}
	r.tables[name] = t
	if t.table == nil {
		return nil
	}
	t.table.sequence = in.Sequence
	t.replaced = !slices.EqualFunc(in.Key, t.table.key.attributes(), func(was keyRecord, is keyAttribute) bool {
		return was.Name == is.name && was.Type == is.kind.String()
	})
	return nil
}

// read reads any other record. They come in order.
func (r *restored) read(key string, b []byte) error {
	kind, rest, _ := strings.Cut(key, "/")
	switch kind {
	case serviceKey, "table":
		return nil
	case "token":
		return r.token(rest, b)
	}
	name, id, _ := strings.Cut(rest, "/")
	t := r.tables[name]
	if t == nil {
		return fmt.Errorf("there is no record of the table %q", name)
	}
	switch kind {
	case "item":
		if t.table == nil || t.replaced {
			t.items++
			return nil
		}
		return t.table.restoreItem(id, b)
	case "stream":
		if t.table == nil || t.replaced || t.table.view == "" {
			t.records++
			return nil
		}
		return t.table.restoreRecord(id, b)
	}
	return fmt.Errorf("there is no kind %q", kind)
}

func (t *Table) restoreItem(id string, b []byte) error {
	at, err := parseItemKey(id)
	if err != nil {
		return err
	}
	if at.item, err = t.s.recordDecoder(b).wholeItem(); err != nil {
		return err
	}
	for _, k := range t.key.attributes() {
		if !k.takes(at.item.Get(k.name)) {
			return fmt.Errorf("the key %s is missing or no %s", k.name, k.kind)
		}
	}
	if compareRecords(at, t.key.locate(at.item)) != 0 {
		return errors.New("the item has another key")
	}
	at.size = at.item.Size()
	t.records.put(at)
	t.bytes += at.size
	for _, ix := range t.indexes {
		ix.update(nil, at)
	}
	t.expire(nil, at)
	return nil
}

func (t *Table) restoreRecord(sequence string, b []byte) error {
	n, err := strconv.ParseUint(strings.TrimSuffix(sequence, sequenceTail), 10, 64)
	if err != nil || n <= firstSequence || n >= 10*firstSequence || sequenceNumber(n-firstSequence) != sequence {
		return fmt.Errorf("%q is no sequence number", sequence)
	}
	r, err := t.s.recordDecoder(b).streamRecord()
	if err != nil {
		return err
	}
	t.identify(&r, sequence)
	t.sequence = max(t.sequence, n-firstSequence)
	t.log.records = append(t.log.records, r)
	return nil
}

func (r *restored) token(token string, b []byte) error {
	var in tokenRecord
	if err := durable.Decode(b, &in); err != nil {
		return err
	}
	u := &tokenUse{token: token, input: string(in.Input), until: time.Unix(0, in.Until).UTC()}
	for _, c := range in.Costs {
		if t := r.s.tables[c.Table]; t != nil {
			u.costs = append(u.costs, cost{table: t, units: c.Units, both: true})
		}
	}
	r.tokens = append(r.tokens, u)
	return nil
}

// restoreTokens takes over the tokens by age, in which order they are forgotten.
func (r *restored) restoreTokens() {
	slices.SortStableFunc(r.tokens, func(a, b *tokenUse) int { return a.until.Compare(b.until) })
	for _, u := range r.tokens {
		r.s.tokens.seen[u.token] = u
	}
	r.s.tokens.queue = r.tokens
}

// dropped tells what was not taken over.
func (r *restored) dropped() (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(r.tables)) {
		switch t := r.tables[name]; {
		case t.table == nil:
			lines = append(lines, fmt.Sprintf("table %s: %s", name, count(t.items, "item")))
		case t.replaced && t.items > 0:
			lines = append(lines, fmt.Sprintf("table %s: %s, since its key is another now", name, count(t.items, "item")))
		case t.records > 0 && !t.replaced:
			lines = append(lines, fmt.Sprintf("the stream of table %s: %s", name, count(t.records, "record")))
		}
	}
	return lines
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
