package operate

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/dynamo"
)

// item is an item of the orders table.
type item = map[string]types.AttributeValue

// Reading is how much of the table was read.
type Reading struct {
	// Items and Bytes are what the table has, as DynamoDB counts them every six hours.
	Items, Bytes int64
	// Read is how many items were read, and Units what was paid for them, in read request units.
	Read  int64
	Units float64
}

// Estimate is what reading the whole table costs, in read request units: half of one for each 4 KiB, since a moment's
// delay does not matter (DynamoDB Developer Guide, "Read consistency").
func (r Reading) Estimate() int64 { return r.Bytes / 8192 }

// segments is how many parts of the table are read at the same time.
const segments = 4

// scan reads the whole table and hands each item that the filter takes to f, one after the other, until f returns false. The
// table has no index by status or time: see ADR 26.
//
// IAM: dynamodb:DescribeTable and dynamodb:Scan on the table.
func (s *Stack) scan(ctx context.Context, in dynamodb.ScanInput, progress func(Reading), f func(item) bool) (Reading, error) {
	tables := dynamodb.NewFromConfig(s.cfg)
	about, err := tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: in.TableName})
	if err != nil {
		return Reading{}, fmt.Errorf("table %s: %w", *in.TableName, err)
	}
	r := Reading{Items: aws.ToInt64(about.Table.ItemCount), Bytes: aws.ToInt64(about.Table.TableSizeBytes)}
	progress(r)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		mu     sync.Mutex // of r and f
		failed error
		enough atomic.Bool
		parts  sync.WaitGroup
	)
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	for n := range segments {
		part := in
		part.Segment, part.TotalSegments = aws.Int32(int32(n)), aws.Int32(segments)
		parts.Go(func() {
			pages := dynamodb.NewScanPaginator(tables, &part)
			for pages.HasMorePages() && !enough.Load() {
				page, err := pages.NextPage(ctx)
				mu.Lock()
				if err != nil {
					if failed == nil && !enough.Load() {
						failed = fmt.Errorf("table %s: %w", *in.TableName, err)
					}
					cancel()
					mu.Unlock()
					return
				}
				r.Read += int64(page.ScannedCount)
				if page.ConsumedCapacity != nil {
					r.Units += aws.ToFloat64(page.ConsumedCapacity.CapacityUnits)
				}
				progress(r)
				for _, it := range page.Items {
					if !enough.Load() && !f(it) {
						enough.Store(true)
					}
				}
				mu.Unlock()
			}
		})
	}
	parts.Wait()
	return r, failed
}

// keysOf are the partition keys that an order's id can have. It ends in its tenant's tag (ADR 9), which may have the character in it
// that is before it.
func keysOf(orderID string) []string {
	var keys []string
	for i, c := range orderID {
		if c != '-' {
			continue
		}
		tag := orderID[i+1:]
		if tenant, err := base64.RawURLEncoding.DecodeString(tag); err == nil && len(tenant) > 0 && utf8.Valid(tenant) {
			keys = append(keys, tag+"#"+orderID)
		}
	}
	return keys
}

// UnknownOrder says that the table has no order of that id.
type UnknownOrder struct{ ID string }

func (e *UnknownOrder) Error() string {
	return fmt.Sprintf("there is no order %s in the table: if it was accepted, orderflow redrive orders tells whether it is a dead letter", e.ID)
}

// order reads the STATUS item of an order by its id.
//
// IAM: dynamodb:GetItem on the table.
func (s *Stack) order(ctx context.Context, id string) (item, error) {
	names, err := s.need("OrdersTableName")
	if err != nil {
		return nil, err
	}
	for _, key := range keysOf(id) {
		it, err := s.item(ctx, names[0], key, record.StatusItem)
		if err != nil {
			return nil, err
		}
		if dynamo.TextOf(it[record.OrderID]) == id && dynamo.TextOf(it[record.Status]) != "" {
			return it, nil
		}
	}
	return nil, &UnknownOrder{id}
}

// item reads an item as it is now; nil if there is none.
func (s *Stack) item(ctx context.Context, table, key, sort string) (item, error) {
	out, err := dynamodb.NewFromConfig(s.cfg).GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &table, ConsistentRead: aws.Bool(true),
		Key: item{record.PartitionKey: dynamo.Text(key), record.SortKey: dynamo.Text(sort)},
	})
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", table, err)
	}
	return out.Item, nil
}

// timeOf reads a time as the records hold it.
func timeOf(v types.AttributeValue) time.Time {
	t, err := time.Parse(time.RFC3339, dynamo.TextOf(v))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// timestamp writes one, so that it can be compared as a text.
func timestamp(t time.Time) types.AttributeValue { return dynamo.Text(dynamo.Timestamp(t)) }

// listOf writes placeholders for values of an expression.
func listOf(prefix string, values []string, in item) string {
	var names []string
	for i, v := range values {
		name := fmt.Sprintf(":%s%d", prefix, i)
		names, in[name] = append(names, name), dynamo.Text(v)
	}
	return strings.Join(names, ", ")
}
