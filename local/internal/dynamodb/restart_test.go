package dynamodb_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/dynamodb"
)

// walk is a service that is restarted now and then beside one that never is.
type walk struct {
	t          *testing.T
	r          *rand.Rand
	alive, ref *life
	n, said    int
	iterator   string
}

// TestRestart: a service that goes on from its records answers as one does that was never ended.
func TestRestart(t *testing.T) {
	for seed := range uint64(15) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := &walk{t: t, r: rand.New(rand.NewPCG(seed, 12))}
			w.alive, _, _ = newLife(t, start, walked, nil)
			w.ref, _, _ = newLife(t, start, walked, nil)
			for w.n = range 400 {
				w.step()
				w.alive.store.Commit()
				if w.r.IntN(20) == 0 {
					w.alive.store.Verify()
				}
				if w.r.IntN(25) == 0 {
					w.restart()
				}
			}
			if w.said < 100 {
				t.Errorf("only %d answers were no errors", w.said)
			}
		})
	}
}

func (w *walk) restart() {
	w.alive.store.Verify()
	next, dropped, err := newLife(w.t, w.ref.k.Now(), walked, w.alive.store.Records())
	if err != nil || dropped != nil {
		w.t.Fatalf("step %d: %q, %v", w.n, dropped, err)
	}
	next.records = w.alive.records
	w.alive = next
	for name := range walked {
		a, b := w.alive.s.Table(name), w.ref.s.Table(name)
		if d := cmp.Diff(streamed(b), streamed(a)); d != "" {
			w.t.Fatalf("step %d: the stream of %s: %s", w.n, name, d)
		}
		if a.Bytes() != b.Bytes() || a.Len() != b.Len() {
			w.t.Fatalf("step %d: %s has %d items of %d bytes, but without a restart %d of %d", w.n, name, a.Len(), a.Bytes(), b.Len(), b.Bytes())
		}
	}
}

func streamed(t *dynamodb.Table) (all []string) {
	for _, r := range t.StreamRecords("", 0) {
		all = append(all, string(r.AppendJSON(nil)), r.Created.String())
	}
	return all
}

// both makes a call of both and holds the answers against each other.
func (w *walk) both(action, input string) {
	w.t.Helper()
	answer := func(l *life) string {
		out, err := l.call(action, input)
		if err != nil {
			return err.Error()
		}
		return string(out)
	}
	a, b := answer(w.alive), answer(w.ref)
	if a != b {
		w.t.Fatalf("step %d: %s %s:\n%s\nbut without a restart\n%s", w.n, action, input, a, b)
	}
	if strings.HasPrefix(a, "{") {
		w.said++
	}
	if d := cmp.Diff(w.ref.records, w.alive.records); d != "" {
		w.t.Fatalf("step %d: %s %s: streams: %s", w.n, action, input, d)
	}
}

var oddTexts = []string{"", "a", "a/b", "a#é\x00\"\\\u2028", "🦀\t", "12/x", "\ufffd"}

// value is any attribute value.
func (w *walk) value(depth int) string {
	text := func() string {
		b, _ := json.Marshal(oddTexts[w.r.IntN(len(oddTexts))]) // never fails
		return string(b)
	}
	number := func() string {
		return `"` + []string{"0", "-1", "1.50", "1e100", "-9.99e-120", "12345678901234567890123456789012345678"}[w.r.IntN(6)] + `"`
	}
	bytes := func() string {
		b := make([]byte, w.r.IntN(5))
		for i := range b {
			b[i] = byte(w.r.Uint32())
		}
		return `"` + base64.StdEncoding.EncodeToString(b) + `"`
	}
	switch n := w.r.IntN(10); {
	case n == 0 && depth < 4:
		return `{"L":[` + w.value(depth+1) + `,` + w.value(depth+1) + `]}`
	case n == 1 && depth < 4:
		return `{"M":{"x":` + w.value(depth+1) + `,"ü\"":` + w.value(depth+1) + `}}`
	case n == 2:
		return `{"SS":["b","a",` + text() + `]}`
	case n == 3:
		return `{"NS":["7",` + number() + `]}`
	case n == 4:
		return `{"BS":["/w==",` + bytes() + `]}`
	case n == 5:
		return `{"BOOL":` + fmt.Sprint(w.r.IntN(2) == 0) + `}`
	case n == 6:
		return `{"NULL":true}`
	case n == 7:
		return `{"B":` + bytes() + `}`
	case n == 8:
		return `{"N":` + number() + `}`
	}
	return `{"S":` + text() + `}`
}

// key is the key of one of a few items of a table.
func (w *walk) key(table string) string {
	text := func(from int) string {
		b, _ := json.Marshal(oddTexts[from+w.r.IntN(len(oddTexts)-from)]) // never fails
		return string(b)
	}
	switch table {
	case "orders":
		return `"pk":{"S":` + text(1) + `},"sk":{"S":` + text(1) + `}`
	case "plain":
		return `"id":{"S":` + text(1) + `}`
	}
	return fmt.Sprintf(`"n":{"N":"%d.5"},"b":{"B":"%s"}`, w.r.IntN(3)-1, []string{"AA==", "/w==", "AC8="}[w.r.IntN(3)])
}

func (w *walk) item(table string) string {
	it := w.key(table) + `,"x":` + w.value(0)
	if table == "orders" {
		if w.r.IntN(2) == 0 {
			it += fmt.Sprintf(`,"gh":{"S":"g%d"}`, w.r.IntN(3))
		}
		if w.r.IntN(2) == 0 {
			it += fmt.Sprintf(`,"gn":{"N":"%d"}`, w.r.IntN(3))
		}
		if w.r.IntN(2) == 0 {
			it += fmt.Sprintf(`,"expires":{"N":"%d"}`, w.ref.k.Now().Add(time.Duration(w.r.IntN(60)-30)*time.Hour).Unix())
		}
	}
	return it
}

// stream reads a stream by its API, with an iterator that may be of an earlier process.
func (w *walk) stream() {
	arn := w.ref.s.Table("orders").StreamARN()
	w.both("DescribeStream", `{"StreamArn":"`+arn+`"}`)
	if w.iterator == "" || w.r.IntN(3) == 0 {
		var d struct {
			StreamDescription struct{ Shards []struct{ ShardId string } }
		}
		var i struct{ ShardIterator string }
		for _, e := range []error{
			json.Unmarshal([]byte(w.ref.ok("DescribeStream", `{"StreamArn":"`+arn+`"}`)), &d),
			json.Unmarshal([]byte(w.ref.ok("GetShardIterator", fmt.Sprintf(`{"StreamArn":"%s","ShardId":"%s","ShardIteratorType":"%s"}`,
				arn, d.StreamDescription.Shards[0].ShardId, []string{"TRIM_HORIZON", "LATEST"}[w.r.IntN(2)]))), &i),
		} {
			if e != nil {
				w.t.Fatal(e)
			}
		}
		w.iterator = i.ShardIterator
	}
	w.both("GetRecords", `{"ShardIterator":"`+w.iterator+`","Limit":5}`)
}

func (w *walk) step() {
	table := []string{"orders", "plain", "odd"}[w.r.IntN(3)]
	on := `{"TableName":"` + table + `","ReturnConsumedCapacity":"INDEXES",`
	switch n := w.r.IntN(100); {
	case n < 35:
		w.both("PutItem", on+`"Item":{`+w.item(table)+`},"ReturnValues":"ALL_OLD"}`)
	case n < 50:
		w.both("UpdateItem", on+`"Key":{`+w.key(table)+`},"UpdateExpression":"SET y = :y ADD c :one","ReturnValues":"ALL_NEW",
			"ExpressionAttributeValues":{":y":`+w.value(0)+`,":one":{"N":"1"}}}`)
	case n < 60:
		w.both("DeleteItem", on+`"Key":{`+w.key(table)+`},"ReturnValues":"ALL_OLD"}`)
	case n < 68:
		w.both("TransactWriteItems", fmt.Sprintf(`{"ClientRequestToken":"token/%d","ReturnConsumedCapacity":"TOTAL","TransactItems":[
			{"Put":{"TableName":"plain","Item":{"id":{"S":"t"},"n":{"N":"%d"}}}},
			{"Update":{"TableName":"orders","Key":{"pk":{"S":"t"},"sk":{"S":"t"}},"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"1"}}}}]}`, w.r.IntN(4), w.r.IntN(2)))
	case n < 74:
		w.both("Scan", on+`"Limit":7}`)
	case n < 78:
		w.both("Scan", `{"TableName":"orders","IndexName":"`+[]string{"all", "some", "loc"}[w.r.IntN(3)]+`"}`)
	case n < 82:
		w.both("Query", `{"TableName":"orders","IndexName":"all","KeyConditionExpression":"gh = :g","ExpressionAttributeValues":{":g":{"S":"g1"}}}`)
	case n < 86:
		w.both("DescribeTable", `{"TableName":"`+table+`"}`)
	case n < 87:
		w.stream()
	case n < 90:
		w.both("GetItem", on+`"Key":{`+w.key(table)+`}}`)
	default:
		d := time.Duration(w.r.IntN(600)) * time.Second
		if w.r.IntN(4) == 0 {
			d *= 200
		}
		w.alive.k.Advance(d)
		w.ref.k.Advance(d)
	}
}
