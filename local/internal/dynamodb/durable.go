package dynamodb

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

// The records of the tables (durable.Engine), all of them JSON. Indexes, sizes, and when
// items expire follow from the items; the capacity consumed so far is not kept.
//
//	service                      the version of all records
//	table/<table>                the key that the table has, and its stream's last sequence number
//	item/<table>/<n>/<pk><sk>    an item in the JSON protocol: its partition key, n bytes, and sort key, as encodeKey writes them
//	stream/<table>/<sequence>    a record that the stream holds
//	token/<token>                a transaction of the last ten minutes
//
// What is not known to the next run's template is dropped: a table that is gone, all items of
// one whose key is another (CloudFormation would replace it), a stream that is turned off.
// A table's sequence numbers go on in any case, so that nobody's checkpoint points to other records.
const recordVersion = 1

var _ durable.Engine = (*Service)(nil)

const serviceKey = "service"

// Watch implements durable.Engine.
func (s *Service) Watch(changed func(key string)) { s.watch = changed }

func (t *Table) recordKey() string { return "table/" + t.name }

func (t *Table) itemKey(r *record) string {
	return "item/" + t.name + "/" + strconv.Itoa(len(r.pk)) + "/" + r.pk + r.sk
}

func (t *Table) streamKey(sequence string) string { return "stream/" + t.name + "/" + sequence }

func tokenKey(token string) string { return "token/" + token }

// Keys implements durable.Engine.
func (s *Service) Keys() []string {
	keys := []string{serviceKey}
	for _, t := range s.sorted {
		keys = append(keys, t.recordKey())
		for _, chunk := range t.records.chunks {
			for _, r := range chunk {
				keys = append(keys, t.itemKey(r))
			}
		}
		for i := range t.log.held() {
			keys = append(keys, t.streamKey(t.log.held()[i].SequenceNumber))
		}
	}
	for token := range s.tokens.seen {
		keys = append(keys, tokenKey(token))
	}
	slices.Sort(keys)
	return keys
}

// Record implements durable.Engine.
func (s *Service) Record(key string) ([]byte, bool) {
	kind, rest, _ := strings.Cut(key, "/")
	switch kind {
	case serviceKey:
		return durable.Encode(durable.Header{Version: recordVersion}), rest == ""
	case "token":
		use := s.tokens.seen[rest]
		if use == nil {
			return nil, false
		}
		return use.record(), true
	}
	name, id, _ := strings.Cut(rest, "/")
	t := s.tables[name]
	if t == nil {
		return nil, false
	}
	switch kind {
	case "table":
		return t.record(), id == ""
	case "item":
		at, err := parseItemKey(id)
		if err != nil {
			return nil, false
		}
		if r := t.find(at); r != nil {
			s.text = r.item.appendJSON(s.text[:0])
			return slices.Clone(s.text), true
		}
	case "stream":
		held := t.log.held()
		if i, ok := slices.BinarySearchFunc(held, id, func(r StreamRecord, id string) int { return strings.Compare(r.SequenceNumber, id) }); ok {
			s.text = held[i].appendRecord(s.text[:0])
			return slices.Clone(s.text), true
		}
	}
	return nil, false
}

// parseItemKey reads what stands behind the table in an item's key.
func parseItemKey(id string) (*record, error) {
	length, keys, ok := strings.Cut(id, "/")
	n, err := strconv.Atoi(length)
	if !ok || err != nil || n < 0 || n > len(keys) {
		return nil, fmt.Errorf("%q is no length of a partition key", length)
	}
	pk := keys[:n]
	return &record{hash: hashKey(pk), pk: pk, sk: keys[n:]}, nil
}

// Restore implements durable.Engine.
func (s *Service) Restore(records map[string][]byte) (dropped []string, err error) {
	if len(records) == 0 {
		return nil, nil
	}
	wrong := func(key string, err error) ([]string, error) {
		return nil, fmt.Errorf("dynamodb: record %q: %w", key, err)
	}
	if err := durable.CheckHeader(records[serviceKey], recordVersion); err != nil {
		return wrong(serviceKey, err)
	}
	r := restored{s: s, tables: map[string]*restoredTable{}}
	keys := slices.Sorted(maps.Keys(records))
	for _, key := range keys {
		if name, ok := strings.CutPrefix(key, "table/"); ok {
			if err := r.table(name, records[key]); err != nil {
				return wrong(key, err)
			}
		}
	}
	for _, key := range keys {
		if err := r.read(key, records[key]); err != nil {
			return wrong(key, err)
		}
	}
	r.restoreTokens()
	return r.dropped(), nil
}
