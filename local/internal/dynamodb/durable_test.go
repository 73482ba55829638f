package dynamodb_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/dynamodb"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// oddProps is a table whose keys are a number and bytes.
const oddProps = `{
	"AttributeDefinitions": [{"AttributeName": "n", "AttributeType": "N"}, {"AttributeName": "b", "AttributeType": "B"}],
	"KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}, {"AttributeName": "b", "KeyType": "RANGE"}],
	"StreamSpecification": {"StreamViewType": "KEYS_ONLY"}
}`

// life is a service in one process of several, and the store that it is kept in.
type life struct {
	*world
	store   map[string][]byte
	dirty   map[string]bool
	records []string // of the streams, since it began
}

func newLife(t testing.TB, now time.Time, tables map[string]string, records map[string][]byte) (*life, []string, error) {
	l := &life{world: &world{t: t, k: sim.New(now, 1)}, dirty: map[string]bool{}}
	l.s = dynamodb.NewService(l.k, "eu-west-1", "123456789012")
	l.s.Created = start
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		l.table(name, tables[name]).OnStreamRecord(func(r dynamodb.StreamRecord) {
			l.records = append(l.records, string(r.AppendJSON(nil)))
		})
	}
	dropped, err := l.s.Restore(records)
	if err != nil {
		return l, dropped, err
	}
	l.store = l.dump()
	l.s.Watch(func(key string) { l.dirty[key] = true })
	return l, dropped, err
}

var walked = map[string]string{"orders": tableProps, "plain": plainProps, "odd": oddProps}

func (l *life) dump() map[string][]byte {
	all := map[string][]byte{}
	keys := l.s.Keys()
	if !slices.IsSorted(keys) {
		l.t.Fatal("keys are not sorted")
	}
	for _, key := range keys {
		r, ok := l.s.Record(key)
		if !ok || !json.Valid(r) {
			l.t.Fatalf("record %q: %s", key, r)
		}
		all[key] = r
	}
	return all
}

// commit brings the store up to date and holds it against all records.
func (l *life) commit(full bool) {
	l.t.Helper()
	for key := range l.dirty {
		if r, ok := l.s.Record(key); ok {
			l.store[key] = r
		} else {
			delete(l.store, key)
		}
	}
	clear(l.dirty)
	if full {
		if d := cmp.Diff(texts(l.dump()), texts(l.store)); d != "" {
			l.t.Fatalf("what Watch told makes other records than there are: %s", d)
		}
	}
}

func texts(records map[string][]byte) map[string]string {
	out := map[string]string{}
	for k, v := range records {
		out[k] = string(v)
	}
	return out
}

// walk is a service that is restarted now and then beside one that never is.
type walk struct {
	t          *testing.T
	r          *rand.Rand
	alive, ref *life
	n, said    int
}

// TestRestart: a service that goes on from its records answers as one does that was never ended.
func TestRestart(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := &walk{t: t, r: rand.New(rand.NewPCG(seed, 12))}
			w.alive, _, _ = newLife(t, start, walked, nil)
			w.ref, _, _ = newLife(t, start, walked, nil)
			for w.n = range 400 {
				w.step()
				w.alive.commit(w.r.IntN(20) == 0)
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
	w.alive.commit(true)
	next, dropped, err := newLife(w.t, w.ref.k.Now(), walked, w.alive.store)
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

// filled is a store with records of all kinds.
func filledStore(t testing.TB) map[string][]byte {
	l, _, _ := newLife(t, start, walked, nil)
	for i := range 3 {
		l.ok("PutItem", fmt.Sprintf(`{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"%d"},"gh":{"S":"g"},"expires":{"N":"1772366500"},"x":{"L":[{"BOOL":true}]}}}`, i))
		l.ok("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"%d"},"n":{"N":"%d"}}}`, i, i))
		l.ok("PutItem", fmt.Sprintf(`{"TableName":"odd","Item":{"n":{"N":"%d"},"b":{"B":"AAE="}}}`, i))
	}
	l.ok("TransactWriteItems", `{"ClientRequestToken":"token","TransactItems":[{"Delete":{"TableName":"plain","Key":{"id":{"S":"0"}}}}]}`)
	l.commit(true)
	return l.store
}

func TestRestoreWithAnotherTemplate(t *testing.T) {
	store := filledStore(t)
	otherKey := strings.Replace(oddProps, `{"AttributeName": "b", "KeyType": "RANGE"}`, `{"AttributeName": "c", "KeyType": "RANGE"}`, 1)
	otherKey = strings.Replace(otherKey, `"AttributeName": "b"`, `"AttributeName": "c"`, 1)
	noStream := strings.Replace(tableProps, `"StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},`, "", 1)
	for _, c := range []struct {
		tables  map[string]string
		dropped []string
	}{
		{walked, nil},
		{map[string]string{"orders": tableProps, "odd": oddProps}, []string{"table plain: 2 items"}},
		{map[string]string{"orders": tableProps, "odd": otherKey, "plain": plainProps}, []string{"table odd: 3 items, since its key is another now"}},
		{map[string]string{"orders": tableProps, "odd": strings.Replace(oddProps, `"N"`, `"S"`, 1), "plain": plainProps}, []string{"table odd: 3 items, since its key is another now"}},
		{map[string]string{"orders": noStream, "odd": oddProps, "plain": plainProps}, []string{"the stream of table orders: 3 records"}},
		{nil, []string{"table odd: 3 items", "table orders: 3 items", "table plain: 2 items"}},
	} {
		l, dropped, err := newLife(t, start.Add(time.Minute), c.tables, store)
		if d := cmp.Diff(c.dropped, dropped); d != "" || err != nil {
			t.Errorf("%v %s", err, d)
			continue
		}
		l.dump()
	}
	// The sequence numbers of a table that was replaced go on.
	l, _, _ := newLife(t, start, map[string]string{"odd": otherKey}, store)
	l.ok("PutItem", `{"TableName":"odd","Item":{"n":{"N":"1"},"c":{"B":"AAE="}}}`)
	if got := l.s.Table("odd").StreamRecords("", 0); len(got) != 1 || got[0].SequenceNumber[14:19] != "00004" {
		t.Errorf("the stream of the replaced table holds %+v", got)
	}
}

// TestRestoreWithAnotherIndex: a new index gets the items that were there, but for those whose attribute is of another type.
func TestRestoreWithAnotherIndex(t *testing.T) {
	indexed := `{
		"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"}],
		"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
		"GlobalSecondaryIndexes": [{"IndexName": "byN", "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}]}`
	l, _, _ := newLife(t, start, map[string]string{"plain": plainProps}, nil)
	l.ok("PutItem", `{"TableName":"plain","Item":{"id":{"S":"number"},"n":{"N":"1"}}}`)
	l.ok("PutItem", `{"TableName":"plain","Item":{"id":{"S":"text"},"n":{"S":"1"}}}`)
	l.commit(true)
	l, dropped, err := newLife(t, start, map[string]string{"plain": indexed}, l.store)
	if err != nil || dropped != nil {
		t.Fatal(dropped, err)
	}
	l.expect(l.ok("Scan", `{"TableName":"plain","IndexName":"byN"}`), `{"Items":[{"id":{"S":"number"},"n":{"N":"1"}}],"Count":1,"ScannedCount":1}`)
	l.ok("DeleteItem", `{"TableName":"plain","Key":{"id":{"S":"text"}}}`)
	l.ok("DeleteItem", `{"TableName":"plain","Key":{"id":{"S":"number"}}}`)
	l.expect(l.ok("Scan", `{"TableName":"plain","IndexName":"byN"}`), `{"Items":[],"Count":0,"ScannedCount":0}`)
}

// TestExpiryGoesOn: an item that should have gone while the process was away goes at once.
func TestExpiryGoesOn(t *testing.T) {
	store := filledStore(t)
	at := start.Add(100 * time.Second).Add(dynamodb.ExpiryDelay)
	for now, want := range map[time.Time]int{at.Add(-time.Second): 3, at: 0, at.Add(time.Hour): 0} {
		l, _, err := newLife(t, now, walked, store)
		if err != nil {
			t.Fatal(err)
		}
		l.k.Advance(0)
		if n := l.s.Table("orders").Len(); n != want || len(l.records) != 3-want {
			t.Errorf("at %v: %d items and %d stream records, want %d and %d", now, n, len(l.records), want, 3-want)
		}
	}
}

// TestCorruptRecords: what is wrong with a record is an error that names it.
func TestCorruptRecords(t *testing.T) {
	store := filledStore(t)
	r := rand.New(rand.NewPCG(1, 2))
	restore := func(key string, value []byte) error {
		records := maps.Clone(store)
		if records[key] = value; value == nil {
			delete(records, key)
		}
		l, _, err := newLife(t, start, walked, records)
		if err == nil {
			// It may be read as something else, which must not bring the service down.
			l.ok("Scan", `{"TableName":"orders"}`)
			l.k.Advance(time.Hour)
			for name := range walked {
				streamed(l.s.Table(name))
			}
			l.k.Advance(72 * time.Hour)
			l.dump()
		} else if !strings.Contains(err.Error(), fmt.Sprintf("%q", key)) && value != nil {
			t.Errorf("%q: %s: the error does not name it: %v", key, value, err)
		}
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(store)) {
		value := store[key]
		for range 200 {
			b := slices.Clone(value)
			switch r.IntN(3) {
			case 0:
				b[r.IntN(len(b))] = byte(r.IntN(256))
			case 1:
				b = b[:r.IntN(len(b))]
			case 2:
				i := r.IntN(len(b))
				b = append(b[:i:i], b[i+r.IntN(len(b)-i):]...)
			}
			_ = restore(key, b)
		}
		for _, b := range []string{"", "null", "{}", "[]", `{"id":1}`, `{"what":1}`, string(value) + "x"} {
			lenient := strings.HasPrefix(key, "table/") || strings.HasPrefix(key, "token/")
			if restore(key, []byte(b)) == nil && !(lenient && (b == "{}" || b == "null")) {
				t.Errorf("%q: %q is no error", key, b)
			}
		}
	}
	item, record := store["item/orders/1/a1"], store["stream/orders/100000000000000000100000"]
	for _, c := range []struct {
		key, value, want string
	}{
		{"", "{}", `there is no record of the table ""`},
		{"what/orders/1", "{}", `there is no kind "what"`},
		{"item/orders/x/a1", string(item), `"x" is no length`},
		{"item/orders/9/a1", string(item), `"9" is no length`},
		{"item/orders/1/a9", string(item), "the item has another key"},
		{"item/orders/1/a1", `{"pk":{"S":"a"},"sk":{"N":"1"}}`, "the key sk is missing or no S"},
		{"item/orders/1/a1", `{"pk":{"S":"a"},"sk":{"S":"1"},"x":{"N":"one"}}`, `attribute "x": The parameter cannot be converted`},
		{"item/gone/1/a1", string(item), `there is no record of the table "gone"`},
		{"stream/orders/1", string(record), `"1" is no sequence number`},
		{"stream/orders/010000000000000000010000", string(record), "is no sequence number"},
		{"stream/orders/100000000000000000900000", `{"created":"x"}`, "invalid syntax"},
		{"service", `{"version":2,"what":1}`, "written by a newer orderflow (version 2, this one reads 1)"},
	} {
		if err := restore(c.key, []byte(c.value)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %s: %v, want %s", c.key, c.value, err, c.want)
		}
	}
	if err := restore("service", nil); err == nil || err.Error() != `dynamodb: record "service": it is missing` {
		t.Error(err)
	}
}
