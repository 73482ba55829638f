package dynamodb

import (
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

const (
	maxBatchGet   = 100
	maxBatchWrite = 25
	// maxBatchRead is how much BatchGetItem returns before it leaves the rest unprocessed.
	maxBatchRead = 16 << 20
)

// batch is a batch's part for one table.
type batch struct {
	table string
	// req holds what is common to the keys of a BatchGetItem.
	req  *request
	keys []attrs
	// ops are the writes of a BatchWriteItem.
	ops []*operation
}

// batchGetMember reads a member of BatchGetItem.
func (r *request) batchGetMember(d *decoder, name string) (err error) {
	switch name {
	case "RequestItems":
		defer r.captureBatch(d)()
		return d.object("java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.KeysAndAttributes>", func(table string) error {
			b := &batch{table: table, req: &request{s: r.s, action: r.action, table: table, hasTable: true}}
			r.batches = append(r.batches, b)
			return d.object("class com.amazonaws.dynamodb.v20120810.KeysAndAttributes", func(name string) error {
				if name != "Keys" {
					return b.req.itemMember(d, name)
				}
				b.keys = []attrs{}
				return d.array(func() error {
					b.keys = append(b.keys, attrs{})
					return b.keys[len(b.keys)-1].read(d)
				})
			})
		})
	case "ReturnConsumedCapacity":
		r.returnCapacity, err = d.nameText()
	default:
		err = d.skip()
	}
	return err
}

// batchWriteMember reads a member of BatchWriteItem.
func (r *request) batchWriteMember(d *decoder, name string) (err error) {
	switch name {
	case "RequestItems":
		defer r.captureBatch(d)()
		return d.object("java.util.Map<java.lang.String, java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>>", func(table string) error {
			b := &batch{table: table}
			r.batches = append(r.batches, b)
			return d.array(func() error { return b.readWrite(r, d) })
		})
	case "ReturnConsumedCapacity":
		r.returnCapacity, err = d.nameText()
	case "ReturnItemCollectionMetrics":
		r.returnMetrics, err = d.nameText()
	default:
		err = d.skip()
	}
	return err
}

// captureBatch notes the text of RequestItems, which messages quote.
func (r *request) captureBatch(d *decoder) (done func()) {
	r.hasOps = true
	start := d.pos
	return func() { r.batchText = d.buf[start:d.pos] }
}

func (b *batch) readWrite(r *request, d *decoder) error {
	op := &operation{}
	n := 0
	err := d.object("class com.amazonaws.dynamodb.v20120810.WriteRequest", func(kind string) error {
		if kind != "PutRequest" && kind != "DeleteRequest" {
			return d.skip()
		}
		n++
		op.kind = kind[:len(kind)-len("Request")]
		op.req = &request{s: r.s, action: r.action, table: b.table, hasTable: true}
		return d.object("class com.amazonaws.dynamodb.v20120810."+kind, func(name string) error {
			if name != "Item" && name != "Key" {
				return d.skip()
			}
			return op.req.itemMember(d, name)
		})
	})
	if n != 1 {
		op.kind = ""
	}
	b.ops = append(b.ops, op)
	return err
}

// checkBatch checks what the two batches have in common.
func (r *request) checkBatch() error {
	var c constraints
	c.enum(r.returnCapacity, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
	c.enum(r.returnMetrics, "returnItemCollectionMetrics", "SIZE", "NONE")
	switch {
	case !r.hasOps:
		c.add("null", "requestItems", "not be null")
	case len(r.batches) == 0:
		c.add("{}", "requestItems", "have length greater than or equal to 1")
	}
	for _, b := range r.batches {
		if !strings.HasPrefix(b.table, "arn:") && (strings.Trim(b.table, nameAlphabet) != "" || len(b.table) < 3 || len(b.table) > 255) {
			c.violation(string(r.batchText), "requestItems", "Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]")
		}
		if r.action == "BatchWriteItem" && (len(b.ops) == 0 || len(b.ops) > maxBatchWrite) {
			c.violation(string(r.batchText), "requestItems", "Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]")
		}
		if r.action == "BatchGetItem" {
			at := "requestItems." + b.table + ".member.keys"
			switch {
			case b.keys == nil:
				c.add("null", at, "not be null")
			case len(b.keys) == 0:
				c.add("[]", at, "have length greater than or equal to 1")
			case len(b.keys) > maxBatchGet:
				c.add(b.keysText(), at, "have length less than or equal to %d", maxBatchGet)
			}
		}
	}
	slices.SortFunc(r.batches, func(a, b *batch) int { return compareText(a.table, b.table) })
	return c.err()
}

func (s *Service) batchGet(r *request, out []byte) ([]byte, error) {
	if err := r.checkBatch(); err != nil {
		return nil, err
	}
	total := 0
	for _, b := range r.batches {
		if total += len(b.keys); total > maxBatchGet {
			return nil, validation("Too many items requested for the BatchGetItem call")
		}
	}
	taken := map[string]bool{}
	for _, b := range r.batches {
		if err := b.prepareKeys(taken); err != nil {
			return nil, err
		}
	}
	var costs []cost
	size := 0
	out = append(out, `{"Responses":{`...)
	for _, b := range r.batches {
		out = append(jsontext.AppendString(comma(out), b.ops[0].table.name), ':', '[')
		for len(b.ops) > 0 && size < maxBatchRead {
			op := b.ops[0]
			b.ops = b.ops[1:]
			rec := op.table.find(op.at)
			c := cost{table: op.table, units: readUnits(0, b.req.consistent)}
			if rec != nil {
				c.units = readUnits(rec.size, b.req.consistent)
				size += rec.size
				out = op.shown(rec.item).appendJSON(comma(out))
			}
			c.charge()
			costs = merge(costs, c)
		}
		out = append(out, ']')
	}
	out = append(out, `},"UnprocessedKeys":{`...)
	for _, b := range r.batches {
		if len(b.ops) > 0 {
			out = b.appendUnprocessed(comma(out))
		}
	}
	out = r.appendCosts(append(out, '}'), costs)
	return append(out, '}'), nil
}

func (b *batch) keysText() string {
	keys := make([]string, len(b.keys))
	for i, k := range b.keys {
		keys[i] = string(k.item.appendJSON(nil))
	}
	return "[" + strings.Join(keys, ", ") + "]"
}

// prepareKeys makes an operation of each key.
func (b *batch) prepareKeys(taken map[string]bool) error {
	for i := range b.keys {
		b.req.key = b.keys[i]
		op, err := b.req.prepare("Get")
		if err != nil {
			return err
		}
		id := op.table.name + "\x00" + op.at.pk + "\x00" + op.at.sk
		if taken[id] {
			return validation("Provided list of item keys contains duplicates")
		}
		taken[id] = true
		b.ops = append(b.ops, op)
	}
	return nil
}

// appendUnprocessed writes the part of the request that is left.
func (b *batch) appendUnprocessed(out []byte) []byte {
	out = append(jsontext.AppendString(out, b.table), `:{"Keys":[`...)
	for _, k := range b.keys[len(b.keys)-len(b.ops):] {
		out = k.item.appendJSON(comma(out))
	}
	out = append(out, ']')
	if b.req.consistent {
		out = append(out, `,"ConsistentRead":true`...)
	}
	if b.req.projection != nil {
		out = jsontext.AppendString(append(out, `,"ProjectionExpression":`...), b.req.projection.text)
	}
	if b.req.hasNames {
		out = append(out, `,"ExpressionAttributeNames":{`...)
		for _, n := range b.req.names {
			out = append(jsontext.AppendString(comma(out), n.key), ':')
			out = jsontext.AppendString(out, n.name)
		}
		out = append(out, '}')
	}
	return append(out, '}')
}

func (s *Service) batchWrite(r *request, out []byte) ([]byte, error) {
	if err := r.checkBatch(); err != nil {
		return nil, err
	}
	var ops []*operation
	for _, b := range r.batches {
		ops = append(ops, b.ops...)
	}
	if len(ops) > maxBatchWrite {
		return nil, validation("Too many items requested for the BatchWriteItem call")
	}
	taken := map[string]bool{}
	for _, op := range ops {
		if op.kind == "" {
			return nil, validation("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
		}
		p, err := op.req.prepare(op.kind)
		if err != nil {
			return nil, err
		}
		*op = *p
		id := op.table.name + "\x00" + op.at.pk + "\x00" + op.at.sk
		if taken[id] {
			return nil, validation("Provided list of item keys contains duplicates")
		}
		taken[id] = true
	}
	var costs []cost
	for _, op := range ops {
		old := op.table.find(op.at)
		rec, err := op.outcome(old)
		if err != nil {
			return nil, err
		}
		c := op.commit(old, rec)
		c.charge()
		costs = merge(costs, c)
	}
	out = r.appendCosts(append(out, `{"UnprocessedItems":{}`...), costs)
	return append(r.appendCollections(out, ops), '}'), nil
}
