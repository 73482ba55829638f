package dynamo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Release gives back what Reserve took for the order, once, and cancels the
// shipment if one was booked. If nothing was taken, it makes sure that nothing
// will be. lines is what Reserve was given. It returns how many units went back.
func (inv *Inventory) Release(ctx context.Context, key string, lines []Line) (int, error) {
	total := 0
	for part := range max(1, (len(lines)+maxLines-1)/maxLines) {
		n, err := inv.giveBack(ctx, partKey(key, part), nil)
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// giveBack releases one part of a reservation. Between its read and its write
// the state can change, but only forward, and there are three of them.
func (inv *Inventory) giveBack(ctx context.Context, pk string, why *storedRejection) (int, error) {
	for range 3 {
		out, err := inv.Client.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &inv.Table, Key: item{inventoryKey: Text(pk)}, ConsistentRead: aws.Bool(true),
		})
		if err != nil {
			return 0, err
		}
		var n int
		switch seen := TextOf(out.Item[state]); {
		case out.Item == nil:
			err = inv.bar(ctx, pk)
		case seen == released:
			return 0, nil
		default:
			n, err = inv.unhold(ctx, pk, out.Item, why)
		}
		if !overtaken(err) {
			return n, err
		}
	}
	return 0, fmt.Errorf("dynamo: reservation %s keeps changing", pk)
}

// bar writes a reservation that was released before it came to be.
func (inv *Inventory) bar(ctx context.Context, pk string) error {
	_, err := inv.Client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:           &inv.Table,
		Item:                inv.reservation(pk, released, inv.Now()),
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	return err
}

func (inv *Inventory) unhold(ctx context.Context, pk string, r item, why *storedRejection) (int, error) {
	taken, ok := r[items].(*types.AttributeValueMemberM)
	if !ok {
		return 0, fmt.Errorf("dynamo: reservation %s has no items", pk)
	}
	update := "SET #state = :released, #at = :at"
	names := map[string]string{"#state": state, "#at": at}
	values := item{":released": Text(released), ":at": Text(Timestamp(inv.Now())), ":seen": r[state]}
	if why != nil {
		reason, err := json.Marshal(why)
		if err != nil {
			return 0, fmt.Errorf("dynamo: rejection: %w", err)
		}
		update += ", #rejection = :rejection"
		names["#rejection"], values[":rejection"] = rejection, Text(string(reason))
	}
	writes := []types.TransactWriteItem{{Update: &types.Update{
		TableName:                 &inv.Table,
		Key:                       item{inventoryKey: Text(pk)},
		UpdateExpression:          &update,
		ConditionExpression:       aws.String("#state = :seen"),
		ExpressionAttributeNames:  names,
		ExpressionAttributeValues: values,
	}}}
	total := 0
	for _, sku := range slices.Sorted(maps.Keys(taken.Value)) {
		quantity := NumberOf(taken.Value[sku])
		total += int(quantity)
		writes = append(writes, types.TransactWriteItem{Update: &types.Update{
			TableName:                 &inv.Table,
			Key:                       item{inventoryKey: Text(sku)},
			UpdateExpression:          aws.String("ADD available :quantity"),
			ExpressionAttributeValues: item{":quantity": number(quantity)},
		}})
	}
	_, err := inv.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes}, retryConflicts)
	if err != nil {
		return 0, err
	}
	return total, nil
}

// overtaken reports whether a write failed because the reservation was not as it was read.
func overtaken(err error) bool {
	var one *types.ConditionalCheckFailedException
	var many *types.TransactionCanceledException
	switch {
	case errors.As(err, &one):
		return true
	case errors.As(err, &many):
		return len(many.CancellationReasons) > 0 && conditionFailed(many.CancellationReasons[0])
	}
	return false
}

// Ship books the shipment of what is held for the order, under a tracking
// number, and returns the number: the first one, if it was booked before.
// The error is a *NotReserved or a *ReservationReleased if nothing is held.
func (inv *Inventory) Ship(ctx context.Context, key, number string) (string, error) {
	pk := partKey(key, 0)
	_, err := inv.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           &inv.Table,
		Key:                 item{inventoryKey: Text(pk)},
		UpdateExpression:    aws.String("SET #state = :shipped, #at = :at, #tracking = :tracking"),
		ConditionExpression: aws.String("#state = :held"),
		ExpressionAttributeNames: map[string]string{
			"#state": state, "#at": at, "#tracking": tracking,
		},
		ExpressionAttributeValues: item{
			":shipped": Text(shipped), ":held": Text(held), ":at": Text(Timestamp(inv.Now())), ":tracking": Text(number),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		return number, err
	}
	switch TextOf(failed.Item[state]) {
	case shipped:
		return TextOf(failed.Item[tracking]), nil
	case released:
		return "", &ReservationReleased{Key: pk}
	}
	return "", &NotReserved{Key: pk}
}

// CountAttempt implements payment.Attempts.
func (inv *Inventory) CountAttempt(ctx context.Context, key string) (int, error) {
	out, err := inv.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &inv.Table,
		Key:                       item{inventoryKey: Text("attempts#" + key)},
		UpdateExpression:          aws.String("ADD #attempts :one"),
		ExpressionAttributeNames:  map[string]string{"#attempts": attempts},
		ExpressionAttributeValues: item{":one": number1},
		ReturnValues:              types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return 0, err
	}
	return int(NumberOf(out.Attributes[attempts])), nil
}

var number1 = number(1)
