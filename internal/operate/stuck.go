package operate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/dynamo"
	"github.com/orderflow-cdk/orderflow/internal/handler"
	"github.com/orderflow-cdk/orderflow/internal/order"
)

// Mending is what has an order go on.
type Mending string

// The kinds of mending.
const (
	MendRedrive Mending = "redrive" // its execution goes on where it ended
	MendStart   Mending = "start"   // an execution is started, none runs
	MendMove    Mending = "move"    // it is a dead letter, which is moved back
	MendWait    Mending = "wait"    // its execution runs: nothing is to be done here
	MendHand    Mending = "hand"    // nothing here can have it go on
)

// StuckOrder is an order that has not changed for long and has not ended.
type StuckOrder struct {
	OrderID  string       `json:"orderId"`
	Tenant   string       `json:"tenant"`
	Status   order.Status `json:"status"`
	Sequence int64        `json:"sequence,omitempty"`
	// Since is when its status last changed; of a dead letter, when it was sent.
	Since           time.Time  `json:"since"`
	CancelRequested bool       `json:"cancelRequested,omitempty"`
	Execution       *Execution `json:"execution,omitempty"`
	Mending         Mending    `json:"mending"`
	// Why says in words what it is waiting for, or what is wrong.
	Why string `json:"why"`
	// Done says that it was mended; Failed why it was not.
	Done   bool   `json:"done,omitempty"`
	Failed string `json:"failed,omitempty"`

	key string
	// owned is when an execution of an Express workflow took the order; zero if there was none.
	owned time.Time
}

// Actionable reports whether something can be done, or has to be done by hand.
func (o *StuckOrder) Actionable() bool { return o.Mending != MendWait }

// Stuck is how orders are looked for that do not go on.
type Stuck struct {
	// Older is for how long an order has not changed.
	Older time.Duration
	// Order is the only one to look at; "": all.
	Order string
	// Started is within what time an order's execution must have started: Step Functions is asked then, and the table is not read. 0: the table is.
	Started time.Duration
	// Limit is how many are looked for at most.
	Limit int
	// Progress is told how much of the table was read. Default: nobody is.
	Progress func(Reading)
}

// MinOlder is the least that Stuck.Older can be for an Express workflow, whose executions cannot be asked whether they run: they end after five minutes
// (Step Functions Developer Guide, "Choosing workflow type").
const MinOlder = 6 * time.Minute

// parallel is how many orders are asked about at the same time.
const parallel = 5

// Stuck finds the orders that do not go on, oldest first. more says that there are more than the limit.
//
// IAM: as scan, workflow and latest; sqs:ReceiveMessage and ChangeMessageVisibility on the dead-letter queue of orders.
func (s *Stack) Stuck(ctx context.Context, o Stuck) (found []*StuckOrder, read Reading, more bool, err error) {
	if o.Progress == nil {
		o.Progress = func(Reading) {}
	}
	w, err := s.workflow(ctx)
	if err != nil {
		return nil, read, false, err
	}
	if w.express && o.Older < MinOlder {
		return nil, read, false, fmt.Errorf("older than %s: the workflow is an Express one, of which nobody can say whether it runs: want %s or more", o.Older, MinOlder)
	}
	unknown := false
	switch {
	case o.Order != "":
		it, err := s.order(ctx, o.Order)
		var no *UnknownOrder
		if unknown = errors.As(err, &no); err != nil && !unknown {
			return nil, read, false, err
		}
		if stuck := readStuck(it); stuck != nil && !order.Terminal(stuck.Status) && s.now().Sub(stuck.Since) >= o.Older {
			found = append(found, stuck)
		}
	case o.Started > 0:
		found, more, err = s.started(ctx, w, o)
	default:
		found, read, more, err = s.standing(ctx, o)
	}
	if err != nil {
		return nil, read, more, err
	}
	letters, known, moreLetters, err := s.queued(ctx, o)
	if err == nil && unknown && len(letters) == 0 {
		err = &UnknownOrder{o.Order}
	}
	if err != nil {
		return nil, read, more, err
	}
	if o.Started > 0 { // Of those without an execution only the letter tells.
		for _, l := range known {
			if !slices.ContainsFunc(found, func(f *StuckOrder) bool { return f.key == l.key }) {
				found = append(found, l)
			}
		}
	}
	if err := forEach(ctx, found, func(ctx context.Context, stuck *StuckOrder) error { return s.judge(ctx, w, stuck) }); err != nil {
		return nil, read, more, err
	}
	slices.SortStableFunc(found, func(a, b *StuckOrder) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.OrderID, b.OrderID)) })
	if found = append(letters, found...); len(found) > o.Limit {
		found, more = found[:o.Limit], true
	}
	return found, read, more || moreLetters, nil
}

// standing reads from the table which orders have not changed.
func (s *Stack) standing(ctx context.Context, o Stuck) (found []*StuckOrder, read Reading, more bool, err error) {
	names, err := s.need("OrdersTableName")
	if err != nil {
		return nil, read, false, err
	}
	var final []string
	for _, status := range order.Terminals() {
		final = append(final, string(status))
	}
	values := item{":item": dynamo.Text(record.StatusItem), ":before": timestamp(s.now().Add(-o.Older))}
	in := dynamodb.ScanInput{
		TableName:            &names[0],
		FilterExpression:     aws.String("#sk = :item AND #updatedAt <= :before AND NOT #status IN (" + listOf("final", final, values) + ")"),
		ProjectionExpression: aws.String("#pk, #tenant, #orderId, #status, #sequence, #updatedAt, #cancelRequested, #ownedAt"),
		ExpressionAttributeNames: map[string]string{
			"#pk": record.PartitionKey, "#sk": record.SortKey, "#tenant": record.Tenant, "#orderId": record.OrderID, "#status": record.Status,
			"#sequence": record.Sequence, "#updatedAt": record.UpdatedAt, "#cancelRequested": record.CancelRequested, "#ownedAt": record.OwnedAt,
		},
		ExpressionAttributeValues: values,
	}
	read, err = s.scan(ctx, in, o.Progress, func(it item) bool {
		if more = len(found) == o.Limit; more {
			return false
		}
		if stuck := readStuck(it); stuck != nil {
			found = append(found, stuck)
		}
		return true
	})
	return found, read, more, err
}

// readStuck reads a STATUS item; nil if it is none.
func readStuck(it item) *StuckOrder {
	if dynamo.TextOf(it[record.Status]) == "" {
		return nil
	}
	o := &StuckOrder{
		key: dynamo.TextOf(it[record.PartitionKey]), OrderID: dynamo.TextOf(it[record.OrderID]), Tenant: dynamo.TextOf(it[record.Tenant]),
		Status: order.Status(dynamo.TextOf(it[record.Status])), Since: timeOf(it[record.UpdatedAt]), CancelRequested: it[record.CancelRequested] != nil,
	}
	o.Sequence = dynamo.NumberOf(it[record.Sequence])
	if ms := dynamo.NumberOf(it[record.OwnedAt]); ms > 0 {
		o.owned = time.UnixMilli(ms)
	}
	return o
}

// queued are the orders that are dead letters and not in the table, and known those that are, and stand still. The letter of one that has gone on is a
// duplicate.
func (s *Stack) queued(ctx context.Context, o Stuck) (found, known []*StuckOrder, more bool, err error) {
	names, err := s.need("OrdersTableName")
	if err != nil {
		return nil, nil, false, err
	}
	q, err := s.Queue(ctx, Orders)
	if err != nil || q.Waiting == 0 {
		return nil, nil, false, err
	}
	letters, all, err := s.Look(ctx, q, filterOf(o.Order), o.Limit)
	if err != nil {
		return nil, nil, false, err
	}
	for _, l := range letters {
		key := aws.ToString(l.message.MessageAttributes[record.MessageKey].StringValue)
		if key == "" || s.now().Sub(l.Sent) < o.Older {
			continue
		}
		it, err := s.item(ctx, names[0], key, record.StatusItem)
		if err != nil {
			return nil, nil, false, err
		}
		if stuck := readStuck(it); stuck != nil {
			if !order.Terminal(stuck.Status) && s.now().Sub(stuck.Since) >= o.Older {
				known = append(known, stuck)
			}
			continue
		}
		found = append(found, &StuckOrder{
			OrderID: l.OrderID, Tenant: l.Tenant, Status: order.Queued, Since: l.Sent, Mending: MendMove, Why: "it is a dead letter of the queue of orders",
		})
	}
	return found, known, !all, nil
}

// judge finds out what an order is waiting for and what would have it go on.
func (s *Stack) judge(ctx context.Context, w *workflow, o *StuckOrder) error {
	if w.express {
		// Nobody can ask Step Functions, but the item says when an execution took the order (package asl).
		o.Mending, o.Why = MendStart, "its execution, if there was one, is over"
		if s.now().Sub(o.owned) < MinOlder {
			o.Mending, o.Why = MendWait, "its execution began at "+o.owned.UTC().Format(time.RFC3339)+" and may still run"
		}
		return nil
	}
	e, err := w.latest(ctx, order.ExecutionName(o.key, o.OrderID))
	if err != nil {
		return err
	}
	o.Execution = e
	again := o.Status == order.Accepted || o.Status == order.Reserved // from where a Standard workflow can begin anew
	switch {
	case e == nil && again:
		o.Mending, o.Why = MendStart, "there is no execution"
	case e == nil:
		o.Mending, o.Why = MendHand, "there is no execution any more, and a new one would not know what was done"
	case e.Status == "RUNNING" || e.Status == "PENDING_REDRIVE":
		o.Mending, o.Why = MendWait, "its execution runs"
		if e.State != "" {
			o.Why = "its execution is in " + e.State
		}
		if e.Callback {
			o.Why += ", which waits for a callback"
		}
	case e.Redrivable && e.Type != "Fail":
		o.Mending, o.Why = MendRedrive, "its execution has "+words[e.Status]+at(e)
	case again:
		o.Mending, o.Why = MendStart, "its execution has "+words[e.Status]+at(e)+" and cannot go on"
	default:
		o.Mending, o.Why = MendHand, "its execution has "+words[e.Status]+at(e)+" and cannot go on"
	}
	return nil
}

var words = map[string]string{"FAILED": "failed", "TIMED_OUT": "timed out", "ABORTED": "been aborted", "SUCCEEDED": "ended well and left the order behind"}

func at(e *Execution) string {
	if e.State == "" {
		return ""
	}
	return " in " + e.State
}

// Mend has orders go on that do not already: what was found out about each is found out again before. What became of each is in its Done and Failed.
// progress is told of each that was dealt with. The error is one that concerns all of them.
//
// IAM: dynamodb:GetItem on the table, as start and redrive; for dead letters as Redrive.
func (s *Stack) Mend(ctx context.Context, all []*StuckOrder, progress func()) error {
	w, err := s.workflow(ctx)
	if err != nil {
		return err
	}
	names, err := s.need("OrdersTableName")
	if err != nil {
		return err
	}
	var letters, others []*StuckOrder
	for _, o := range all {
		if o.Mending == MendMove {
			letters = append(letters, o)
		} else {
			others = append(others, o)
		}
	}
	err = forEach(ctx, others, func(ctx context.Context, o *StuckOrder) error {
		if err := s.mend(ctx, w, names[0], o); err != nil {
			if ctx.Err() != nil {
				return err
			}
			o.Failed = err.Error()
		}
		progress()
		return nil
	})
	if err != nil || len(letters) == 0 {
		return err
	}
	return s.moveLetters(ctx, letters, progress)
}

func (s *Stack) mend(ctx context.Context, w *workflow, table string, o *StuckOrder) error {
	it, err := s.item(ctx, table, o.key, record.StatusItem)
	if err != nil {
		return err
	}
	now := readStuck(it)
	if now == nil || order.Terminal(now.Status) || now.Sequence != o.Sequence {
		o.Done = true // It has gone on by itself.
		return nil
	}
	if err := s.judge(ctx, w, now); err != nil {
		return err
	}
	o.Execution, o.Mending, o.Why = now.Execution, now.Mending, now.Why
	switch o.Mending {
	case MendRedrive:
		err = w.redrive(ctx, o.Execution)
	case MendStart:
		err = s.start(ctx, w, table, o)
	case MendWait:
		return nil
	default:
		return errors.New(o.Why)
	}
	o.Done = err == nil
	return err
}

// moveLetters moves the dead letters of orders back.
func (s *Stack) moveLetters(ctx context.Context, all []*StuckOrder, progress func()) error {
	q, err := s.Queue(ctx, Orders)
	if err != nil {
		return err
	}
	var f Filter
	for _, o := range all {
		f.Orders = append(f.Orders, o.OrderID)
	}
	moved, err := s.Redrive(ctx, q, Redrive{Filter: f})
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.Done = !moved.Partly; moved.Partly {
			o.Failed = "not all of the queue could be looked at; do it again"
		}
		progress()
	}
	return nil
}

// start starts an execution of an order with the body that was submitted.
func (s *Stack) start(ctx context.Context, w *workflow, table string, o *StuckOrder) error {
	body, err := s.item(ctx, table, o.key, record.BodyItem)
	if err != nil {
		return err
	}
	submitted, err := order.Parse([]byte(dynamo.TextOf(body[record.Body])))
	if err != nil {
		return fmt.Errorf("what was submitted cannot be read: %w", err)
	}
	input, err := handler.ExecutionInput(o.key, o.Tenant, o.OrderID, submitted)
	if err != nil {
		return err
	}
	n := 0
	switch {
	case o.Execution != nil:
		n = o.Execution.count + 1
	case w.express:
		n = int(o.Sequence) // Names of Express executions are free; this one tells which they are.
	}
	return w.start(ctx, order.ExecutionName(o.key, o.OrderID), n, input)
}

// forEach calls f with every element, a few at the same time, and returns the first error.
func forEach[T any](ctx context.Context, all []T, f func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan T)
	var workers sync.WaitGroup
	for range min(parallel, len(all)) {
		workers.Go(func() {
			for one := range next {
				if err := f(ctx, one); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, one := range all {
		if ctx.Err() != nil {
			break
		}
		next <- one
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}
