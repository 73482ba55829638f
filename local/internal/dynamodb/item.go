package dynamodb

import (
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// maxItemSize is 400 KB.
const maxItemSize = 400 * 1024

const (
	msgConditionFailed = "The conditional request failed"
	msgItemTooLarge    = "Item size has exceeded the maximum allowed size"
	msgUpdateTooLarge  = "Item size to update has exceeded the maximum allowed size"
)

// operation is one read or write of one item, checked as far as it can be
// without the item: what the single-item actions and the operations of
// transactions and batches have in common.
type operation struct {
	kind       string // Get Put Update Delete ConditionCheck
	req        *request
	table      *Table
	at         *record // where the item is; its item is nil
	condition  *binding
	update     *binding
	projection *binding
	// refused is, in a transaction, what is wrong with the keys: it cancels the
	// transaction, where alone it would be the answer.
	refused *api.Error
}

// prepare makes an operation of the request and checks it.
func (r *request) prepare(kind string) (*operation, error) {
	op, err := r.check(kind)
	if err == nil {
		err = op.open()
	}
	return op, err
}

// check checks what takes no table to check.
func (r *request) check(kind string) (*operation, error) {
	var takers []string
	switch kind {
	case "Update":
		takers = []string{"UpdateExpression", "ConditionExpression"}
	case "Put", "Delete", "ConditionCheck":
		takers = []string{"ConditionExpression"}
	}
	if err := r.parameters(takers...); err != nil {
		return nil, err
	}
	op := &operation{kind: kind, req: r}
	if target := op.target(); target.problem != "" {
		return nil, validation("%s", target.problem)
	}
	if (kind == "Put" || kind == "Delete") && r.returnValues != "" && r.returnValues != "NONE" && r.returnValues != "ALL_OLD" {
		return nil, validation("ReturnValues can only be ALL_OLD or NONE")
	}
	if kind == "Put" && r.item.item.Size() > maxItemSize {
		return nil, validation(msgItemTooLarge)
	}
	err := r.placeholders()
	if err != nil {
		return nil, err
	}
	if op.update, err = r.bind(r.update, "UpdateExpression"); err != nil {
		return nil, err
	}
	if op.condition, err = r.bind(r.condition, "ConditionExpression"); err != nil {
		return nil, err
	}
	if op.projection, err = r.bind(r.projection, "ProjectionExpression"); err != nil {
		return nil, err
	}
	return op, r.unused()
}

// target holds the key of the item that the operation is about.
func (op *operation) target() *attrs {
	if op.kind == "Put" {
		return &op.req.item
	}
	return &op.req.key
}

// open finds the table and checks the operation against it.
func (op *operation) open() error {
	var err error
	if op.table, err = op.req.openTable(); err != nil {
		return err
	}
	key := op.target().item
	if err := op.checkAgainstTable(key); err != nil {
		if !op.req.inTransaction() || emptyKey(err) {
			return err
		}
		op.refused = err
		return nil
	}
	op.at = op.table.key.locate(key)
	return nil
}

func (r *request) inTransaction() bool {
	return r.action == "TransactWriteItems" || r.action == "TransactGetItems"
}

// emptyKey tells the one problem with a key that is found before a transaction
// starts (as captured from the service by the dynamodb-conformance project).
func emptyKey(err *api.Error) bool { return strings.Contains(err.Message, "cannot contain an empty") }

// checkAgainstTable checks what takes the table's schema to check.
func (op *operation) checkAgainstTable(target Item) *api.Error {
	t := op.table
	if op.kind == "Put" {
		if op.req.action == "BatchWriteItem" {
			if err := t.key.checkKey(t.key.keyOf(target)); err != nil {
				return err
			}
		}
		if err := t.checkItem(target); err != nil {
			return err
		}
	} else if err := t.key.checkKey(target); err != nil {
		return err
	}
	if op.update != nil {
		if err := t.checkUpdatePaths(op.update); err != nil {
			return err
		}
	}
	if op.condition != nil {
		if err := t.checkNested(op.condition, op.condition.expr.cond); err != nil {
			return err
		}
	}
	if op.projection != nil {
		return t.checkPaths(op.projection)
	}
	return nil
}

// passes tells if the operation's condition holds for what is stored.
func (op *operation) passes(old *record) bool {
	if op.condition == nil {
		return true
	}
	var it Item
	if old != nil {
		it = old.item
	}
	return op.condition.holds(op.condition.expr.cond, it)
}

// outcome computes the record that the write leaves; nil for none.
func (op *operation) outcome(old *record) (*record, error) {
	switch op.kind {
	case "Delete":
		return nil, nil
	case "ConditionCheck":
		return old, nil
	}
	r := op.at
	if op.kind == "Put" {
		r.item = op.req.item.item
		return r, nil
	}
	base := op.req.key.item
	if old != nil {
		base = old.item
	}
	r.item = base
	if op.update != nil {
		var err error
		if r.item, err = op.update.apply(base); err != nil {
			return nil, err
		}
	}
	if err := op.table.checkUpdated(r.item); err != nil {
		return nil, err
	}
	if r.item.Size() > maxItemSize {
		return nil, validation(msgUpdateTooLarge)
	}
	if old != nil && nestingTooDeep(r.item) {
		return nil, validation(msgNesting)
	}
	return r, nil
}

// nestingTooDeep looks for values that an update has nested too deep.
func nestingTooDeep(it Item) bool {
	for i := range it {
		if it[i].Value.depth() > maxNesting {
			return true
		}
	}
	return false
}

func (v Value) depth() int {
	deepest := 0
	switch v.kind {
	case KindL:
		for _, e := range v.List() {
			deepest = max(deepest, e.depth())
		}
	case KindM:
		for _, a := range v.Map() {
			deepest = max(deepest, a.Value.depth())
		}
	default:
		return 0
	}
	return deepest + 1
}

// commit stores the outcome and returns what the write cost.
func (op *operation) commit(old, r *record) cost {
	c := cost{table: op.table, write: true}
	var size int
	if old != nil {
		size = old.size
	}
	if op.kind != "ConditionCheck" {
		c.indexes = op.table.store(old, r, "")
		if r != nil {
			size = max(size, r.size)
		}
	}
	c.units = writeUnits(size)
	return c
}

func conditionFailed(r *request, old *record) *api.Error {
	err := api.Errorf("ConditionalCheckFailedException", msgConditionFailed)
	if r.returnOnFailure == "ALL_OLD" && old != nil {
		err.Fields = map[string]any{"Item": old.item}
	}
	return err
}

func (s *Service) putItem(r *request, out []byte) ([]byte, error) { return s.write(r, "Put", out) }

func (s *Service) updateItem(r *request, out []byte) ([]byte, error) {
	return s.write(r, "Update", out)
}

func (s *Service) deleteItem(r *request, out []byte) ([]byte, error) {
	return s.write(r, "Delete", out)
}

func (s *Service) write(r *request, kind string, out []byte) ([]byte, error) {
	if err := r.model(); err != nil {
		return nil, err
	}
	op, err := r.prepare(kind)
	if err != nil {
		return nil, err
	}
	old := op.table.find(op.at)
	if !op.passes(old) {
		// A refused write costs what a write of the stored item would.
		refused := cost{table: op.table, write: true, units: writeUnits(0)}
		if old != nil {
			refused.units = writeUnits(old.size)
		}
		refused.charge()
		return nil, conditionFailed(r, old)
	}
	rec, err := op.outcome(old)
	if err != nil {
		return nil, err
	}
	c := op.commit(old, rec)
	c.charge()
	out = append(out, '{')
	if it := op.returned(old, rec); len(it) > 0 {
		out = it.appendJSON(append(out, `"Attributes":`...))
	}
	out = r.appendCapacity(out, c)
	out = r.appendCollection(out, op)
	return append(out, '}'), nil
}

// returned is what ReturnValues asks for.
func (op *operation) returned(old, r *record) Item {
	var before, after Item
	if old != nil {
		before = old.item
	}
	if r != nil {
		after = r.item
	}
	switch op.req.returnValues {
	case "ALL_OLD":
		return before
	case "ALL_NEW":
		return after
	case "UPDATED_OLD", "UPDATED_NEW":
		if op.update == nil {
			return nil
		}
		paths := make([]path, len(op.update.expr.actions))
		for i := range paths {
			paths[i] = op.update.expr.actions[i].path
		}
		if op.req.returnValues == "UPDATED_OLD" {
			return op.update.project(before, paths)
		}
		return op.update.project(after, paths)
	}
	return nil
}

func (s *Service) getItem(r *request, out []byte) ([]byte, error) {
	if err := r.model(); err != nil {
		return nil, err
	}
	op, err := r.prepare("Get")
	if err != nil {
		return nil, err
	}
	rec := op.table.find(op.at)
	c := cost{table: op.table, units: readUnits(0, r.consistent)}
	out = append(out, '{')
	if rec != nil {
		c.units = readUnits(rec.size, r.consistent)
		out = op.shown(rec.item).appendJSON(append(out, `"Item":`...))
	}
	c.charge()
	out = r.appendCapacity(out, c)
	return append(out, '}'), nil
}

// shown is the part of an item that the projection lets through.
func (op *operation) shown(it Item) Item {
	if op.projection == nil {
		return it
	}
	return op.projection.project(it, op.projection.expr.paths)
}

// comma separates a further member of an object under construction.
func comma(out []byte) []byte {
	if last := out[len(out)-1]; last != '{' && last != '[' {
		return append(out, ',')
	}
	return out
}
