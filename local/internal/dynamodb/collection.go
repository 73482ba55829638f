package dynamodb

import (
	"slices"
	"strconv"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// appendCollection reports the item collection that a write belongs to, which
// only tables with local indexes have.
func (r *request) appendCollection(out []byte, op *operation) []byte {
	if r.returnMetrics != "SIZE" || !op.table.hasLocalIndex() || op.kind == "ConditionCheck" {
		return out
	}
	return op.table.appendCollection(append(comma(out), `"ItemCollectionMetrics":`...), op.at)
}

// appendCollections reports the item collections of several writes by table.
func (r *request) appendCollections(out []byte, ops []*operation) []byte {
	if r.returnMetrics != "SIZE" {
		return out
	}
	out = append(comma(out), `"ItemCollectionMetrics":{`...)
	for _, t := range r.s.sorted {
		if !t.hasLocalIndex() {
			continue
		}
		seen := map[string]bool{}
		for _, op := range ops {
			if op.table != t || op.kind == "ConditionCheck" || seen[op.at.pk] {
				continue
			}
			if len(seen) == 0 {
				out = append(jsontext.AppendString(comma(out), t.name), `:[`...)
			}
			seen[op.at.pk] = true
			out = t.appendCollection(comma(out), op.at)
		}
		if len(seen) > 0 {
			out = append(out, ']')
		}
	}
	return append(out, '}')
}

func (t *Table) hasLocalIndex() bool {
	return slices.ContainsFunc(t.indexes, func(ix *index) bool { return !ix.global })
}

// appendCollection writes an item collection's key and its size in GB.
func (t *Table) appendCollection(out []byte, at *record) []byte {
	size := 0
	lists := []*ordered{&t.records}
	for _, ix := range t.indexes {
		if !ix.global {
			lists = append(lists, &ix.records)
		}
	}
	var key Value
	for _, o := range lists {
		p := o.seek(func(r *record) bool { return compareKeys(r, at.hash, at.pk, "") >= 0 })
		for r := o.at(p); r != nil && r.pk == at.pk; r = o.at(p) {
			size += r.size
			key = r.item.Get(t.key.hash.name)
			p = o.next(p)
		}
	}
	if key.kind == 0 {
		return append(out, "{}"...)
	}
	out = Item{{t.key.hash.name, key}}.appendJSON(append(out, `{"ItemCollectionKey":`...))
	gb := float64(size) / (1 << 30)
	out = append(out, `,"SizeEstimateRangeGB":[`...)
	out = append(strconv.AppendFloat(out, float64(int(gb)), 'f', -1, 64), ',')
	out = strconv.AppendFloat(out, float64(int(gb))+1, 'f', -1, 64)
	return append(out, ']', '}')
}
