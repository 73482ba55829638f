package dynamo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/orderflow-cdk/orderflow/internal/order"
)

// Inventory is the table of stock, with what is held of it for which order.
// Its key is pk (S) alone:
//
//	pk                    attributes
//	<sku>                 available (N): what can still be promised
//	order#<order key>     a reservation: state (S), items (M: N by SKU), at (S), expiresAt (N)
//	order#<order key>#1   the rest of a reservation of more than 99 SKUs
//	attempts#<order key>  attempts (N): of a flaky card in the payment sandbox
//
// Stock changes only in a transaction with a reservation whose state allows it,
// and a state goes one way: (none) → HELD → SHIPPED, and from each → RELEASED.
// So stock is taken once and given back once, whatever is repeated and in
// whichever order it arrives; a RELEASED reservation also refuses one that comes late.
//
// IAM: reserve needs dynamodb:PutItem, UpdateItem and GetItem on the table;
// release the same; ship, and charge with the sandbox, UpdateItem.
type Inventory struct {
	Client *dynamodb.Client
	Table  string
	Now    func() time.Time
	// Retention is how long a reservation is kept; 0: for ever.
	Retention time.Duration
}

// Attributes of the table.
const (
	inventoryKey = "pk"
	available    = "available"
	state        = "state"
	items        = "items"
	at           = "at"
	expiresAt    = "expiresAt"
	rejection    = "rejection"
	tracking     = "trackingNumber"
	attempts     = "attempts"
)

// States of a reservation.
const (
	held     = "HELD"
	shipped  = "SHIPPED"
	released = "RELEASED"
)

// Line is a quantity of a SKU.
type Line struct {
	SKU      string
	Quantity int
}

// Lines returns the stock that an order needs: one line for each SKU, sorted.
func Lines(o *order.Order) []Line {
	var lines []Line
	for _, i := range o.Items {
		at, found := slices.BinarySearchFunc(lines, i.SKU, func(l Line, sku string) int { return cmp.Compare(l.SKU, sku) })
		if found {
			lines[at].Quantity += i.Quantity
			continue
		}
		lines = slices.Insert(lines, at, Line{i.SKU, i.Quantity})
	}
	return lines
}

// ReservationReleased says that the order's stock was given back before: what
// comes late finds nothing to do its work on. Repeating does not help.
type ReservationReleased struct{ Key string }

func (e *ReservationReleased) Error() string {
	return "the stock of this order was given back before"
}

// NotReserved says that no stock is held for the order. Repeating does not help.
type NotReserved struct{ Key string }

func (e *NotReserved) Error() string { return "no stock is held for this order" }

// maxLines is how many SKUs one transaction can take: 100 actions (DynamoDB
// API, TransactWriteItems), one of which is the reservation.
const maxLines = 99

// Reserve takes the lines out of the stock, all or none. Doing it again is
// harmless. The error is an *order.UnknownSku or an *order.OutOfStock if
// it is the stock that does not allow it.
//
// More than 99 SKUs take a second transaction. If that one is turned down, the
// first is undone, and its reservation remembers why, so that a repetition
// answers the same.
func (inv *Inventory) Reserve(ctx context.Context, key string, lines []Line) error {
	part := 0
	for chunk := range slices.Chunk(lines, maxLines) {
		err := inv.hold(ctx, partKey(key, part), chunk)
		if err == nil {
			part++
			continue
		}
		if why := rejectionOf(err); why != nil {
			for i := range part {
				if _, undo := inv.giveBack(ctx, partKey(key, i), why); undo != nil {
					return undo
				}
			}
		}
		return err
	}
	return nil
}

func (inv *Inventory) hold(ctx context.Context, pk string, lines []Line) error {
	now := inv.Now()
	quantities := item{}
	for _, l := range lines {
		quantities[l.SKU] = number(int64(l.Quantity))
	}
	reservation := inv.reservation(pk, held, now)
	reservation[items] = &types.AttributeValueMemberM{Value: quantities}

	writes := make([]types.TransactWriteItem, 0, 1+len(lines))
	writes = append(writes, types.TransactWriteItem{Put: &types.Put{
		TableName:                           &inv.Table,
		Item:                                reservation,
		ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}})
	for _, l := range lines {
		writes = append(writes, types.TransactWriteItem{Update: &types.Update{
			TableName:                           &inv.Table,
			Key:                                 item{inventoryKey: Text(l.SKU)},
			UpdateExpression:                    aws.String("SET available = available - :quantity"),
			ConditionExpression:                 aws.String("available >= :quantity"),
			ExpressionAttributeValues:           item{":quantity": number(int64(l.Quantity))},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}})
	}
	_, err := inv.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes}, retryConflicts)
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return err
	}
	if len(cancelled.CancellationReasons) != len(writes) {
		return fmt.Errorf("dynamo: %d cancellation reasons for %d writes: %w", len(cancelled.CancellationReasons), len(writes), err)
	}
	if before := cancelled.CancellationReasons[0]; conditionFailed(before) {
		return standing(pk, before.Item)
	}
	if why := shortage(lines, cancelled.CancellationReasons[1:]); why != nil {
		return why
	}
	return err
}

// standing judges a second reservation by the first one.
func standing(pk string, first item) error {
	switch TextOf(first[state]) {
	case held, shipped:
		return nil
	case released:
		return cmp.Or(readRejection(TextOf(first[rejection])), error(&ReservationReleased{Key: pk}))
	}
	return fmt.Errorf("dynamo: reservation %s has state %q", pk, TextOf(first[state]))
}

// shortage tells from the reasons of the stock's updates which SKUs were not
// enough. A failed condition comes with the item, if there is one.
func shortage(lines []Line, reasons []types.CancellationReason) error {
	var unknown []string
	var short []order.Shortage
	for i, r := range reasons {
		if !conditionFailed(r) {
			continue
		}
		if len(r.Item) == 0 {
			unknown = append(unknown, lines[i].SKU)
			continue
		}
		short = append(short, order.Shortage{
			SKU: lines[i].SKU, Wanted: lines[i].Quantity, Available: int(NumberOf(r.Item[available])),
		})
	}
	if unknown != nil {
		return &order.UnknownSku{SKUs: unknown}
	}
	if short != nil {
		return &order.OutOfStock{Shortages: short}
	}
	return nil
}

func conditionFailed(r types.CancellationReason) bool {
	return aws.ToString(r.Code) == "ConditionalCheckFailed"
}

func (inv *Inventory) reservation(pk, in string, now time.Time) item {
	it := item{inventoryKey: Text(pk), state: Text(in), at: Text(Timestamp(now))}
	if inv.Retention > 0 {
		it[expiresAt] = expiry(now, inv.Retention)
	}
	return it
}

// partKey is the key of one part of an order's reservation.
func partKey(key string, part int) string {
	if part == 0 {
		return "order#" + key
	}
	return "order#" + key + "#" + strconv.Itoa(part)
}

// storedRejection is a rejection within a RELEASED reservation.
type storedRejection struct {
	Unknown []string         `json:"unknown,omitempty"`
	Short   []order.Shortage `json:"short,omitempty"`
}

// rejectionOf returns nil for an error that is no rejection.
func rejectionOf(err error) *storedRejection {
	var unknown *order.UnknownSku
	var short *order.OutOfStock
	switch {
	case errors.As(err, &unknown):
		return &storedRejection{Unknown: unknown.SKUs}
	case errors.As(err, &short):
		return &storedRejection{Short: short.Shortages}
	}
	return nil
}

func readRejection(s string) error {
	var r storedRejection
	if s == "" || json.Unmarshal([]byte(s), &r) != nil {
		return nil
	}
	if r.Unknown != nil {
		return &order.UnknownSku{SKUs: r.Unknown}
	}
	return &order.OutOfStock{Shortages: r.Short}
}
