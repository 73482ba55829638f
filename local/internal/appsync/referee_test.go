package appsync_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/referee"
	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// Two referees, both in node, from $ORDERFLOW_REFEREES/node_modules, by default
// those of test/referees of this repository:
//
//	cd test/referees && npm install
//
// The npm package graphql is GraphQL's reference implementation: it executes
// the same queries on the same values. The AppSync links of Apollo Client (aws-appsync-subscription-link,
// aws-appsync-auth-link, with @apollo/client, rxjs and ws) connect to the real-time endpoint as an
// ordinary client does.

func runNode(t *testing.T, folder, script string, input any) []byte {
	t.Helper()
	b, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", filepath.Join("testdata", script))
	cmd.Env = append(os.Environ(), "ORDERFLOW_REFEREES="+folder)
	cmd.Stdin = bytes.NewReader(b)
	return referee.Run(t, cmd)
}

const refereeSchema = `
interface Node { id: ID! }
type Book implements Node { id: ID! title: String! pages: Int author: Author! related: [Book!] extra: [[Int]] }
type Author implements Node { id: ID! name: String born: Int! books: [Book]! }
union Any = Book | Author
enum Color { RED GREEN }
type Query { book: Book node: Node any: [Any] nodes: [Node!]! color: Color colors: [Color!] count: Int! ratio: Float flag: Boolean deep: Book broken: Author nothing: Book }
`

const refereeRoot = `{
"book": {"id":"b1","title":"T","pages":3,"author":{"id":"a1","name":null,"born":1900,"books":[null,{"id":"b2","title":"U","author":{"id":"a2","born":1,"books":[]}}]},"related":[{"id":"b3","title":"V"}],"extra":[[1,null],null,[]]},
"node": {"__typename":"Author","id":"a3","name":"N","born":7,"books":[]},
"any": [{"__typename":"Book","id":"b4","title":"W"},null,{"__typename":"Author","id":"a4","name":"M"}],
"nodes": [{"__typename":"Book","id":"b5"}],
"color":"RED","colors":["GREEN"],"count":5,"ratio":1.25,"flag":false,
"deep":{"id":"d","title":"D","related":[{"id":"e","title":"E","related":[{"id":"f","title":null}]}]},
"broken":{"id":"a5","name":"B","born":null,"books":null},
"nothing":null}`

var refereeQueries = []struct {
	Query     string `json:"query"`
	Variables any    `json:"variables,omitempty"`
}{
	{Query: `{book{id title pages author{name born books{id title}}}}`},
	{Query: `{book{extra related{id title pages}}}`},
	{Query: `{book{related{id author{id}}}}`},
	{Query: `{node{__typename id ...on Author{name b: born} ...on Book{title}}}`},
	{Query: `{any{__typename ...on Book{id title} ...A}} fragment A on Author{id name}`},
	{Query: `{any{...on Node{id}}}`},
	{Query: `{nodes{id ...on Book{title}}}`},
	{Query: `{color colors count ratio flag nothing{id}}`},
	{Query: `{deep{id related{id related{id title}}}}`},
	{Query: `{deep{related{related{title}}} count}`},
	{Query: `{broken{name born} count}`},
	{Query: `{broken{books{id}} count}`},
	{Query: `{a: book{x: title} b: book{x: id, y: __typename} __typename}`},
	{Query: `query Q($s: Boolean!, $i: Boolean = true) {book{id @skip(if: $s) title @include(if: $i) ...F @skip(if: $s)}} fragment F on Book{pages}`, Variables: m{"s": false}},
	{Query: `query Q($s: Boolean!, $i: Boolean = true) {book{id @skip(if: $s) title @include(if: $i) ...F @skip(if: $s)}} fragment F on Book{pages}`, Variables: m{"s": true, "i": false}},
	{Query: `{book{author{id}...G author{name}}} fragment G on Book{author{born ...on Author{books{id}}}}`},
	{Query: `query A{count} `, Variables: m{"unused": 1}},
	{Query: `{__type(name:"Book"){kind name fields{name type{kind name ofType{kind name ofType{name}}}} interfaces{name} possibleTypes{name}}}`},
	{Query: `{__type(name:"Any"){kind possibleTypes{name} fields{name}} u: __type(name:"Unknown"){name} c: __type(name:"Color"){enumValues{name description isDeprecated deprecationReason}}}`},
	{Query: `{__schema{queryType{name} mutationType{name}}}`},
	{Query: `{book{nothing}}`},
	{Query: `{book}`},
	{Query: `{count{id}}`},
	{Query: `query Q($x: Int!) {count}`, Variables: m{"x": 1}},
}

func TestExecutionAgreesWithGraphQL(t *testing.T) {
	folder := referee.Node(t, "graphql")
	var want []struct {
		Data  any      `json:"data"`
		Paths []string `json:"paths"`
	}
	out := runNode(t, folder, "graphql.mjs", m{"schema": refereeSchema, "root": json.RawMessage(refereeRoot), "cases": refereeQueries})
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	s := stack{schema: refereeSchema, resolvers: map[string]string{}}
	var root map[string]json.RawMessage
	if err := json.Unmarshal([]byte(refereeRoot), &root); err != nil {
		t.Fatal(err)
	}
	for name, v := range root {
		s.resolvers["Query."+name] = payload("(" + string(v) + ")")
	}
	w := s.new(t)
	for i, c := range refereeQueries {
		var got struct {
			Data   any
			Errors []struct{ Path json.RawMessage }
		}
		if err := json.Unmarshal([]byte(w.query(c.Query, c.Variables, nil)), &got); err != nil {
			t.Fatal(err)
		}
		paths := []string{}
		for _, e := range got.Errors {
			paths = append(paths, string(e.Path))
		}
		slices.Sort(paths)
		// One mistake may be found by more than one rule.
		paths, want[i].Paths = slices.Compact(paths), slices.Compact(want[i].Paths)
		if diff := cmp.Diff(want[i].Data, got.Data); diff != "" {
			t.Errorf("%s: data (-graphql +ours):\n%s", c.Query, diff)
		}
		if diff := cmp.Diff(want[i].Paths, paths); diff != "" {
			t.Errorf("%s: errors (-graphql +ours):\n%s", c.Query, diff)
		}
	}
}

// live paces an API by the wall clock behind a server.
type live struct {
	mu sync.Mutex
	k  *sim.Kernel
}

func (l *live) enter(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.k.RunUntil(time.Now())
	f()
	l.k.RunUntil(time.Now())
}

// serve gives the API an address until the test ends.
func serveLive(t testing.TB, k *sim.Kernel, a *appsync.API) (url string, l *live) {
	l = &live{k: k}
	stop := make(chan struct{})
	var pump sync.WaitGroup
	pump.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				l.enter(func() {})
			}
		}
	})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			appsync.ServeWebSocket(w, r, a, func(f func(), _ func() bool) { l.enter(f) }, func(f func()) { f() })
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		answer := make(chan *appsync.Response, 1)
		l.enter(func() {
			a.Serve(&appsync.Request{Method: r.Method, Path: r.URL.Path, RawQuery: r.URL.RawQuery, Header: r.Header, Body: body, Host: r.Host},
				func(res *appsync.Response) { answer <- res })
		})
		res := <-answer
		for name, v := range res.Header {
			w.Header()[name] = v
		}
		w.WriteHeader(res.Status)
		_, _ = w.Write(res.Body)
	}))
	t.Cleanup(func() {
		srv.CloseClientConnections()
		close(stop)
		pump.Wait()
		srv.Close()
	})
	return srv.URL + "/graphql", l
}

type line struct {
	Event, Message string
	Index          int
	Data           json.RawMessage
}

func subscribeWithApollo(t *testing.T, job m) []line {
	folder := referee.Node(t, "aws-appsync-subscription-link", "aws-appsync-auth-link", "@apollo/client", "rxjs", "ws", "graphql")
	var lines []line
	dec := json.NewDecoder(bytes.NewReader(runNode(t, folder, "subscribe.mjs", job)))
	for dec.More() {
		var l line
		if err := dec.Decode(&l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

// realTime is the item API with a subscription that the API key may not make.
func realTime(t *testing.T) (url string) {
	s := itemStack()
	s.schema = strings.Replace(itemSchema, "type Subscription {", "type Subscription { onSecret: Item @aws_iam @aws_subscribe(mutations: [\"put\"])", 1)
	s.props = m{"AdditionalAuthenticationProviders": []m{{"AuthenticationType": "AWS_IAM"}}}
	s.config.IdentifyIAM = identifyKey
	k := sim.New(time.Now(), 1)
	a, err := appsync.New(k, api.Func(func(api.Call) ([]byte, error) { return nil, nil }), s.config, s.list())
	if err != nil {
		t.Fatal(err)
	}
	url, _ = serveLive(t, k, a)
	return url
}

func TestApolloReceivesWhatIsPublished(t *testing.T) {
	referee.Node(t, "aws-appsync-subscription-link")
	url := realTime(t)
	key := appsync.KeyValue("Key")
	lines := subscribeWithApollo(t, m{
		"url": url, "apiKey": key, "events": 1, "timeout": 8000,
		"subscriptions": []m{
			{"query": `subscription S($id: ID) {onPut(id: $id) {id name}}`, "variables": m{"id": "a"}},
			{"query": `subscription S($id: ID) {onPut(id: $id) {id name}}`, "variables": m{"id": "b"}},
			{"query": `subscription {onSecret {id}}`},
		},
		"then": m{"query": `mutation {put(item: {id: "a", name: "n"}) {id name}}`},
	})
	var got []string
	for _, l := range lines {
		switch l.Event {
		case "data":
			got = append(got, l.Event+" "+string(rune('0'+l.Index))+" "+string(l.Data))
		case "error":
			got = append(got, l.Event+" "+string(rune('0'+l.Index))+" "+l.Message)
		}
	}
	slices.Sort(got)
	want := []string{
		`data 0 {"onPut":{"id":"a","name":"n","__typename":"Item"}}`,
		`error 2 Connection failed: {"errors":[{"errorType":"Unauthorized","message":"Not Authorized to access onSecret on type Subscription"}]}`,
	}
	for i := range want {
		if i >= len(got) || !strings.HasPrefix(strings.ReplaceAll(got[i], `,"__typename":"Item"`, ""), strings.ReplaceAll(want[i], `,"__typename":"Item"`, "")) {
			t.Fatalf("got %q\nlines %+v", got, lines)
		}
	}
	if len(got) != 2 {
		t.Errorf("got %q", got)
	}
}

func TestApolloWithIAM(t *testing.T) {
	referee.Node(t, "aws-appsync-subscription-link")
	url := realTime(t)
	lines := subscribeWithApollo(t, m{
		"url": url, "credentials": m{"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "secret"},
		"subscriptions": []m{{"query": `subscription {onSecret {__typename}}`}},
	})
	if len(lines) != 1 || lines[0].Event != "connected" {
		t.Errorf("lines %+v", lines)
	}
	lines = subscribeWithApollo(t, m{
		"url": url, "credentials": m{"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "wrong"},
		"subscriptions": []m{{"query": `subscription {onSecret {__typename}}`}},
	})
	if len(lines) != 1 || lines[0].Event != "error" || !strings.Contains(lines[0].Message, "UnrecognizedClientException") {
		t.Errorf("lines %+v", lines)
	}
}
