package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/dynamodb"
)

func TestPropertiesOfTheCDK(t *testing.T) {
	table := &cfn.Resource{LogicalID: "Orders", Type: "AWS::DynamoDB::Table", Properties: json.RawMessage(`{
		"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
		"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
		"BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": "true",
		"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true},
		"SSESpecification": {"SSEEnabled": true}, "Tags": [{"Key": "a", "Value": "b"}],
		"StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
		"TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": "true"}}`)}
	var p dynamodb.TableProperties
	declared, err := cfn.Decode(table, &p)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"BillingMode", "DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "SSESpecification", "Tags"}
	if d := cmp.Diff(want, declared); d != "" {
		t.Error(d)
	}
	global := &cfn.Resource{LogicalID: "Orders", Type: "AWS::DynamoDB::GlobalTable", Properties: json.RawMessage(`{
		"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
		"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
		"Replicas": [{"Region": "eu-west-1", "DeletionProtectionEnabled": true, "TableClass": "STANDARD"}],
		"StreamSpecification": {"StreamViewType": "NEW_IMAGE"}}`)}
	var g dynamodb.GlobalTableProperties
	if _, err := cfn.Decode(global, &g); err != nil {
		t.Fatal(err)
	}
	if p, err = g.InRegion("eu-west-1"); err != nil || p.StreamSpecification.StreamViewType != "NEW_IMAGE" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := g.InRegion("us-east-1"); err == nil {
		t.Error("the replica of another region was taken")
	}
	g.Replicas = append(g.Replicas, dynamodb.Replica{Region: "us-east-1"})
	if _, err := g.InRegion("eu-west-1"); err == nil {
		t.Error("two replicas were accepted")
	}
}

func TestCreateTableRefuses(t *testing.T) {
	attributes := `"AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}, {"AttributeName": "b", "AttributeType": "N"}]`
	for _, c := range []struct{ props, want string }{
		{`{}`, "KeySchema has 0 elements"},
		{`{` + attributes + `, "KeySchema": [{"AttributeName": "a", "KeyType": "RANGE"}]}`, `element 1 is "RANGE", want HASH`},
		{`{` + attributes + `, "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}]}`, `"x" is not in AttributeDefinitions`},
		{`{` + attributes + `, "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}]}`, `"b" is in no key`},
		{`{"AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "BOOL"}], "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}]}`, `want S, N or B`},
		{`{` + attributes + `, "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}], "GlobalSecondaryIndexes": [{"IndexName": "gsi", "KeySchema": [{"AttributeName": "b", "KeyType": "HASH"}], "Projection": {"ProjectionType": "INCLUDE"}}]}`, `projection "INCLUDE" does not go with 0`},
		{`{` + attributes + `, "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}], "LocalSecondaryIndexes": [{"IndexName": "lsi", "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}, {"AttributeName": "b", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "ALL"}}]}`, `as the table must`},
		{strings.Replace(plainProps, `"KeySchema"`, `"StreamSpecification": {"StreamViewType": "ALL"}, "KeySchema"`, 1), `StreamViewType "ALL" is unknown`},
	} {
		var p dynamodb.TableProperties
		if err := json.Unmarshal([]byte(c.props), &p); err != nil {
			t.Fatal(err)
		}
		if _, err := newWorld(t).s.CreateTable("refused", p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.props, err, c.want)
		}
	}
	w := newWorld(t)
	if _, err := w.s.CreateTable("plain", dynamodb.TableProperties{}); err == nil {
		t.Error("two tables have one name")
	}
}

func TestWhatIsNotSimulatedIsRefused(t *testing.T) {
	w := newWorld(t)
	w.expect(w.refused("ExecuteStatement", `{}`), `{"__type":"UnknownOperationException","message":"DynamoDB action \"ExecuteStatement\" is not simulated"}`)
	for _, legacy := range []string{`"Expected":{}`, `"AttributeUpdates":{}`, `"ConditionalOperator":"AND"`} {
		got := w.refused("UpdateItem", `{"TableName":"plain","Key":{"id":{"S":"a"}},`+legacy+`}`)
		if !strings.Contains(got, "not simulated") {
			t.Errorf("%s: %s", legacy, got)
		}
	}
}

func TestCapacityTotals(t *testing.T) {
	w := newWorld(t)
	orders, plain := w.s.Table("orders"), w.s.Table("plain")
	check := func(what string, table *dynamodb.Table, want dynamodb.Capacity) {
		t.Helper()
		if got := table.Consumed(); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	big := strings.Repeat("x", 5000)
	w.ok("PutItem", `{"TableName":"plain","Item":{"id":{"S":"a"},"x":{"S":"`+big+`"}}}`)
	check("a write of 5 KB", plain, dynamodb.Capacity{Write: 5})
	w.ok("GetItem", `{"TableName":"plain","Key":{"id":{"S":"a"}}}`)
	check("an eventually consistent read of 5 KB", plain, dynamodb.Capacity{Write: 5, Read: 1})
	w.ok("GetItem", `{"TableName":"plain","Key":{"id":{"S":"a"}},"ConsistentRead":true}`)
	check("a consistent read of 5 KB", plain, dynamodb.Capacity{Write: 5, Read: 3})
	w.refused("PutItem", `{"TableName":"plain","Item":{"id":{"S":"a"}},"ConditionExpression":"attribute_not_exists(id)"}`)
	check("a refused write", plain, dynamodb.Capacity{Write: 10, Read: 3})
	w.ok("TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"plain","Item":{"id":{"S":"a"}}}}],"ClientRequestToken":"t"}`)
	check("a transaction that replaces 5 KB", plain, dynamodb.Capacity{Write: 20, Read: 3})
	w.ok("TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"plain","Item":{"id":{"S":"a"}}}}],"ClientRequestToken":"t"}`)
	check("the same transaction again", plain, dynamodb.Capacity{Write: 20, Read: 5})
	w.ok("TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"plain","Key":{"id":{"S":"a"}}}}]}`)
	check("a transactional read", plain, dynamodb.Capacity{Write: 20, Read: 7})
	w.ok("DeleteItem", `{"TableName":"plain","Key":{"id":{"S":"none"}}}`)
	check("a delete of nothing", plain, dynamodb.Capacity{Write: 21, Read: 7})

	w.expect(w.ok("PutItem", `{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"1"},"gh":{"S":"g"},"gn":{"N":"1"},"y":{"N":"1"}},"ReturnConsumedCapacity":"INDEXES"}`),
		`{"ConsumedCapacity":{"TableName":"orders","CapacityUnits":4,"Table":{"CapacityUnits":1},"GlobalSecondaryIndexes":{"all":{"CapacityUnits":1},"some":{"CapacityUnits":1}},"LocalSecondaryIndexes":{"loc":{"CapacityUnits":1}}}}`)
	check("a write to three indexes", orders, dynamodb.Capacity{Write: 4})
	w.ok("UpdateItem", `{"TableName":"orders","Key":{"pk":{"S":"a"},"sk":{"S":"1"}},"UpdateExpression":"SET y = :y","ExpressionAttributeValues":{":y":{"N":"2"}}}`)
	check("a change that one index holds", orders, dynamodb.Capacity{Write: 6})
}

func TestTokenLivesTenMinutes(t *testing.T) {
	w := newWorld(t)
	add := func(by string) string {
		return `{"ClientRequestToken":"t","TransactItems":[{"Update":{"TableName":"plain","Key":{"id":{"S":"a"}},"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"` + by + `"}}}}]}`
	}
	w.ok("TransactWriteItems", add("1"))
	w.k.Advance(10*time.Minute - time.Second)
	w.ok("TransactWriteItems", add("1"))
	if got := w.refused("TransactWriteItems", add("2")); !strings.Contains(got, "IdempotentParameterMismatchException") {
		t.Error(got)
	}
	// Members in another order are the same request.
	w.ok("TransactWriteItems", `{"TransactItems":[{"Update":{"ExpressionAttributeValues":{":n":{"N":"1"}},"UpdateExpression":"ADD n :n","Key":{"id":{"S":"a"}},"TableName":"plain"}}],"ClientRequestToken":"t"}`)
	w.k.Advance(time.Second)
	w.ok("TransactWriteItems", add("2"))
	w.expect(w.ok("GetItem", `{"TableName":"plain","Key":{"id":{"S":"a"}}}`), `{"Item":{"id":{"S":"a"},"n":{"N":"3"}}}`)
}

func TestPagesOfOneMegabyte(t *testing.T) {
	w := newWorld(t)
	for i := range 11 {
		w.ok("PutItem", fmt.Sprintf(`{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"%02d"},"x":{"S":%q}}}`, i, strings.Repeat("x", 200_000)))
	}
	startKey, pages, items := "", 0, 0
	for {
		var page struct {
			Count            int
			LastEvaluatedKey json.RawMessage
		}
		out := w.ok("Query", `{"TableName":"orders","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"a"}}`+startKey+`}`)
		if err := json.Unmarshal([]byte(out), &page); err != nil {
			t.Fatal(err)
		}
		pages, items = pages+1, items+page.Count
		if page.LastEvaluatedKey == nil {
			break
		}
		startKey = `,"ExclusiveStartKey":` + string(page.LastEvaluatedKey)
	}
	if pages != 2 || items != 11 {
		t.Errorf("%d items on %d pages, want 11 on 2", items, pages)
	}
}

func TestBatchGetLeavesTheRest(t *testing.T) {
	w := newWorld(t)
	var keys []string
	for i := range 50 {
		w.ok("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"%02d"},"x":{"S":%q}}}`, i, strings.Repeat("x", 400_000)))
		keys = append(keys, fmt.Sprintf(`{"id":{"S":"%02d"}}`, i))
	}
	out := w.ok("BatchGetItem", `{"RequestItems":{"plain":{"Keys":[`+strings.Join(keys, ",")+`],"ProjectionExpression":"#i","ExpressionAttributeNames":{"#i":"id"}}}}`)
	_, rest, _ := strings.Cut(out, `"UnprocessedKeys":`)
	w.expect(rest, `{"plain":{"Keys":[`+strings.Join(keys[42:], ",")+`],"ProjectionExpression":"#i","ExpressionAttributeNames":{"#i":"id"}}}}`)
	w.ok("BatchGetItem", `{"RequestItems":`+strings.TrimSuffix(rest, "}")+`}`)
}

func TestItemsAreInKeyOrder(t *testing.T) {
	w := newWorld(t)
	for _, k := range []string{"b 2", "a 3", "c 1", "a 1", "b 1"} {
		w.ok("PutItem", `{"TableName":"orders","Item":{"pk":{"S":"`+k[:1]+`"},"sk":{"S":"`+k[2:]+`"}}}`)
	}
	var got []string
	for _, it := range w.s.Table("orders").Items() {
		got = append(got, it.Get("pk").Text()+" "+it.Get("sk").Text())
	}
	if d := cmp.Diff([]string{"a 1", "a 3", "b 1", "b 2", "c 1"}, got); d != "" {
		t.Error(d)
	}
	if n := w.s.Table("orders").Bytes(); n != 5*(2+1+2+1) {
		t.Errorf("%d bytes", n)
	}
}

func TestDescribeTable(t *testing.T) {
	w := newWorld(t)
	w.ok("PutItem", `{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"1"},"gh":{"S":"g"}}}`)
	out := w.ok("DescribeTable", `{"TableName":"orders"}`)
	for _, want := range []string{
		`"TableArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders"`, `"TableStatus":"ACTIVE"`, `"ItemCount":1`, `"CreationDateTime":1772366400`,
		`"LatestStreamArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-03-01T12:00:00.000"`, `"LatestStreamLabel":"2026-03-01T12:00:00.000"`,
		`"IndexName":"some"`, `"NonKeyAttributes":["x"]`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	w.ok("GetItem", `{"TableName":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders","Key":{"pk":{"S":"a"},"sk":{"S":"1"}}}`)
}
