package dynamodb

import (
	"strconv"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// maxPage is how much a Query or Scan reads before it answers with what it has.
const maxPage = 1 << 20

// search is a Query or a Scan, checked.
type search struct {
	req        *request
	table      *Table
	index      *index // nil for the table itself
	key        keySchema
	records    *ordered
	filter     *binding
	projection *binding
	// fetch tells that attributes beyond a local index's projection are read from the table.
	fetch bool
}

var errStartKey = validation("The provided starting key is invalid")

// expressions checks and binds what the request's expressions refer to.
func (r *request) expressions(takers ...string) (key, filter, projection *binding, err error) {
	if err = r.parameters(takers...); err != nil {
		return
	}
	if r.start.problem != "" {
		return nil, nil, nil, validation("The provided starting key is invalid: %s", r.start.problem)
	}
	if r.action == "Query" && r.keyCondition == nil {
		return nil, nil, nil, validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if err = r.placeholders(); err != nil {
		return
	}
	if key, err = r.bind(r.keyCondition, "KeyConditionExpression"); err != nil {
		return
	}
	if filter, err = r.bind(r.filter, "FilterExpression"); err != nil {
		return
	}
	if projection, err = r.bind(r.projection, "ProjectionExpression"); err != nil {
		return
	}
	err = r.unused()
	return
}

// open finds table and index and checks the rest against them.
func (q *search) open() error {
	r := q.req
	var err error
	if q.table, err = r.openTable(); err != nil {
		return err
	}
	q.key, q.records = q.table.key, &q.table.records
	if r.hasIndex {
		if q.index = q.table.index(r.index); q.index == nil {
			return validation("The table does not have the specified index: %s", r.index)
		}
		if q.index.global && r.consistent {
			return validation("Consistent reads are not supported on global secondary indexes")
		}
		q.key, q.records = q.index.key, &q.index.records
	}
	return q.checkSelect()
}

func (q *search) checkSelect() error {
	r := q.req
	switch r.selectWhat {
	case "SPECIFIC_ATTRIBUTES":
		if r.projection == nil {
			return validation("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
		}
		return q.checkProjected()
	case "ALL_PROJECTED_ATTRIBUTES":
		if q.index == nil {
			return validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
		}
	case "ALL_ATTRIBUTES":
		if q.index != nil && q.index.attributes != nil {
			if q.index.global {
				return validation("One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", q.index.name)
			}
			q.fetch = true
		}
	}
	if r.selectWhat != "" && r.selectWhat != "SPECIFIC_ATTRIBUTES" && r.projection != nil {
		what := r.selectWhat
		if what == "COUNT" {
			what = "only the Count"
		}
		return validation("Cannot specify the ProjectionExpression when choosing to get %s", what)
	}
	return q.checkProjected()
}

// checkProjected refuses attributes that a global index does not hold, and
// notes those that a local one does not.
func (q *search) checkProjected() error {
	if q.projection == nil || q.index == nil || q.index.attributes == nil {
		return nil
	}
	for _, p := range q.projection.expr.paths {
		name := q.projection.head(p)
		if q.index.holds(name) {
			continue
		}
		if q.index.global {
			return validation("One or more parameter values were invalid: Global secondary index %s does not project [%s]", q.index.name, name)
		}
		q.fetch = true
	}
	return nil
}

func (ix *index) holds(name string) bool {
	for _, a := range ix.attributes {
		if a == name {
			return true
		}
	}
	return ix.attributes == nil
}

// checkFilter refuses a Query's filter on the keys of what it reads, and
// document paths into keys.
func (q *search) checkFilter() *api.Error {
	if q.filter != nil && q.req.action == "Query" {
		for _, k := range q.key.attributes() {
			var err *api.Error
			visitPaths(q.filter.expr.cond, func(p path) {
				if q.filter.head(p) == k.name {
					err = validation("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", k.name)
				}
			})
			if err != nil {
				return err
			}
		}
	}
	if q.projection != nil {
		if err := q.table.checkPaths(q.projection); err != nil {
			return err
		}
	}
	if q.filter != nil {
		return q.table.checkNested(q.filter, q.filter.expr.cond)
	}
	return nil
}

// startRecord is where an ExclusiveStartKey points to.
func (q *search) startRecord() (*record, *api.Error) {
	start := q.req.start.item
	want := map[string]bool{}
	for _, k := range q.table.key.attributes() {
		want[k.name] = true
	}
	for _, k := range q.key.attributes() {
		want[k.name] = true
	}
	// A Scan of the table itself says more than the rest.
	missing, mismatch := errStartKey, validation(msgKeySchema)
	if q.index == nil && q.req.action == "Scan" {
		mismatch = validation("The provided starting key is invalid: " + msgKeySchema)
		missing = mismatch
	}
	if len(start) != len(want) {
		return nil, missing
	}
	for _, key := range []keySchema{q.key, q.table.key} {
		for i, k := range key.attributes() {
			v := start.Get(k.name)
			if v.kind == 0 {
				return nil, missing
			}
			if v.kind != k.kind {
				return nil, mismatch
			}
			if problem := keyProblem(v, k.name, i == 0); problem != "" {
				return nil, validation("%s", problem)
			}
		}
	}
	rec := q.key.locate(start)
	if q.index != nil {
		rec.tie = tieOf(q.table.key.locate(start))
	}
	return rec, nil
}

func (s *Service) query(r *request, out []byte) ([]byte, error) {
	if err := r.model(); err != nil {
		return nil, err
	}
	key, filter, projection, err := r.expressions("FilterExpression", "KeyConditionExpression")
	if err != nil {
		return nil, err
	}
	conds, kerr := key.keyConditions(key.expr.cond, nil)
	if kerr != nil {
		return nil, kerr
	}
	q := &search{req: r, filter: filter, projection: projection}
	if err := q.open(); err != nil {
		return nil, err
	}
	g, kerr := q.key.keyRange(conds)
	if kerr != nil {
		return nil, kerr
	}
	var start *record
	if r.start.set {
		if start, kerr = q.startRecord(); kerr != nil {
			return nil, kerr
		}
		switch {
		case start.hash != g.hash || start.pk != g.pk:
			return nil, validation("The provided starting key is outside query boundaries based on provided conditions")
		case g.beforeLow(start) || g.afterHigh(start):
			return nil, validation("The provided starting key does not match the range key predicate")
		}
	}
	if err := q.checkFilter(); err != nil {
		return nil, err
	}
	return q.run(q.span(&g, start), out), nil
}

// span returns a function that yields the records of a range in order.
func (q *search) span(g *keyRange, start *record) func() *record {
	o := q.records
	var p position
	if q.req.forward {
		if start != nil {
			p = o.seek(func(r *record) bool { return compareRecords(r, start) > 0 })
		} else {
			p = o.seek(func(r *record) bool { return !g.beforeLow(r) })
		}
		return func() *record {
			r := o.at(p)
			if r == nil || g.afterHigh(r) {
				return nil
			}
			p = o.next(p)
			return r
		}
	}
	if start != nil {
		p = o.prev(o.seek(func(r *record) bool { return compareRecords(r, start) >= 0 }))
	} else {
		p = o.prev(o.seek(g.afterHigh))
	}
	return func() *record {
		r := o.at(p)
		if r == nil || g.beforeLow(r) {
			return nil
		}
		p = o.prev(p)
		return r
	}
}

func (s *Service) scan(r *request, out []byte) ([]byte, error) {
	if err := r.model(); err != nil {
		return nil, err
	}
	switch {
	case r.hasSegments && !r.hasSegment:
		return nil, validation("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case r.hasSegment && !r.hasSegments:
		return nil, validation("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case r.hasSegment && r.segment >= r.totalSegments:
		return nil, validation("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", r.segment, r.totalSegments)
	}
	_, filter, projection, err := r.expressions("FilterExpression")
	if err != nil {
		return nil, err
	}
	q := &search{req: r, filter: filter, projection: projection}
	if err := q.open(); err != nil {
		return nil, err
	}
	if err := q.checkFilter(); err != nil {
		return nil, err
	}
	p := position{}
	if r.hasSegments {
		p = q.records.seek(func(rec *record) bool { return r.segmentOf(rec) >= r.segment })
	}
	if r.start.set {
		start, kerr := q.startRecord()
		if kerr != nil {
			return nil, kerr
		}
		if r.hasSegments && r.segmentOf(start) != r.segment {
			return nil, validation("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d", r.totalSegments, r.segment)
		}
		p = q.records.seek(func(rec *record) bool { return compareRecords(rec, start) > 0 })
	}
	return q.run(func() *record {
		rec := q.records.at(p)
		if rec == nil || r.hasSegments && r.segmentOf(rec) != r.segment {
			return nil
		}
		p = q.records.next(p)
		return rec
	}, out), nil
}

// segmentOf divides the hashes evenly among the segments of a parallel scan.
func (r *request) segmentOf(rec *record) int {
	return int(uint64(r.totalSegments) * (rec.hash >> 32) >> 32)
}

// run reads a page of records and writes the response.
func (q *search) run(next func() *record, out []byte) []byte {
	r := q.req
	c := cost{table: q.table}
	count, scanned, size, fetched := 0, 0, 0, 0
	var last *record
	more := false
	out = append(out, '{')
	if r.selectWhat != "COUNT" {
		out = append(out, `"Items":[`...)
	}
	for rec := next(); rec != nil; rec = next() {
		scanned++
		size += rec.size
		it := rec.item
		if q.fetch {
			base := q.table.find(q.table.key.locate(it))
			it = base.item
			fetched += int(readUnits(base.size, true))
		}
		if q.filter == nil || q.filter.holds(q.filter.expr.cond, it) {
			count++
			if r.selectWhat != "COUNT" {
				if q.projection != nil {
					it = q.projection.project(it, q.projection.expr.paths)
				}
				out = it.appendJSON(comma(out))
			}
		}
		last = rec
		if r.hasLimit && scanned == r.limit || size >= maxPage {
			more = true
			break
		}
	}
	if r.selectWhat != "COUNT" {
		out = append(out, ']', ',')
	}
	out = append(out, `"Count":`...)
	out = strconv.AppendInt(out, int64(count), 10)
	out = append(out, `,"ScannedCount":`...)
	out = strconv.AppendInt(out, int64(scanned), 10)
	if more {
		out = q.startKey(last).appendJSON(append(out, `,"LastEvaluatedKey":`...))
	}
	units := readUnits(size, r.consistent)
	if q.index != nil {
		c.indexes = []indexCost{{q.index, units}}
		c.units = float64(fetched)
		if !r.consistent {
			c.units /= 2
		}
	} else {
		c.units = units
	}
	c.charge()
	return append(r.appendCapacity(out, c), '}')
}

// startKey is the key from which the next page starts.
func (q *search) startKey(r *record) Item {
	out := q.table.key.keyOf(r.item)
	if q.index != nil {
		for _, k := range q.key.attributes() {
			out = insertAttr(out, k.name, r.item.Get(k.name))
		}
	}
	return out
}
