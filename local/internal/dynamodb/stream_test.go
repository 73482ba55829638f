package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/dynamodb"
)

// records collects the JSON of a table's stream.
func (w *world) records(table string) *[]string {
	var got []string
	w.s.Table(table).OnStreamRecord(func(r dynamodb.StreamRecord) {
		b, err := json.Marshal(r)
		if err != nil {
			w.t.Fatal(err)
		}
		got = append(got, string(b))
	})
	return &got
}

func TestStreamRecordsAreLambdaEvents(t *testing.T) {
	w := newWorld(t)
	got := w.records("orders")
	w.ok("PutItem", `{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"1"},"n":{"N":"1"}}}`)
	w.k.Advance(1500 * time.Millisecond)
	update := `{"TableName":"orders","Key":{"pk":{"S":"a"},"sk":{"S":"1"}},"UpdateExpression":"SET n = :n","ExpressionAttributeValues":{":n":{"N":"2"}}}`
	w.ok("UpdateItem", update)
	w.ok("UpdateItem", update) // changes nothing: no record
	w.ok("DeleteItem", `{"TableName":"orders","Key":{"pk":{"S":"a"},"sk":{"S":"1"}}}`)
	w.ok("DeleteItem", `{"TableName":"orders","Key":{"pk":{"S":"a"},"sk":{"S":"1"}}}`)
	const arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-03-01T12:00:00.000"
	common := `"eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1"`
	keys := `"Keys":{"pk":{"S":"a"},"sk":{"S":"1"}}`
	one, two := `{"n":{"N":"1"},"pk":{"S":"a"},"sk":{"S":"1"}}`, `{"n":{"N":"2"},"pk":{"S":"a"},"sk":{"S":"1"}}`
	tail := `,"StreamViewType":"NEW_AND_OLD_IMAGES"},"eventSourceARN":"` + arn + `"}`
	want := []string{
		`"eventName":"INSERT",` + common + `,"dynamodb":{"ApproximateCreationDateTime":1772366400,` + keys + `,"NewImage":` + one + `,"SequenceNumber":"100000000000000000100000","SizeBytes":15` + tail,
		`"eventName":"MODIFY",` + common + `,"dynamodb":{"ApproximateCreationDateTime":1772366401,` + keys + `,"NewImage":` + two + `,"OldImage":` + one + `,"SequenceNumber":"100000000000000000200000","SizeBytes":24` + tail,
		`"eventName":"REMOVE",` + common + `,"dynamodb":{"ApproximateCreationDateTime":1772366401,` + keys + `,"OldImage":` + two + `,"SequenceNumber":"100000000000000000300000","SizeBytes":15` + tail,
	}
	ids := map[string]bool{}
	var bodies []string
	for _, g := range *got {
		id, body, _ := strings.Cut(g, ",")
		ids[id] = true
		bodies = append(bodies, body)
		var e events.DynamoDBEventRecord
		if err := json.Unmarshal([]byte(g), &e); err != nil || e.Change.Keys["pk"].String() != "a" {
			t.Errorf("aws-lambda-go reads %s as %+v, %v", g, e, err)
		}
	}
	if d := cmp.Diff(want, bodies); d != "" {
		t.Error(d)
	}
	if len(ids) != 3 {
		t.Errorf("event ids are not distinct: %v", ids)
	}
}

func TestStreamViews(t *testing.T) {
	for view, want := range map[string]string{
		"KEYS_ONLY":          `"Keys":{"id":{"S":"a"}},"SequenceNumber"`,
		"NEW_IMAGE":          `"Keys":{"id":{"S":"a"}},"NewImage":{"id":{"S":"a"},"x":{"N":"2"}},"SequenceNumber"`,
		"OLD_IMAGE":          `"Keys":{"id":{"S":"a"}},"OldImage":{"id":{"S":"a"},"x":{"N":"1"}},"SequenceNumber"`,
		"NEW_AND_OLD_IMAGES": `"Keys":{"id":{"S":"a"}},"NewImage":{"id":{"S":"a"},"x":{"N":"2"}},"OldImage":{"id":{"S":"a"},"x":{"N":"1"}},"SequenceNumber"`,
	} {
		w := newWorld(t)
		w.table("viewed", plainProps[:len(plainProps)-1]+`, "StreamSpecification": {"StreamViewType": "`+view+`"}}`)
		w.ok("PutItem", `{"TableName":"viewed","Item":{"id":{"S":"a"},"x":{"N":"1"}}}`)
		got := w.records("viewed")
		w.ok("PutItem", `{"TableName":"viewed","Item":{"id":{"S":"a"},"x":{"N":"2"}}}`)
		if len(*got) != 1 || !strings.Contains((*got)[0], want) {
			t.Errorf("%s: got %s, want %s", view, *got, want)
		}
	}
}

func TestImagesDoNotChangeAfterwards(t *testing.T) {
	w := newWorld(t)
	var first dynamodb.StreamRecord
	w.s.Table("orders").OnStreamRecord(func(r dynamodb.StreamRecord) {
		if first.EventName == "" {
			first = r
		}
	})
	w.ok("PutItem", `{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"1"},"l":{"L":[{"N":"1"}]},"m":{"M":{"x":{"N":"1"}}},"s":{"SS":["a"]}}}`)
	before, _ := json.Marshal(first)
	w.ok("UpdateItem", `{"TableName":"orders","Key":{"pk":{"S":"a"},"sk":{"S":"1"}},
		"UpdateExpression":"SET l[0] = :v, m.x = :v, l[3] = :v, m.y = :v, aa = :v ADD s :s REMOVE zz","ExpressionAttributeValues":{":v":{"N":"9"},":s":{"SS":["b"]}}}`)
	w.ok("UpdateItem", `{"TableName":"orders","Key":{"pk":{"S":"a"},"sk":{"S":"1"}},"UpdateExpression":"REMOVE l[0], m.x, s"}`)
	after, _ := json.Marshal(first)
	w.expect(string(after), string(before))
}

func TestTransactionIsOneRunOfRecords(t *testing.T) {
	w := newWorld(t)
	got := w.records("orders")
	w.ok("TransactWriteItems", `{"TransactItems":[
		{"Put":{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"2"}}}},
		{"ConditionCheck":{"TableName":"orders","Key":{"pk":{"S":"a"},"sk":{"S":"3"}},"ConditionExpression":"attribute_not_exists(pk)"}},
		{"Put":{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"1"}}}}]}`)
	w.refused("TransactWriteItems", `{"TransactItems":[
		{"Put":{"TableName":"orders","Item":{"pk":{"S":"b"},"sk":{"S":"2"}}}},
		{"ConditionCheck":{"TableName":"orders","Key":{"pk":{"S":"a"},"sk":{"S":"1"}},"ConditionExpression":"attribute_not_exists(pk)"}}]}`)
	if len(*got) != 2 || !strings.Contains((*got)[0], `"sk":{"S":"2"}`) || !strings.Contains((*got)[1], `"sk":{"S":"1"}`) {
		t.Error(*got)
	}
}

func TestExpiry(t *testing.T) {
	w := newWorld(t)
	if _, pending := w.k.Next(); pending {
		t.Fatal("a table without items has an event pending")
	}
	put := func(sk, expires string) {
		w.ok("PutItem", `{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"`+sk+`"},"expires":`+expires+`}}`)
	}
	at := func(d time.Duration) string {
		return fmt.Sprintf(`{"N":"%d"}`, start.Add(d).Unix())
	}
	put("text", `{"S":"1772366400"}`)
	put("ancient", `{"N":"1"}`)
	put("huge", `{"N":"1e100"}`)
	if _, pending := w.k.Next(); pending {
		t.Fatal("items that never expire have an event pending")
	}
	put("later", at(2*time.Hour))
	put("soon", at(time.Hour))
	put("prolonged", at(time.Hour))
	put("deleted", at(time.Minute))
	w.ok("UpdateItem", `{"TableName":"orders","Key":{"pk":{"S":"a"},"sk":{"S":"prolonged"}},"UpdateExpression":"SET expires = :e","ExpressionAttributeValues":{":e":`+at(3*time.Hour)+`}}`)
	w.ok("DeleteItem", `{"TableName":"orders","Key":{"pk":{"S":"a"},"sk":{"S":"deleted"}}}`)
	got := w.records("orders")
	step := func(d time.Duration, want ...string) {
		t.Helper()
		*got = nil
		w.k.RunUntil(start.Add(dynamodb.ExpiryDelay + d))
		var names []string
		for _, g := range *got {
			var e events.DynamoDBEventRecord
			if err := json.Unmarshal([]byte(g), &e); err != nil {
				t.Fatal(err)
			}
			if e.EventName != "REMOVE" || e.UserIdentity == nil || *e.UserIdentity != (events.DynamoDBUserIdentity{Type: "Service", PrincipalID: "dynamodb.amazonaws.com"}) {
				t.Errorf("record is %s", g)
			}
			names = append(names, e.Change.Keys["sk"].String())
		}
		if d := cmp.Diff(want, names); d != "" {
			t.Errorf("after %v: %s", d, cmp.Diff(want, names))
		}
	}
	step(time.Hour - time.Second)
	step(time.Hour, "soon")
	step(2*time.Hour, "later")
	step(3*time.Hour, "prolonged")
	if _, pending := w.k.Next(); pending {
		t.Error("nothing is left to expire, but an event is pending")
	}
	if n := w.s.Table("orders").Len(); n != 3 {
		t.Errorf("%d items are left, want 3", n)
	}
}
