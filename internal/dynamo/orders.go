package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/order"
)

// Orders is the table of orders, as package record describes it.
//
// IAM: dynamodb:PutItem and dynamodb:UpdateItem on the table.
type Orders struct {
	Client *dynamodb.Client
	Table  string
	// Retention is how long an order is kept after it was recorded; 0: for ever.
	Retention time.Duration
}

// Body is what was submitted under an order's id.
type Body struct {
	// Text is the body, byte for byte; nil if it was too large to be kept.
	Text []byte
	// Hash is the SHA-256 of what was submitted, in hex.
	Hash string
}

// PutBody writes a body as the order's, unless there is one. It returns the
// one that counts, which is the first, and whether it is b.
func (o *Orders) PutBody(ctx context.Context, key string, b Body, now time.Time) (Body, bool, error) {
	it := item{
		record.PartitionKey: Text(key),
		record.SortKey:      Text(record.BodyItem),
		record.PayloadHash:  Text(b.Hash),
	}
	if b.Text != nil {
		it[record.Body] = Text(string(b.Text))
	}
	if o.Retention > 0 {
		it[record.ExpiresAt] = expiry(now, o.Retention)
	}
	_, err := o.Client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &o.Table,
		Item:                                it,
		ConditionExpression:                 aws.String("attribute_not_exists(" + record.PartitionKey + ")"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var exists *types.ConditionalCheckFailedException
	if errors.As(err, &exists) {
		first := Body{Hash: TextOf(exists.Item[record.PayloadHash])}
		if first.Hash == "" {
			return Body{}, false, fmt.Errorf("dynamo: the body of %s has no hash", key)
		}
		if s, ok := exists.Item[record.Body]; ok {
			first.Text = []byte(TextOf(s))
		}
		return first, first.Hash == b.Hash, nil
	}
	if err != nil {
		return Body{}, false, err
	}
	return b, true, nil
}

// Entry is the first status of an order.
type Entry struct {
	Key, Tenant, OrderID string
	Status               order.Status
	Reason, Detail       string // "" where there is none
	PayloadHash          string
	AcceptedAt           time.Time
	Now                  time.Time
}

// Record writes the first status of an order, if it has none and, unless the
// status is CANCELLED, if no cancellation was requested. It returns the status
// that the order has now, and whether this call wrote it. The status is "" if the order
// was cancelled before it was recorded, and still is not.
func (o *Orders) Record(ctx context.Context, e Entry) (order.Status, bool, error) {
	at := Text(Timestamp(e.Now))
	entry := item{
		record.Sequence: number(1),
		record.Status:   Text(string(e.Status)),
		record.At:       at,
	}
	update := "SET #status = :status, #sequence = :one, #tenant = :tenant, #orderId = :orderId, " +
		"#acceptedAt = :acceptedAt, #updatedAt = :at, #history = :history, #results = :empty, #payloadHash = :hash"
	names := map[string]string{
		"#status": record.Status, "#sequence": record.Sequence, "#tenant": record.Tenant,
		"#orderId": record.OrderID, "#acceptedAt": record.AcceptedAt, "#updatedAt": record.UpdatedAt,
		"#history": record.History, "#results": record.Results, "#payloadHash": record.PayloadHash,
	}
	values := item{
		":status": Text(string(e.Status)), ":one": number(1), ":tenant": Text(e.Tenant),
		":orderId": Text(e.OrderID), ":acceptedAt": Text(Timestamp(e.AcceptedAt)), ":at": at,
		":empty": &types.AttributeValueMemberM{Value: item{}}, ":hash": Text(e.PayloadHash),
	}
	if e.Reason != "" {
		entry[record.Reason] = Text(e.Reason)
		update += ", #reason = :reason, #detail = :detail"
		names["#reason"], names["#detail"] = record.Reason, record.Detail
		values[":reason"], values[":detail"] = Text(e.Reason), Text(e.Detail)
	}
	values[":history"] = &types.AttributeValueMemberL{Value: []types.AttributeValue{
		&types.AttributeValueMemberM{Value: entry},
	}}
	if o.Retention > 0 {
		update += ", #expiresAt = :expiresAt"
		names["#expiresAt"] = record.ExpiresAt
		values[":expiresAt"] = expiry(e.Now, o.Retention)
	}
	condition := "attribute_not_exists(#status)"
	if e.Status != order.Cancelled {
		condition += " AND attribute_not_exists(#cancelRequested)"
		names["#cancelRequested"] = record.CancelRequested
	}
	_, err := o.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &o.Table,
		Key:                                 statusKey(e.Key),
		UpdateExpression:                    &update,
		ConditionExpression:                 &condition,
		ExpressionAttributeNames:            names,
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return order.Status(TextOf(failed.Item[record.Status])), false, nil
	}
	if err != nil {
		return "", false, err
	}
	return e.Status, true, nil
}

// CountConflict adds 1 to the submissions under the order's id whose body was
// another one. A message that SQS delivers twice may be counted twice.
func (o *Orders) CountConflict(ctx context.Context, key string) error {
	_, err := o.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &o.Table,
		Key:                       statusKey(key),
		UpdateExpression:          aws.String("ADD #conflicts :one"),
		ConditionExpression:       aws.String("attribute_exists(#status)"),
		ExpressionAttributeNames:  map[string]string{"#conflicts": record.Conflicts, "#status": record.Status},
		ExpressionAttributeValues: item{":one": number(1)},
	})
	return err
}

func statusKey(key string) item {
	return item{record.PartitionKey: Text(key), record.SortKey: Text(record.StatusItem)}
}
