package dynamodb_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/dynamodb"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a service with the tables that the tests share.
type world struct {
	t testing.TB
	k *sim.Kernel
	s *dynamodb.Service
}

const tableProps = `{
	"AttributeDefinitions": [
		{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"},
		{"AttributeName": "gh", "AttributeType": "S"}, {"AttributeName": "gn", "AttributeType": "N"}],
	"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
	"GlobalSecondaryIndexes": [
		{"IndexName": "all", "KeySchema": [{"AttributeName": "gh", "KeyType": "HASH"}, {"AttributeName": "gn", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "ALL"}},
		{"IndexName": "some", "KeySchema": [{"AttributeName": "gh", "KeyType": "HASH"}], "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]}}],
	"LocalSecondaryIndexes": [
		{"IndexName": "loc", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "gn", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}],
	"StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
	"TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": true}
}`

const plainProps = `{
	"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
	"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]
}`

func newWorld(t testing.TB) *world {
	w := &world{t: t, k: sim.New(start, 1)}
	w.s = dynamodb.NewService(w.k, "eu-west-1", "123456789012")
	w.table("orders", tableProps)
	w.table("plain", plainProps)
	return w
}

func (w *world) table(name, props string) *dynamodb.Table {
	w.t.Helper()
	var p dynamodb.TableProperties
	if err := json.Unmarshal([]byte(props), &p); err != nil {
		w.t.Fatal(err)
	}
	t, err := w.s.CreateTable(name, p)
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

// call makes a call that must answer in the same event.
func (w *world) call(action, input string) ([]byte, error) {
	var out []byte
	var err error
	calls := 0
	w.s.Do(api.Call{Service: "dynamodb", Action: action, Input: []byte(input)}, func(o []byte, e error) {
		out, err = o, e
		calls++
	})
	if calls != 1 {
		w.t.Fatalf("%s: done was called %d times", action, calls)
	}
	return out, err
}

// ok makes a call that must succeed.
func (w *world) ok(action, input string) string {
	w.t.Helper()
	out, err := w.call(action, input)
	if err != nil {
		w.t.Fatalf("%s %s: %v", action, input, err)
	}
	if !json.Valid(out) {
		w.t.Fatalf("%s: invalid JSON: %s", action, out)
	}
	return string(out)
}

// refused makes a call that must fail, and returns its error's body.
func (w *world) refused(action, input string) string {
	w.t.Helper()
	out, err := w.call(action, input)
	if err == nil {
		w.t.Fatalf("%s %s: succeeded with %s", action, input, out)
	}
	var e *api.Error
	if !errors.As(err, &e) {
		w.t.Fatalf("%s: %T: %v", action, err, err)
	}
	return string(bytes.TrimSpace(e.Body("")))
}

func (w *world) expect(got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOrderLifecycle(t *testing.T) {
	w := newWorld(t)
	put := `{"TableName":"orders","Item":{"pk":{"S":"t#1"},"sk":{"S":"STATUS"},"n":{"N":"1"}},"ConditionExpression":"attribute_not_exists(pk)"}`
	w.expect(w.ok("PutItem", put), `{}`)
	w.expect(w.refused("PutItem", put), `{"__type":"ConditionalCheckFailedException","message":"The conditional request failed"}`)
	update := `{"TableName":"orders","Key":{"pk":{"S":"t#1"},"sk":{"S":"STATUS"}},
		"UpdateExpression":"SET #s = :new, history = list_append(if_not_exists(history, :none), :entry) ADD #q :one",
		"ConditionExpression":"attribute_not_exists(#s) OR #s IN (:a, :b)",
		"ExpressionAttributeNames":{"#s":"status","#q":"sequence"},
		"ExpressionAttributeValues":{":new":{"S":"ACCEPTED"},":none":{"L":[]},":entry":{"L":[{"S":"x"}]},":one":{"N":"1"},":a":{"S":"QUEUED"},":b":{"S":"NEW"}},
		"ReturnValues":"ALL_NEW","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}`
	w.expect(w.ok("UpdateItem", update),
		`{"Attributes":{"history":{"L":[{"S":"x"}]},"n":{"N":"1"},"pk":{"S":"t#1"},"sequence":{"N":"1"},"sk":{"S":"STATUS"},"status":{"S":"ACCEPTED"}}}`)
	w.expect(w.refused("UpdateItem", update),
		`{"Item":{"history":{"L":[{"S":"x"}]},"n":{"N":"1"},"pk":{"S":"t#1"},"sequence":{"N":"1"},"sk":{"S":"STATUS"},"status":{"S":"ACCEPTED"}},"__type":"ConditionalCheckFailedException","message":"The conditional request failed"}`)
	w.expect(w.ok("Query", `{"TableName":"orders","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"t#1"}},"ProjectionExpression":"sk, history[0]","ReturnConsumedCapacity":"TOTAL"}`),
		`{"Items":[{"history":{"L":[{"S":"x"}]},"sk":{"S":"STATUS"}}],"Count":1,"ScannedCount":1,"ConsumedCapacity":{"TableName":"orders","CapacityUnits":0.5}}`)
}

func TestTransactionIsAllOrNothing(t *testing.T) {
	w := newWorld(t)
	w.ok("PutItem", `{"TableName":"plain","Item":{"id":{"S":"a"},"stock":{"N":"2"}}}`)
	take := `{"TransactItems":[
		{"Put":{"TableName":"plain","Item":{"id":{"S":"reservation"}}}},
		{"Update":{"TableName":"plain","Key":{"id":{"S":"a"}},"UpdateExpression":"SET stock = stock - :n","ConditionExpression":"stock >= :n","ExpressionAttributeValues":{":n":{"N":"2"}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}}]}`
	w.expect(w.ok("TransactWriteItems", take), `{}`)
	w.ok("DeleteItem", `{"TableName":"plain","Key":{"id":{"S":"reservation"}}}`)
	w.expect(w.refused("TransactWriteItems", take),
		`{"CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed","Message":"The conditional request failed","Item":{"id":{"S":"a"},"stock":{"N":"0"}}}],"Message":"Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]","__type":"TransactionCanceledException","message":"Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]"}`)
	w.expect(w.ok("GetItem", `{"TableName":"plain","Key":{"id":{"S":"reservation"}}}`), `{}`)
}

// TestListenerMayCall: what hears of a change may call the service from there.
func TestListenerMayCall(t *testing.T) {
	w := newWorld(t)
	w.s.Table("orders").OnStreamRecord(func(r dynamodb.StreamRecord) {
		w.ok("PutItem", `{"TableName":"plain","Item":{"id":{"S":"`+r.Keys.Get("sk").Text()+`"},"copy":{"BOOL":true}}}`)
	})
	w.expect(w.ok("PutItem", `{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"1"}},"ReturnConsumedCapacity":"TOTAL"}`),
		`{"ConsumedCapacity":{"TableName":"orders","CapacityUnits":1}}`)
	w.ok("TransactWriteItems", `{"TransactItems":[
		{"Put":{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"2"}}}},{"Put":{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"3"}}}}]}`)
	w.expect(w.ok("GetItem", `{"TableName":"plain","Key":{"id":{"S":"3"}}}`), `{"Item":{"copy":{"BOOL":true},"id":{"S":"3"}}}`)
	if n := w.s.Table("orders").Len() + w.s.Table("plain").Len(); n != 6 {
		t.Errorf("%d items, want 6", n)
	}
}
