package scenarios_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
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

	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/referee"
	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/webhook"
)

// The referees are public packages for Node, as customers use them: standardwebhooks (by
// the specification's authors), sns-validator (by AWS), and the AppSync links of Apollo Client. They are
// looked for in $ORDERFLOW_REFEREES/node_modules, by default in test/referees of this repository:
//
//	cd test/referees && npm ci

// node skips the test without Node and these packages. It returns their folder.
func node(t *testing.T, packages ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts Node")
	}
	return referee.Node(t, packages...)
}

// asked runs a script in Node with a document on its standard input, and reads its answer.
func asked(t *testing.T, folder, script string, question, answer any) {
	t.Helper()
	in, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "-e", script)
	cmd.Dir, cmd.Stdin = folder, bytes.NewReader(in)
	out := referee.Run(t, cmd)
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// live is a world by the wall clock, where endpoints may call the stack.
func live(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, hosts: local.Hosts{}}
	var err error
	w.Stack, err = localapp.New("dev", local.Options{Seed: 1, RealTime: true, Egress: localapp.Egress(w.hosts)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.Run(ctx) // it ends with the context
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		w.Close()
	})
	if err := localapp.PutStock(w.Stack, localapp.StockLevel{SKU: "KB-1001", Available: 1000}); err != nil {
		t.Fatal(err)
	}
	return w
}

// eventually waits, by the wall clock.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in vain: %s", what)
		}
	}
}

const standardWebhooks = `
const { Webhook } = require("standardwebhooks");
let input = "";
process.stdin.on("data", (c) => (input += c)).on("end", () => {
  console.log(JSON.stringify(JSON.parse(input).map(({ secret, headers, body }) => {
    try { return new Webhook(secret).verify(body, headers).id; } catch (e) { return "refused: " + e.message; }
  })));
});`

func TestStandardWebhooksOfNodeAcceptsTheStacks(t *testing.T) {
	folder := node(t, "standardwebhooks")
	// The package compares timestamps with its own clock.
	w := around(t, local.Options{Seed: 1, Start: time.Now()})
	hook := w.endpoint("acme", "hooks.acme.example")
	first := w.submit("acme", order("tok_visa", "Zoë's “gift” \u2028 <&>"))
	w.settle("acme", first)
	before := len(hook.posts)
	second := as(t, w.Stack, "acme").do("POST", "/webhooks/"+hook.id+"/rotate", "").want(http.StatusOK).text("secret")
	w.settle("acme", w.submit("acme", order("tok_declined", "")))
	if before != 4 || len(hook.posts) != 4+3 {
		t.Fatalf("%d posts, then %d", before, len(hook.posts))
	}

	type question struct {
		Secret  string            `json:"secret"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	}
	var questions []question
	var want []string
	ask := func(p post, body, secret, answer string) {
		q := question{secret, map[string]string{}, body}
		for name := range p.header {
			q.Headers[strings.ToLower(name)] = p.header.Get(name)
		}
		questions, want = append(questions, q), append(want, answer)
	}
	const wrong = "refused: No matching signature found"
	for i, p := range hook.posts {
		ask(p, string(p.body), hook.secret, p.id())
		if i < before {
			ask(p, string(p.body), second, wrong)
		} else { // both sign for a day
			ask(p, string(p.body), second, p.id())
		}
		ask(p, strings.Replace(string(p.body), "acme", "acne", 1), hook.secret, wrong)
		ask(p, string(p.body), webhook.NewSecret(), wrong)
	}
	var got []string
	asked(t, folder, standardWebhooks, questions, &got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

const snsValidator = `
const https = require('https'), { EventEmitter } = require('events');
const { certificates, messages } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
https.get = (url, cb) => {
  const res = new EventEmitter();
  res.statusCode = certificates[url] ? 200 : 404;
  cb(res);
  if (res.statusCode === 200) { res.emit('data', Buffer.from(certificates[url])); res.emit('end'); }
  return new EventEmitter();
};
const Validator = require('sns-validator'), validator = new Validator();
const out = [];
for (const m of messages) validator.validate(m, (err, v) => out.push(err ? 'refused: ' + err.message : v.Type));
console.log(JSON.stringify(out));`

// An HTTPS subscription of the topic: package webhook confirms it by itself, with the
// certificate that the stack serves, and sns-validator accepts every message.
func TestSnsValidatorAcceptsTheStacks(t *testing.T) {
	folder := node(t, "sns-validator")
	w := live(t)
	topic := w.Outputs()["StatusTopicArn"]
	var (
		mu     sync.Mutex
		bodies []string
		told   []event.Event
	)
	receiver, err := webhook.New(webhook.Options{
		Topics: []string{topic}, RefuseSHA1: true, HTTPClient: &http.Client{Transport: w.Transport()},
		OnError: func(_ context.Context, err error) { t.Errorf("refused: %v", err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	handler := receiver.Handler(func(_ context.Context, e event.Event) error {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, e)
		return nil
	})
	w.hosts["shop.example"] = http.HandlerFunc(func(res http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		bodies = append(bodies, string(body))
		mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler.ServeHTTP(res, r)
	})
	call(t, w.Stack, "sns", "Subscribe", map[string]any{
		"TopicArn": topic, "Protocol": "https", "Endpoint": "https://shop.example/sns",
		"Attributes": map[string]string{"FilterPolicy": `{"tenant":["acme"],"status":["RESERVED","COMPLETED"]}`},
	})
	eventually(t, "the subscription is confirmed", func() bool {
		out := call(t, w.Stack, "sns", "GetTopicAttributes", map[string]any{"TopicArn": topic})
		attributes, _ := out["Attributes"].(map[string]any)
		return attributes["SubscriptionsPending"] == "0" && attributes["SubscriptionsConfirmed"] == "2"
	})
	other := w.submit("globex", order("tok_visa", ""))
	id := w.submit("acme", order("tok_visa", ""))
	eventually(t, "both events come", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(told) == 2
	})
	eventually(t, "the other order ends", func() bool {
		return as(t, w.Stack, "globex").do("GET", "/orders/"+other+"/status", "").text("status") == "COMPLETED"
	})
	mu.Lock()
	defer mu.Unlock()
	got := ids(told)
	slices.Sort(got)
	if diff := cmp.Diff([]string{event.ID(id, 2), event.ID(id, 4)}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	var last struct{ SigningCertURL, SignatureVersion string }
	if err := json.Unmarshal([]byte(bodies[len(bodies)-1]), &last); err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Transport: w.Transport()}).Get(last.SigningCertURL)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || res.Body.Close() != nil || last.SignatureVersion != "2" {
		t.Fatalf("%d %v %s", res.StatusCode, err, last.SignatureVersion)
	}
	messages := append(slices.Clone(bodies), strings.Replace(bodies[len(bodies)-1], id, other, 1))
	var verdicts []string
	asked(t, folder, snsValidator, map[string]any{
		"certificates": map[string]string{last.SigningCertURL: string(certificate)}, "messages": messages,
	}, &verdicts)
	want := []string{"SubscriptionConfirmation", "Notification", "Notification", "refused: The message signature is invalid."}
	if diff := cmp.Diff(want, verdicts); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Apollo Client with AppSync's links subscribes to the whole stack, served over HTTP.
func TestApolloHearsOfAnOrder(t *testing.T) {
	folder := node(t, "aws-appsync-subscription-link", "aws-appsync-auth-link", "@apollo/client", "rxjs", "ws", "graphql")
	w := live(t)
	server := httptest.NewServer(w.Stack)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	token, err := signIn(w.Stack, "acme")
	if err != nil {
		t.Fatal(err)
	}
	foreign := w.submit("globex", order("tok_flaky", ""))
	// With a key, the order's id is known before there is an order.
	id := "k-" + base64.RawURLEncoding.EncodeToString([]byte("po-1")) + "-" + base64.RawURLEncoding.EncodeToString([]byte("acme"))
	const query = `subscription S($id: ID!) {onOrderStatus(orderId: $id) {id type orderId tenant status previousStatus sequence occurredAt changes}}`
	job, err := json.Marshal(map[string]any{
		"url": server.URL + "/graphql", "region": "eu-central-1", "token": token, "events": 8, "timeout": 25_000,
		"subscriptions": []any{
			map[string]any{"query": query, "variables": map[string]any{"id": id}},
			map[string]any{"query": `subscription {onMyOrders {id status sequence}}`},
			map[string]any{"query": query, "variables": map[string]any{"id": foreign}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join("..", "..", "local", "internal", "appsync", "testdata", "subscribe.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", script)
	cmd.Dir, cmd.Stdin, cmd.Stderr = folder, bytes.NewReader(job), os.Stderr
	cmd.Env = append(os.Environ(), "ORDERFLOW_REFEREES="+folder)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	type line struct {
		Event, Message string
		Index          int
		Data           map[string]map[string]any
	}
	var refusals []line
	received := map[int][]string{}
	ready := 0
	holds := valid(t)
	for scan := bufio.NewScanner(out); scan.Scan(); {
		var l line
		if err := json.Unmarshal(scan.Bytes(), &l); err != nil {
			t.Fatalf("%v: %s", err, scan.Text())
		}
		switch l.Event {
		case "connected", "error":
			if l.Event == "error" {
				refusals = append(refusals, l)
			}
			if ready++; ready == 3 {
				req, err := http.NewRequest(http.MethodPost, server.URL+"/orders", strings.NewReader(order("tok_visa", "")))
				if err != nil {
					t.Fatal(err)
				}
				req.Header = http.Header{"Authorization": {token}, "Content-Type": {"application/json"}, "Idempotency-Key": {"po-1"}}
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				if res.StatusCode != http.StatusAccepted || res.Body.Close() != nil {
					t.Errorf("POST /orders: %s", res.Status)
				}
			}
		case "data":
			for field, e := range l.Data {
				received[l.Index] = append(received[l.Index], fmt.Sprint(field, " ", e["id"], " ", e["status"]))
				if field == "onOrderStatus" {
					delete(e, "__typename")
					if text, ok := e["changes"].(string); ok { // AWSJSON
						e["changes"] = json.RawMessage(text)
					}
					if e["previousStatus"] == nil {
						delete(e, "previousStatus")
					}
					b, err := json.Marshal(e)
					if err != nil {
						t.Fatal(err)
					}
					holds(b)
				}
			}
		default:
			t.Errorf("%s", scan.Text())
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("node: %v", err)
	}
	want := map[int][]string{}
	for i, status := range []string{"ACCEPTED", "RESERVED", "PAID", "COMPLETED"} {
		want[0] = append(want[0], fmt.Sprint("onOrderStatus ", event.ID(id, int64(i+1)), " ", status))
		want[1] = append(want[1], fmt.Sprint("onMyOrders ", event.ID(id, int64(i+1)), " ", status))
	}
	if diff := cmp.Diff(want, received); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(refusals) != 1 || refusals[0].Index != 2 || !strings.Contains(refusals[0].Message, `"errorType":"UnknownOrder","message":"There is no such order."`) {
		t.Errorf("somebody else's order: %+v", refusals)
	}
}
