package dynamodb

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// Table is one table with its indexes and its stream.
type Table struct {
	s         *Service
	k         *sim.Kernel
	region    string
	name, arn string
	streamARN string
	props     TableProperties
	key       keySchema
	records   ordered
	indexes   []*index
	view      string
	listeners []func(StreamRecord)
	log       streamLog
	sequence  uint64
	bytes     int
	ttl       expiry
	consumed  Capacity
	created   float64
}

type index struct {
	name    string
	arn     string
	global  bool
	key     keySchema
	records ordered
	spec    SecondaryIndex
	// attributes is what the index holds, sorted; nil for everything.
	attributes []string
}

func newTable(k *sim.Kernel, created time.Time, region, account, name string, p TableProperties) (*Table, error) {
	t := &Table{
		k: k, region: region, name: name, props: p,
		arn:     fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", region, account, name),
		created: float64(created.UnixMilli()) / 1000,
	}
	if len(name) < 3 || len(name) > 255 || strings.Trim(name, nameAlphabet) != "" {
		return nil, fmt.Errorf("a table's name has 3 to 255 characters of a-z, A-Z, 0-9, '_', '-' and '.', got %q", name)
	}
	var err error
	if t.key, err = p.key(p.KeySchema); err != nil {
		return nil, err
	}
	used := []string{t.key.hash.name, t.key.rng.name}
	for _, s := range p.GlobalSecondaryIndexes {
		if err := t.addIndex(s, true, &used); err != nil {
			return nil, err
		}
	}
	for _, s := range p.LocalSecondaryIndexes {
		if err := t.addIndex(s, false, &used); err != nil {
			return nil, err
		}
	}
	if len(p.GlobalSecondaryIndexes) > 20 || len(p.LocalSecondaryIndexes) > 5 {
		return nil, fmt.Errorf("a table has at most 20 global and 5 local secondary indexes")
	}
	for _, d := range p.AttributeDefinitions {
		if !slices.Contains(used, d.AttributeName) {
			return nil, fmt.Errorf("AttributeDefinitions: %q is in no key", d.AttributeName)
		}
	}
	if s := p.StreamSpecification; s != nil {
		switch t.view = s.StreamViewType; t.view {
		case "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES":
		default:
			return nil, fmt.Errorf("StreamSpecification: StreamViewType %q is unknown", t.view)
		}
		t.streamARN = t.arn + "/stream/" + created.Format("2006-01-02T15:04:05.000")
	}
	if s := p.TimeToLiveSpecification; s != nil && bool(s.Enabled) {
		if s.AttributeName == "" {
			return nil, fmt.Errorf("TimeToLiveSpecification: AttributeName is empty")
		}
		t.ttl.attribute = s.AttributeName
	}
	return t, nil
}

const nameAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

func (t *Table) addIndex(s SecondaryIndex, global bool, used *[]string) error {
	ix := &index{name: s.IndexName, global: global, spec: s, arn: t.arn + "/index/" + s.IndexName}
	if t.index(s.IndexName) != nil || s.IndexName == "" {
		return fmt.Errorf("index name %q is empty or used twice", s.IndexName)
	}
	var err error
	if ix.key, err = t.props.key(s.KeySchema); err != nil {
		return fmt.Errorf("index %s: %w", s.IndexName, err)
	}
	if !global && (ix.key.hash != t.key.hash || ix.key.rng.name == "" || t.key.rng.name == "") {
		return fmt.Errorf("index %s: a local index has the table's partition key and a sort key, as the table must", s.IndexName)
	}
	*used = append(*used, ix.key.hash.name, ix.key.rng.name)
	keys := []string{t.key.hash.name, t.key.rng.name, ix.key.hash.name, ix.key.rng.name}
	switch {
	case s.Projection.ProjectionType == "ALL" && s.Projection.NonKeyAttributes == nil:
	case s.Projection.ProjectionType == "KEYS_ONLY" && s.Projection.NonKeyAttributes == nil:
		ix.attributes = keys
	case s.Projection.ProjectionType == "INCLUDE" && len(s.Projection.NonKeyAttributes) > 0:
		ix.attributes = append(keys, s.Projection.NonKeyAttributes...)
	default:
		return fmt.Errorf("index %s: projection %q does not go with %d non-key attributes", s.IndexName,
			s.Projection.ProjectionType, len(s.Projection.NonKeyAttributes))
	}
	slices.Sort(ix.attributes)
	ix.attributes = slices.Compact(ix.attributes)
	t.indexes = append(t.indexes, ix)
	return nil
}

// Name returns the table's physical name.
func (t *Table) Name() string { return t.name }

// ARN returns the table's ARN.
func (t *Table) ARN() string { return t.arn }

// StreamARN returns the ARN of the table's stream, "" if it has none.
func (t *Table) StreamARN() string { return t.streamARN }

// Consumed returns the capacity that all calls so far have used, in this process.
func (t *Table) Consumed() Capacity { return t.consumed }

// Len returns the number of items.
func (t *Table) Len() int { return t.records.n }

// Bytes returns the size of all items by DynamoDB's rules, without its
// overhead of 100 bytes an item.
func (t *Table) Bytes() int { return t.bytes }

// Items returns every item ordered by partition key, then sort key: not the
// order of a Scan. The items must not be changed.
func (t *Table) Items() []Item {
	all := slices.Concat(t.records.chunks...)
	slices.SortFunc(all, func(a, b *record) int {
		if c := strings.Compare(a.pk, b.pk); c != 0 {
			return c
		}
		return strings.Compare(a.sk, b.sk)
	})
	items := make([]Item, len(all))
	for i, r := range all {
		items[i] = r.item
	}
	return items
}

func (t *Table) index(name string) *index {
	for _, ix := range t.indexes {
		if ix.name == name {
			return ix
		}
	}
	return nil
}

// locate computes where the item with the given key attributes is stored.
func (k keySchema) locate(it Item) *record {
	r := &record{pk: encodeKey(it.Get(k.hash.name))}
	r.hash = hashKey(r.pk)
	if k.rng.name != "" {
		r.sk = encodeKey(it.Get(k.rng.name))
	}
	return r
}

func (t *Table) find(at *record) *record { return t.records.get(at.hash, at.pk, at.sk) }

// keyOf returns the key attributes of an item.
func (k keySchema) keyOf(it Item) Item {
	out := make(Item, 0, 2)
	for i := range it {
		if k.has(it[i].Name) {
			out = append(out, it[i])
		}
	}
	return out
}

// entry returns what the index holds of a table's record; nil if an index key
// is missing (the index is sparse), or of another type: an item can be older than the index.
func (ix *index) entry(base *record) *record {
	if base == nil || !ix.key.hash.takes(base.item.Get(ix.key.hash.name)) ||
		ix.key.rng.name != "" && !ix.key.rng.takes(base.item.Get(ix.key.rng.name)) {
		return nil
	}
	e := ix.key.locate(base.item)
	e.tie = tieOf(base)
	e.item, e.size = base.item, base.size
	if ix.attributes != nil {
		e.item = make(Item, 0, len(ix.attributes))
		for _, a := range base.item {
			if _, ok := slices.BinarySearch(ix.attributes, a.Name); ok {
				e.item = append(e.item, a)
			}
		}
		e.size = e.item.Size()
	}
	return e
}

// store replaces old by r; either may be nil. It returns what the indexes
// cost, and tells the stream and the expiry.
func (t *Table) store(old, r *record, by string) []indexCost {
	if r != nil {
		r.size = r.item.Size()
		t.records.put(r)
		t.bytes += r.size
	} else if old != nil {
		t.records.remove(old)
	}
	if old != nil {
		t.bytes -= old.size
	}
	if t.s.watch != nil {
		if r != nil {
			t.s.watch(t.itemKey(r))
		} else if old != nil {
			t.s.watch(t.itemKey(old))
		}
	}
	var costs []indexCost
	for _, ix := range t.indexes {
		if units := ix.update(old, r); units > 0 {
			costs = append(costs, indexCost{ix, units})
		}
	}
	t.expire(old, r)
	t.emit(old, r, by)
	return costs
}

// update brings the index up to date and returns the write units this takes: one
// write to add, change or remove an entry, two to move one, none if nothing
// that the index holds has changed.
func (ix *index) update(old, r *record) float64 {
	was, is := ix.entry(old), ix.entry(r)
	switch {
	case was == nil && is == nil:
		return 0
	case was == nil:
		ix.records.put(is)
		return writeUnits(is.size)
	case is == nil:
		ix.records.remove(was)
		return writeUnits(was.size)
	case compareRecords(was, is) != 0:
		ix.records.remove(was)
		ix.records.put(is)
		return writeUnits(was.size) + writeUnits(is.size)
	}
	ix.records.put(is)
	if equalItems(was.item, is.item) {
		return 0
	}
	return writeUnits(max(was.size, is.size))
}
