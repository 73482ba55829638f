package console_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/local/console"
)

// anOrder is an order that the app takes; the card's token decides how it goes.
const anOrder = `{"currency":"EUR","items":[{"sku":"KB-1001","quantity":1,"unitPrice":7900}],"payment":{"method":"card","token":"tok_visa"},` +
	`"shipTo":{"name":"Ada Lovelace","line1":"12 St James's Square","city":"London","postalCode":"SW1Y 4JH","country":"GB"}}`

// environment is the one whose stack is run.
var environment = "dev"

// app is the stack in real time, with its page.
type app struct {
	*testing.T
	stack *local.Stack
	page  *console.Console
	url   string // of the page

	server *httptest.Server
}

func options(stack *local.Stack, inbox *console.Inbox) console.Options {
	return console.Options{
		Title: "orderflow-dev", Tenants: []string{"acme", "globex"},
		SignIn: func(tenant string) (string, error) {
			return stack.IDToken("user-of-"+tenant, map[string]any{record.TenantClaim: tenant})
		},
		Requests: []console.Example{
			{Name: "An order", Path: "/orders", Body: anOrder},
			{Name: "An order whose card is declined", Path: "/orders", Body: strings.Replace(anOrder, "tok_visa", "tok_declined", 1)},
			{Name: "An order that breaks the schema", Path: "/orders", Body: `{"items":[]}`},
		},
		OnSignIn: []console.Example{{Name: "webhook", Path: "/webhooks", Body: `{"url":"https://hooks.example/{tenant}"}`}},
		Faults: []local.Fault{
			{Name: "The payment is declined", Target: "charge", Kind: local.FailWith, ErrorName: "PaymentDeclined", Message: "the bank said no"},
			{Name: "The intake crashes", Target: "intake", Kind: local.CrashBefore},
			{Name: "The table throttles", Target: "dynamodb:*", Kind: local.Throttle, Probability: 0.3},
			{Name: "Shipping takes 5 s", Target: "ship", Kind: local.Slow, Delay: 5 * time.Second},
			{Name: "The answer of charge is lost", Target: "charge", Kind: local.CrashAfter, Times: 1},
		},
		Inbox: inbox,
	}
}

func start(t *testing.T) *app {
	t.Helper()
	template, err := snapshot.Template(environment)
	if err != nil {
		t.Fatal(err)
	}
	return startTemplate(t, template)
}

func startTemplate(t *testing.T, template []byte) *app {
	t.Helper()
	inbox := console.NewInbox()
	stack, err := localapp.FromTemplate(environment, template, local.Options{RealTime: true, Seed: 1, Egress: localapp.Egress(local.Hosts{"hooks.example": inbox})})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = stack.Run(ctx) // it ends with the context
	}()
	if err := localapp.PutStock(stack, localapp.StockLevel{SKU: "KB-1001", Available: 100000}); err != nil {
		t.Fatal(err)
	}
	page := console.New(stack, options(stack, inbox))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/console") {
			page.ServeHTTP(w, r)
			return
		}
		stack.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		stack.Resume()
		cancel()
		<-ran
		stack.Close()
		page.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return &app{t, stack, page, server.URL + "/console", server}
}

// get decodes what the API answers.
func (a *app) get(path string, v any) {
	a.Helper()
	res, err := http.Get(a.url + "/api/" + path)
	if err != nil {
		a.Fatal(err)
	}
	a.decode(path, res, v)
}

func (a *app) decode(path string, res *http.Response, v any) {
	a.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		a.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		a.Fatalf("%s: %d %s", path, res.StatusCode, b)
	}
	if err := json.Unmarshal(b, v); err != nil {
		a.Fatalf("%s: %v: %s", path, err, b)
	}
}

// post posts as the page does.
func (a *app) post(path, body string, v any) {
	a.Helper()
	a.decode(path, a.try(path, body, map[string]string{"X-Console": "1"}), v)
}

func (a *app) try(path, body string, header map[string]string) *http.Response {
	a.Helper()
	req, err := http.NewRequest(http.MethodPost, a.url+"/api/"+path, strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
		if k == "Host" {
			req.Host = v
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.Fatal(err)
	}
	return res
}

// until waits for something to come true.
func (a *app) until(what string, ok func() bool) {
	a.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			a.Fatalf("waited in vain for %s", what)
		}
	}
}

// request asks a page that nobody serves.
func request(page http.Handler, path string) (int, string) {
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil))
	return w.Code, w.Body.String()
}
