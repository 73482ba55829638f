package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/referee"
	"github.com/orderflow-cdk/orderflow/local/internal/dynamodb"
)

// The referee is dynalite (npm, 4.0.0), an implementation of DynamoDB whose
// messages were taken from the service. It is looked for in the node_modules of
// $ORDERFLOW_REFEREES, by default test/referees of this repository:
//
//	cd test/referees && npm ci
//
// dynalite has no transactions, no streams, no time to live and no
// ReturnValuesOnConditionCheckFailure. These are its known faults, by the key
// that marks a case:
var dynaliteFaults = map[string]string{
	"syntax":             "its parser words syntax errors in its own way; the service names the token and its neighbours",
	"syntax-accepted":    "it accepts a name that starts with an underscore, which the service refuses (aws-sdk-js issue 1691)",
	"deep":               "it never finds two lists or two maps equal",
	"size-empty":         "it takes an empty string for a missing one in size()",
	"not-not":            "its grammar has no NOT NOT, which the service's has",
	"remove-index":       "it removes list elements one after the other, so that the second index means another element",
	"misplaced-function": "it does not know the message about a function of the other kind of expression",
	"unordered":          "it lets <, <=, > and >= be asked of types that have no order",
	"expression-limits":  "it has no limits on the size of expressions",
	"empty-key":          "its wording for an empty key, or its lack of a refusal, is not the service's",
	"empty-index-key":    "it accepts an empty string as an index key",
	"plus":               "it refuses a plus sign before a number",
	"nesting":            "it has no limit on nesting",
	"delete-values":      "it accepts any ReturnValues of a DeleteItem",
	"select":             "it does not check Select against the other parameters",
	"unprojected":        "it returns empty items where an index lacks the attributes asked for",
	"collections":        "it does not report item collections",
	"index-capacity":     "it does not count the writes of indexes",
}

const dynaliteServer = `
const server = require('dynalite')({createTableMs: 0});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
`

// client speaks the JSON protocol to a server on this machine.
type client struct {
	t    *testing.T
	base string
}

func startDynalite(t *testing.T) *client {
	dir := referee.Node(t, "dynalite")
	cmd := exec.Command("node", "-e", dynaliteServer)
	cmd.Dir = dir
	return &client{t, referee.Serve(t, cmd)}
}

// call returns the response, or "400 Code: message".
func (c *client) call(action, input string) string {
	c.t.Helper()
	req, err := http.NewRequest("POST", c.base, strings.NewReader(input))
	if err != nil {
		c.t.Fatal(err)
	}
	api := "DynamoDB_20120810."
	if strings.HasPrefix(action, "Streams.") {
		api, action = "DynamoDBStreams_20120810.", action[len("Streams."):]
	}
	req.Header.Set("X-Amz-Target", api+action)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Date", "20260301T120000Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20260301/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00")
	res, err := referee.Client().Do(req)
	if err != nil {
		c.t.Fatalf("%s: %v", action, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if res.StatusCode == http.StatusOK {
		return string(body)
	}
	if res.StatusCode != http.StatusBadRequest {
		return "400 " + res.Status
	}
	return refusal(c.t, body)
}

// create makes a table from CloudFormation properties.
func (c *client) create(name, props string) {
	c.t.Helper()
	var p map[string]any
	if err := json.Unmarshal([]byte(props), &p); err != nil {
		c.t.Fatal(err)
	}
	p["TableName"] = name
	p["BillingMode"] = "PAY_PER_REQUEST"
	delete(p, "TimeToLiveSpecification")
	if s, ok := p["StreamSpecification"].(map[string]any); ok {
		s["StreamEnabled"] = true
	}
	input, err := json.Marshal(p)
	if err != nil {
		c.t.Fatal(err)
	}
	if out := c.call("CreateTable", string(input)); strings.HasPrefix(out, "400 ") {
		c.t.Fatal(out)
	}
	for range 200 {
		var d struct{ Table struct{ TableStatus string } }
		if err := json.Unmarshal([]byte(c.call("DescribeTable", `{"TableName":"`+name+`"}`)), &d); err == nil && d.Table.TableStatus == "ACTIVE" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Fatalf("table %s does not become active", name)
}

func TestRefereeDynalite(t *testing.T) {
	startDynalite(t).judge(casesFile, dynaliteFaults)
}

// judge holds the referee's answers against the file's.
func (c *client) judge(file string, faults map[string]string) {
	t := c.t
	for _, table := range caseTables {
		c.create(table.name, table.props)
	}
	agreed := 0
	used := map[string]bool{}
	for _, tc := range readCases(t, file) {
		got := c.call(tc.action, tc.input)
		d := cmp.Diff(normal(t, tc.want), withoutEmpty(normal(t, got)))
		switch {
		case tc.fault != "" && faults[tc.fault] == "":
			t.Errorf("%s: fault %q is not explained", tc.name, tc.fault)
		case d != "" && tc.fault == "":
			t.Errorf("%s\n%s %s\n(-ours +referee)\n%s", tc.name, tc.action, shorten(tc.input), shorten(d))
		case d == "" && tc.fault != "":
			t.Errorf("%s: the referee agrees: fault %q does not show", tc.name, tc.fault)
		case d == "":
			agreed++
		}
		used[tc.fault] = true
	}
	for key := range faults {
		if !used[key] {
			t.Errorf("no case has fault %q", key)
		}
	}
	t.Logf("%d cases agree, %d faults are known", agreed, len(faults))
}

// withoutEmpty drops the empty members that a referee answers where the
// service leaves them out.
func withoutEmpty(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	for _, name := range []string{"Attributes", "ConsumedCapacity", "ItemCollectionMetrics"} {
		switch e := m[name].(type) {
		case map[string]any:
			if len(e) == 0 {
				delete(m, name)
			}
		case []any:
			if len(e) == 0 {
				delete(m, name)
			}
		}
	}
	return v
}

// The referee for transactions and streams is moto (PyPI, 5.2.5), in a process
// of its own.
//
// Its known faults, by the key that marks a case in testdata/transactions.txt:
var motoFaults = map[string]string{
	"runtime":    "it answers with the error of an update that cannot be done, where the service cancels the transaction and gives it as a reason",
	"input":      "it does not check the input of transactions as it does that of single actions",
	"crash":      "it fails with an internal error",
	"key":        "it words, or lets pass, what is wrong with a key",
	"token":      "it ignores ClientRequestToken",
	"capacity":   "it reports capacity when not asked to, and not when asked to",
	"projection": "it ignores the ProjectionExpression of TransactGetItems",
}

func TestRefereeMoto(t *testing.T) {
	c := &client{t, referee.Moto(t)}
	c.judge(transactionsFile, motoFaults)
	c.judgeStream()
}

func filter[T any](list []T, keep func(T) bool) []T {
	return slices.DeleteFunc(list, func(e T) bool { return !keep(e) })
}

// judgeStream compares the stream that the conversation has left.
func (c *client) judgeStream() {
	t := c.t
	type image = map[string]any
	type change struct {
		Name           string
		Keys, New, Old image
	}
	type motoRecord struct {
		EventName string                                   `json:"eventName"`
		DynamoDB  struct{ Keys, NewImage, OldImage image } `json:"dynamodb"`
	}
	read := func(action, input string, into any) {
		t.Helper()
		if err := json.Unmarshal([]byte(c.call(action, input)), into); err != nil {
			t.Fatal(action, err)
		}
	}
	var table struct {
		Table struct{ LatestStreamArn string }
	}
	read("DescribeTable", `{"TableName":"orders"}`, &table)
	arn := table.Table.LatestStreamArn
	var stream struct {
		StreamDescription struct{ Shards []struct{ ShardId string } }
	}
	read("Streams.DescribeStream", `{"StreamArn":"`+arn+`"}`, &stream)
	var want []change
	for _, shard := range stream.StreamDescription.Shards {
		var at struct{ ShardIterator string }
		read("Streams.GetShardIterator", `{"StreamArn":"`+arn+`","ShardId":"`+shard.ShardId+`","ShardIteratorType":"TRIM_HORIZON"}`, &at)
		var page struct{ Records []motoRecord }
		read("Streams.GetRecords", `{"ShardIterator":"`+at.ShardIterator+`"}`, &page)
		for _, r := range page.Records {
			want = append(want, change{r.EventName, r.DynamoDB.Keys, r.DynamoDB.NewImage, r.DynamoDB.OldImage})
		}
	}
	w := newWorld(t)
	var got []change
	w.s.Table("orders").OnStreamRecord(func(r dynamodb.StreamRecord) {
		var e motoRecord
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, change{e.EventName, e.DynamoDB.Keys, e.DynamoDB.NewImage, e.DynamoDB.OldImage})
	})
	for _, tc := range readCases(t, transactionsFile) {
		w.answer(tc.action, tc.input)
	}
	// Items named x-… are those of cases in which moto does something else.
	shared := func(c change) bool { return !strings.HasPrefix(fmt.Sprint(c.Keys["sk"]), "map[S:x-") }
	got, want = filter(got, shared), filter(want, shared)
	// moto records writes that change nothing, and an UpdateItem of a new item
	// twice, first as an item with nothing but the key.
	var told []change
	for i, c := range want {
		again := i+1 < len(want) && c.Name == "INSERT" && want[i+1].Name == "INSERT" && cmp.Equal(c.Keys, want[i+1].Keys)
		if !again && !cmp.Equal(c.Old, c.New) {
			told = append(told, c)
		}
	}
	want = told
	if len(got) < 15 {
		t.Errorf("the conversation leaves %d records: too few to tell anything", len(got))
	}
	if d := cmp.Diff(got, want); d != "" {
		t.Errorf("stream (-ours +moto)\n%s", d)
	}
}
