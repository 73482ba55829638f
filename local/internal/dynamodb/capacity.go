package dynamodb

import (
	"strconv"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// Capacity counts capacity units: a write unit is one write of up to 1 KB, a
// read unit one strongly consistent read of up to 4 KB (half of it when
// eventually consistent). Transactions take twice the units of the table and of its local
// indexes.
type Capacity struct {
	Read, Write float64
}

func units(size, per int) float64 { return float64(max(1, (size+per-1)/per)) }

func writeUnits(size int) float64 { return units(size, 1024) }

func readUnits(size int, consistent bool) float64 {
	if consistent {
		return units(size, 4096)
	}
	return units(size, 4096) / 2
}

type indexCost struct {
	index *index
	units float64
}

// cost is what one call took of one table.
type cost struct {
	table   *Table
	units   float64 // of the table itself
	indexes []indexCost
	write   bool
	// both tells to report read and write units by name, as transactions do.
	both bool
}

// charge adds the cost to the table's totals.
func (c *cost) charge() {
	n := c.total()
	if c.write {
		c.table.consumed.Write += n
	} else {
		c.table.consumed.Read += n
	}
}

func (c *cost) total() float64 {
	n := c.units
	for _, i := range c.indexes {
		n += i.units
	}
	return n
}

// add merges the cost of another operation on the same table.
func (c *cost) add(o cost) {
	c.units += o.units
	for _, i := range o.indexes {
		found := false
		for j := range c.indexes {
			if c.indexes[j].index == i.index {
				c.indexes[j].units += i.units
				found = true
			}
		}
		if !found {
			c.indexes = append(c.indexes, i)
		}
	}
}

func (c *cost) appendUnits(b []byte, n float64) []byte {
	if c.both {
		b = append(b, map[bool]string{true: `"WriteCapacityUnits":`, false: `"ReadCapacityUnits":`}[c.write]...)
		b = append(strconv.AppendFloat(b, n, 'f', -1, 64), ',')
	}
	b = append(b, `"CapacityUnits":`...)
	return strconv.AppendFloat(b, n, 'f', -1, 64)
}

// appendJSON writes the ConsumedCapacity object: totals, and with detail by
// table and index.
func (c *cost) appendJSON(b []byte, detail bool) []byte {
	b = append(b, `{"TableName":`...)
	b = append(jsontext.AppendString(b, c.table.name), ',')
	b = c.appendUnits(b, c.total())
	if detail {
		b = append(b, `,"Table":{`...)
		b = append(c.appendUnits(b, c.units), '}')
		b = c.appendIndexes(b, "GlobalSecondaryIndexes", true)
		b = c.appendIndexes(b, "LocalSecondaryIndexes", false)
	}
	return append(b, '}')
}

func (c *cost) appendIndexes(b []byte, member string, global bool) []byte {
	n := 0
	for _, i := range c.indexes {
		if i.index.global != global {
			continue
		}
		if n == 0 {
			b = append(append(append(b, `,"`...), member...), `":{`...)
		} else {
			b = append(b, ',')
		}
		n++
		b = append(jsontext.AppendString(b, i.index.name), `:{`...)
		b = append(c.appendUnits(b, i.units), '}')
	}
	if n > 0 {
		b = append(b, '}')
	}
	return b
}

// appendCapacity reports what a call took, if the request asks for it.
func (r *request) appendCapacity(out []byte, c cost) []byte {
	if r.returnCapacity != "TOTAL" && r.returnCapacity != "INDEXES" {
		return out
	}
	return c.appendJSON(append(comma(out), `"ConsumedCapacity":`...), r.returnCapacity == "INDEXES")
}

// appendCosts reports what a call took of several tables, if the request asks for it.
func (r *request) appendCosts(out []byte, costs []cost) []byte {
	if r.returnCapacity != "TOTAL" && r.returnCapacity != "INDEXES" {
		return out
	}
	out = append(comma(out), `"ConsumedCapacity":[`...)
	for i := range costs {
		out = costs[i].appendJSON(comma(out), r.returnCapacity == "INDEXES")
	}
	return append(out, ']')
}
