package dynamodb_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/durable/durabletest"
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
	store   *durabletest.Keeper
	records []string // of the streams, since it began
}

func newLife(t testing.TB, now time.Time, tables map[string]string, records map[string][]byte) (*life, []string, error) {
	l := &life{world: &world{t: t, k: sim.New(now, 1)}}
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
	l.store = durabletest.Keep(t, l.s)
	return l, dropped, err
}

var walked = map[string]string{"orders": tableProps, "plain": plainProps, "odd": oddProps}

// filled is a store with records of all kinds.
func filledStore(t testing.TB) map[string][]byte {
	l, _, _ := newLife(t, start, walked, nil)
	for i := range 3 {
		l.ok("PutItem", fmt.Sprintf(`{"TableName":"orders","Item":{"pk":{"S":"a"},"sk":{"S":"%d"},"gh":{"S":"g"},"expires":{"N":"1772366500"},"x":{"L":[{"BOOL":true}]}}}`, i))
		l.ok("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"%d"},"n":{"N":"%d"}}}`, i, i))
		l.ok("PutItem", fmt.Sprintf(`{"TableName":"odd","Item":{"n":{"N":"%d"},"b":{"B":"AAE="}}}`, i))
	}
	l.ok("TransactWriteItems", `{"ClientRequestToken":"token","TransactItems":[{"Delete":{"TableName":"plain","Key":{"id":{"S":"0"}}}}]}`)
	l.store.Verify()
	return l.store.Records()
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
		durabletest.Records(t, l.s)
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
	l.store.Verify()
	l, dropped, err := newLife(t, start, map[string]string{"plain": indexed}, l.store.Records())
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
			durabletest.Records(t, l.s)
		} else if !strings.Contains(err.Error(), fmt.Sprintf("%q", key)) && value != nil {
			t.Errorf("%q: %s: the error does not name it: %v", key, value, err)
		}
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(store)) {
		value := store[key]
		for range 60 {
			_ = restore(key, durabletest.Damaged(r, value))
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
