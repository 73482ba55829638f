package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/dynamo"
	"github.com/orderflow-cdk/orderflow/internal/handler"
	"github.com/orderflow-cdk/orderflow/internal/publish"
)

// Source is where an event was found.
type Source string

// The sources of events.
const (
	FromStream  Source = "stream"  // as it was
	FromHistory Source = "history" // as the order's history has it: without what steps returned
)

// errTrimmed says that a stream does not have its records any more.
var errTrimmed = errors.New("the stream has forgotten the records")

// emptyPages is how many pages without records may come one after the other before the one that is looked for.
const emptyPages = 20

// streamed reads the events of a position from the stream; errTrimmed if it does not have all of them any more.
//
// IAM: dynamodb:GetShardIterator and dynamodb:GetRecords on the stream.
func (s *Stack) streamed(ctx context.Context, p position) (events []publish.Message, untellable []error, err error) {
	streams := dynamodbstreams.NewFromConfig(s.cfg)
	at, err := streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &p.Stream, ShardId: &p.Shard, ShardIteratorType: streamtypes.ShardIteratorTypeAtSequenceNumber, SequenceNumber: &p.Start,
	})
	if forgotten(err) {
		return nil, nil, errTrimmed
	}
	if err != nil {
		return nil, nil, fmt.Errorf("stream: %w", err)
	}
	first, empty := true, 0
	for it := at.ShardIterator; it != nil && empty < emptyPages; {
		page, err := streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: it})
		if forgotten(err) {
			return nil, nil, errTrimmed
		}
		if err != nil {
			return nil, nil, fmt.Errorf("stream: %w", err)
		}
		it = page.NextShardIterator
		if empty++; len(page.Records) == 0 {
			continue
		}
		empty = 0
		var batch []streamtypes.Record
		done := false
		for _, r := range page.Records {
			number := aws.ToString(r.Dynamodb.SequenceNumber)
			if first && number != p.Start {
				return nil, nil, errTrimmed
			}
			first = false
			if after(number, p.End) {
				done = true
				break
			}
			batch = append(batch, r)
			done = number == p.End
		}
		if len(batch) > 0 {
			found, bad, err := handler.Events(lambdaEvent(batch))
			if err != nil {
				return nil, nil, err
			}
			events, untellable = append(events, found...), append(untellable, bad...)
		}
		if done {
			return events, untellable, nil
		}
	}
	return nil, nil, errTrimmed // It ends before the position does.
}

// forgotten reports whether a stream refuses what it had once: records for 24 hours, and a shard as long as it has records (DynamoDB Developer
// Guide, "Change data capture for DynamoDB Streams").
func forgotten(err error) bool {
	var trimmed *streamtypes.TrimmedDataAccessException
	var gone *streamtypes.ResourceNotFoundException
	return errors.As(err, &trimmed) || errors.As(err, &gone)
}

// after reports whether a sequence number comes after another: they are decimal numbers of up to 40 digits.
func after(a, b string) bool {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}

// lambdaEvent is a batch of records as Lambda gives it to a function.
func lambdaEvent(records []streamtypes.Record) []byte {
	type object = map[string]any
	var all []object
	for _, r := range records {
		d := object{"SequenceNumber": aws.ToString(r.Dynamodb.SequenceNumber), "Keys": plain(r.Dynamodb.Keys)}
		if r.Dynamodb.OldImage != nil {
			d["OldImage"] = plain(r.Dynamodb.OldImage)
		}
		if r.Dynamodb.NewImage != nil {
			d["NewImage"] = plain(r.Dynamodb.NewImage)
		}
		all = append(all, object{"dynamodb": d})
	}
	b, err := json.Marshal(object{"Records": all})
	if err != nil {
		panic(err) // texts, in maps
	}
	return b
}

// plain is an image as it is written in JSON, as far as STATUS items have it: see package record.
func plain(image map[string]streamtypes.AttributeValue) map[string]any {
	out := map[string]any{}
	for name, v := range image {
		switch v := v.(type) {
		case *streamtypes.AttributeValueMemberS:
			out[name] = map[string]any{"S": v.Value}
		case *streamtypes.AttributeValueMemberN:
			out[name] = map[string]any{"N": v.Value}
		case *streamtypes.AttributeValueMemberM:
			out[name] = map[string]any{"M": plain(v.Value)}
		}
	}
	return out
}

// period is a span of time; the zero times are always.
type period struct{ from, to time.Time }

func (p period) has(t time.Time) bool {
	return (p.from.IsZero() || !t.Before(p.from)) && (p.to.IsZero() || !t.After(p.to))
}

// How much earlier than a record an event may say that it happened, and how much later. A write says when its state was entered, and may be
// repeated for a while (package asl); the stream says when it has taken effect, by another clock, and to the second.
const (
	writeTakes  = 15 * time.Minute
	clocksApart = time.Minute
)

// historic are the events of the orders' histories that happened in one of the periods, of a tenant or, for "", of all.
//
// IAM: as scan.
func (s *Stack) historic(ctx context.Context, periods []period, tenant string, progress func(Reading)) (events []publish.Message, untellable []error, r Reading, err error) {
	names, err := s.need("OrdersTableName")
	if err != nil {
		return nil, nil, r, err
	}
	in := dynamodb.ScanInput{
		TableName: &names[0], FilterExpression: aws.String("#sk = :item AND attribute_exists(#status)"),
		ProjectionExpression: aws.String("#pk, #tenant, #orderId, #status, #history, #results, #detail"),
		ExpressionAttributeNames: map[string]string{
			"#pk": record.PartitionKey, "#sk": record.SortKey, "#tenant": record.Tenant, "#orderId": record.OrderID, "#status": record.Status,
			"#history": record.History, "#results": record.Results, "#detail": record.Detail,
		},
		ExpressionAttributeValues: item{":item": dynamo.Text(record.StatusItem)},
	}
	var earliest time.Time
	for i, p := range periods {
		if i == 0 || p.from.Before(earliest) {
			earliest = p.from
		}
	}
	if !earliest.IsZero() { // What has not changed since has no event since.
		*in.FilterExpression += " AND #updatedAt >= :from"
		in.ExpressionAttributeNames["#updatedAt"], in.ExpressionAttributeValues[":from"] = record.UpdatedAt, timestamp(earliest)
	}
	if tenant != "" {
		*in.FilterExpression += " AND #tenant = :tenant"
		in.ExpressionAttributeValues[":tenant"] = dynamo.Text(tenant)
	}
	r, err = s.scan(ctx, in, progress, func(it item) bool {
		found, bad := eventsOf(it, periods)
		events, untellable = append(events, found...), append(untellable, bad...)
		return true
	})
	return events, untellable, r, err
}

// eventsOf are the events of an order's history that happened in one of the periods, or all if there are none. They are made as package client makes them
// for whoever missed them, with what it leaves out.
func eventsOf(it item, periods []period) (events []publish.Message, untellable []error) {
	o := client.Order{State: client.State{OrderID: dynamo.TextOf(it[record.OrderID]), Detail: dynamo.TextOf(it[record.Detail])}}
	if results, ok := it[record.Results].(*types.AttributeValueMemberM); ok && len(results.Value) > 0 {
		o.Results = map[string]json.RawMessage{}
		for step := range results.Value {
			o.Results[step] = nil // Which of them came with which status is not known.
		}
	}
	if history, ok := it[record.History].(*types.AttributeValueMemberL); ok {
		for _, v := range history.Value {
			m, _ := v.(*types.AttributeValueMemberM)
			if m == nil {
				continue
			}
			entry := client.Entry{Status: dynamo.TextOf(m.Value[record.Status]), Reason: dynamo.TextOf(m.Value[record.Reason]), At: timeOf(m.Value[record.At])}
			entry.Sequence = dynamo.NumberOf(m.Value[record.Sequence])
			o.History = append(o.History, entry)
		}
	}
	group, _, _ := strings.Cut(dynamo.TextOf(it[record.PartitionKey]), "#")
	for _, e := range o.Events(0, dynamo.TextOf(it[record.Tenant])) {
		wanted := len(periods) == 0
		for _, p := range periods {
			wanted = wanted || p.has(e.OccurredAt)
		}
		if !wanted {
			continue
		}
		m, err := publish.NewMessage(e, group)
		if err != nil {
			untellable = append(untellable, err)
			continue
		}
		events = append(events, m)
	}
	return events, untellable
}
