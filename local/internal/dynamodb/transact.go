package dynamodb

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

const (
	maxTransaction     = 100
	maxTransactionSize = 4 << 20
	// tokenLife is how long a ClientRequestToken makes a request idempotent.
	tokenLife = 10 * time.Minute
)

// tokens remembers the transactions of the last ten minutes by their token.
type tokens struct {
	seen  map[string]*tokenUse
	queue []*tokenUse
}

type tokenUse struct {
	token, input string
	until        time.Time
	// read is what the repeated request costs: a read of each item.
	costs []cost
}

// transactMember reads a member of TransactWriteItems and TransactGetItems.
func (r *request) transactMember(d *decoder, name string) (err error) {
	switch name {
	case "TransactItems":
		r.hasOps = true
		return d.array(func() error { return r.readOperation(d) })
	case "ClientRequestToken":
		r.token, err = d.text()
	case "ReturnConsumedCapacity":
		r.returnCapacity, err = d.nameText()
	case "ReturnItemCollectionMetrics":
		r.returnMetrics, err = d.nameText()
	default:
		err = d.skip()
	}
	return err
}

// readOperation reads {"Put": {…}}. An operation with more than one member, or
// none, keeps an empty kind, which checkOperations refuses.
func (r *request) readOperation(d *decoder) error {
	op := &operation{}
	n := 0
	err := d.object("class com.amazonaws.dynamodb.v20120810.TransactWriteItem", func(kind string) error {
		switch kind {
		case "Put", "Update", "Delete", "ConditionCheck", "Get":
		default:
			return d.skip()
		}
		n++
		op.kind = kind
		op.req = &request{s: r.s, action: r.action}
		return d.object("class com.amazonaws.dynamodb.v20120810."+kind, func(name string) error {
			return op.req.itemMember(d, name)
		})
	})
	if n != 1 {
		op.kind = ""
	}
	r.ops = append(r.ops, op)
	return err
}

func (r *request) checkOperations(kinds string) error {
	var c constraints
	if len(r.token) > 36 {
		c.add(r.token, "clientRequestToken", "have length less than or equal to 36")
	}
	c.enum(r.returnCapacity, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
	c.enum(r.returnMetrics, "returnItemCollectionMetrics", "SIZE", "NONE")
	switch {
	case !r.hasOps:
		c.add("null", "transactItems", "not be null")
	case len(r.ops) == 0:
		c.add("[]", "transactItems", "have length greater than or equal to 1")
	case len(r.ops) > maxTransaction:
		c.add("[…]", "transactItems", "have length less than or equal to %d", maxTransaction)
	}
	for i, op := range r.ops {
		if op.kind == "" || !strings.Contains(kinds, op.kind) {
			return validation("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		op.member(&c, "transactItems."+strconv.Itoa(i+1)+".member."+lowerFirst(op.kind)+".")
	}
	return c.err()
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// member checks the parts that an operation must have.
func (op *operation) member(c *constraints, at string) {
	r := op.req
	if !r.hasTable {
		c.add("null", at+"tableName", "not be null")
	}
	if op.kind == "Put" && !r.item.set {
		c.add("null", at+"item", "not be null")
	}
	if op.kind != "Put" && !r.key.set {
		c.add("null", at+"key", "not be null")
	}
	if op.kind == "Update" && r.update == nil {
		c.add("null", at+"updateExpression", "not be null")
	}
	if op.kind == "ConditionCheck" && r.condition == nil {
		c.add("null", at+"conditionExpression", "not be null")
	}
	c.enum(r.returnOnFailure, at+"returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE")
}

// prepareAll checks every operation, first what takes no table to check. Only
// what is wrong with keys cancels the transaction; the rest refuses the request.
func (r *request) prepareAll() error {
	for _, op := range r.ops {
		checked, err := op.req.check(op.kind)
		if err != nil {
			return err
		}
		*op = *checked
	}
	refused := false
	for _, op := range r.ops {
		if err := op.open(); err != nil {
			return err
		}
		refused = refused || op.refused != nil
	}
	if refused {
		return r.cancelRefused()
	}
	taken := map[string]bool{}
	for _, op := range r.ops {
		id := op.table.name + "\x00" + op.at.pk + "\x00" + op.at.sk
		if taken[id] {
			return validation("Transaction request cannot include multiple operations on one item")
		}
		taken[id] = true
	}
	return nil
}

// cancelRefused cancels a transaction for what is wrong with the keys.
func (r *request) cancelRefused() error {
	reasons := make([]reason, len(r.ops))
	for i, op := range r.ops {
		reasons[i].Code = "None"
		if op.refused != nil {
			reasons[i] = reason{Code: "ValidationError", Message: op.refused.Message}
		}
	}
	return canceled(reasons)
}

// reason is what one operation says about the failure of its transaction.
type reason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    Item   `json:",omitempty"`
}

func (s *Service) transactWrite(r *request, out []byte) ([]byte, error) {
	if err := r.checkOperations("Put Update Delete ConditionCheck"); err != nil {
		return nil, err
	}
	if use := s.recall(r.token); use != nil {
		if use.input != r.fingerprint() {
			return nil, api.Errorf("IdempotentParameterMismatchException", "Request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical")
		}
		for i := range use.costs {
			use.costs[i].charge()
		}
		return append(r.appendCosts(append(out, '{'), use.costs), '}'), nil
	}
	if err := r.prepareAll(); err != nil {
		return nil, err
	}
	olds := make([]*record, len(r.ops))
	news := make([]*record, len(r.ops))
	reasons := make([]reason, len(r.ops))
	failed, size := false, 0
	for i, op := range r.ops {
		olds[i] = op.table.find(op.at)
		reasons[i].Code = "None"
		if !op.passes(olds[i]) {
			reasons[i] = reason{Code: "ConditionalCheckFailed", Message: msgConditionFailed}
			if op.req.returnOnFailure == "ALL_OLD" && olds[i] != nil {
				reasons[i].Item = olds[i].item
			}
			failed = true
			continue
		}
		var err error
		if news[i], err = op.outcome(olds[i]); err != nil {
			var refused *api.Error
			if !errors.As(err, &refused) {
				return nil, err
			}
			reasons[i] = reason{Code: "ValidationError", Message: refused.Message}
			failed = true
			continue
		}
		if news[i] != nil {
			size += news[i].item.Size()
		}
	}
	if failed {
		chargeCanceled(r.ops, olds)
		return nil, canceled(reasons)
	}
	if size > maxTransactionSize {
		return nil, validation("Transaction size has exceeded the maximum allowed size of 4 MB")
	}
	var costs, reads []cost
	for i, op := range r.ops {
		c := op.commit(olds[i], news[i])
		c.both = true
		c.double()
		c.charge()
		costs = merge(costs, c)
		read := cost{table: op.table, both: true, units: 2 * readUnits(op.storedSize(), true)}
		reads = merge(reads, read)
	}
	s.remember(r, reads)
	out = r.appendCosts(append(out, '{'), costs)
	return append(r.appendCollections(out, r.ops), '}'), nil
}

func (op *operation) storedSize() int {
	if r := op.table.find(op.at); r != nil {
		return r.size
	}
	return 0
}

// double makes a write's cost that of a transaction: prepare and commit. Global
// indexes are brought up to date afterwards, by plain writes.
func (c *cost) double() {
	c.units *= 2
	for i := range c.indexes {
		if !c.indexes[i].index.global {
			c.indexes[i].units *= 2
		}
	}
}

func merge(costs []cost, c cost) []cost {
	for i := range costs {
		if costs[i].table == c.table {
			costs[i].add(c)
			return costs
		}
	}
	return append(costs, c)
}

// canceled is the error of a transaction whose operations have the given reasons.
func canceled(reasons []reason) error {
	codes := make([]string, len(reasons))
	for i := range reasons {
		codes[i] = reasons[i].Code
	}
	err := api.Errorf("TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))
	// The service spells this one error's text member with a capital, too.
	err.Fields = map[string]any{"CancellationReasons": reasons, "Message": err.Message}
	return err
}

// chargeCanceled counts what a cancelled transaction costs: both of its phases,
// for the items as they are.
func chargeCanceled(ops []*operation, olds []*record) {
	for i, op := range ops {
		c := cost{table: op.table, write: true, units: 2 * writeUnits(0)}
		if olds[i] != nil {
			c.units = 2 * writeUnits(olds[i].size)
		}
		c.charge()
	}
}

// recall finds the transaction that had the token, if it is recent.
func (s *Service) recall(token string) *tokenUse {
	now := s.k.Now()
	q := s.tokens.queue
	for len(q) > 0 && !q[0].until.After(now) {
		delete(s.tokens.seen, q[0].token)
		s.tokenChanged(q[0].token)
		q = q[1:]
	}
	s.tokens.queue = q
	if token == "" {
		return nil
	}
	return s.tokens.seen[token]
}

func (s *Service) remember(r *request, costs []cost) {
	if r.token == "" {
		return
	}
	u := &tokenUse{token: r.token, input: r.fingerprint(), until: s.k.Now().Add(tokenLife), costs: costs}
	s.tokens.seen[r.token] = u
	s.tokenChanged(r.token)
	s.tokens.queue = append(s.tokens.queue, u)
}

func (s *Service) tokenChanged(token string) {
	if s.watch != nil {
		s.watch(tokenKey(token))
	}
}

func (s *Service) transactGet(r *request, out []byte) ([]byte, error) {
	if err := r.checkOperations("Get"); err != nil {
		return nil, err
	}
	if err := r.prepareAll(); err != nil {
		return nil, err
	}
	var costs []cost
	out = append(out, `{"Responses":[`...)
	for _, op := range r.ops {
		rec := op.table.find(op.at)
		out = append(comma(out), '{')
		size := 0
		if rec != nil {
			size = rec.size
			// Unlike GetItem, nothing rather than an empty item.
			if it := op.shown(rec.item); len(it) > 0 {
				out = it.appendJSON(append(out, `"Item":`...))
			}
		}
		out = append(out, '}')
		c := cost{table: op.table, both: true, units: 2 * readUnits(size, true)}
		c.charge()
		costs = merge(costs, c)
	}
	out = r.appendCosts(append(out, ']'), costs)
	return append(out, '}'), nil
}
