// Package process_test runs the app with all its functions as the executables that are deployed, built for this machine, in
// real time.
package process_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/servetest"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
)

// built is the folder of the functions, built once.
var built string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	if testing.Short() {
		fmt.Println("builds and runs all functions, about 30 s: not with -short")
		return 0
	}
	if built = os.Getenv(runnerFunctions); built != "" {
		return m.Run() // as a runner that a test has started
	}
	out, err := os.MkdirTemp("", "orderflow-functions-")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer func() { _ = os.RemoveAll(out) }()
	if b, err := exec.Command("go", "run", "../../cmd/build-functions", "-host", "-out", out).CombinedOutput(); err != nil {
		fmt.Printf("build-functions: %v\n%s", err, b)
		return 1
	}
	built = filepath.Join(out, local.HostBuild())
	return m.Run()
}

// world is an environment of the app that is served, with customers around it.
type world struct {
	*local.Stack
	t     testing.TB
	url   string
	hosts local.Hosts
	logs  *servetest.Output // what the functions and the stack wrote
}

// start starts an environment whose functions are processes.
func start(t testing.TB, environment string, change func(*local.Options)) *world {
	t.Helper()
	template, err := snapshot.Template(environment)
	if err != nil {
		t.Fatal(err)
	}
	return startTemplate(t, environment, template, change)
}

// startTemplate is start with another template.
func startTemplate(t testing.TB, environment string, template []byte, change func(*local.Options)) *world {
	t.Helper()
	w := &world{t: t, hosts: local.Hosts{}, logs: &servetest.Output{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs:\n%s", w.logs)
		}
	})
	w.Stack, w.url = servetest.Start(t, os.Getenv(runnerAddress), func(url string) (*local.Stack, error) {
		o := local.Options{
			Seed: 1, RealTime: true, Endpoint: url, Logs: w.logs, Egress: localapp.Egress(w.hosts), Processes: local.Bootstraps(built),
		}
		if change != nil {
			change(&o)
		}
		return localapp.FromTemplate(environment, template, o)
	})
	if err := localapp.PutStock(w.Stack, localapp.StockLevel{SKU: "KB-1001", Available: 1_000_000}, localapp.StockLevel{SKU: "RARE", Available: 1}); err != nil {
		t.Fatal(err)
	}
	return w
}

// as is package client for a tenant's user.
func (w *world) as(tenant string) *client.Client {
	w.t.Helper()
	token, err := w.IDToken("user-of-"+tenant, map[string]any{record.TenantClaim: tenant})
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := client.New(w.url, client.Options{Authorize: client.IDToken(client.Static(token)), GraphQLURL: w.url + "/graphql", Tenant: tenant})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// settle places an order and waits for its end.
func (w *world) settle(c *client.Client, body string) client.Order {
	w.t.Helper()
	ctx := within(w.t)
	accepted, err := c.Submit(ctx, json.RawMessage(body), client.SubmitOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	o, err := c.Wait(ctx, accepted.OrderID)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, w.logs)
	}
	return o
}

// path is the statuses that an order went through.
func path(o client.Order) string {
	var all []string
	for _, h := range o.History {
		all = append(all, h.Status)
	}
	return strings.Join(all, " ")
}

func order(token, sku string) string {
	return fmt.Sprintf(`{"currency":"EUR","items":[{"sku":%q,"quantity":2,"unitPrice":4990}],`+
		`"payment":{"method":"card","token":%q},`+
		`"shipTo":{"name":"Ada","line1":"1 St","city":"Paris","postalCode":"75001","country":"FR"}}`, sku, token)
}

// available is what the inventory table says is on hand of a SKU.
func (w *world) available(sku string) int {
	w.t.Helper()
	in, err := json.Marshal(map[string]any{"TableName": w.Outputs()["InventoryTableName"], "Key": map[string]any{"pk": map[string]string{"S": sku}}})
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.Call("dynamodb", "GetItem", in)
	if err != nil {
		w.t.Fatal(err)
	}
	var item struct {
		Item struct {
			Available struct {
				N int `json:",string"`
			}
		}
	}
	if err := json.Unmarshal(out, &item); err != nil {
		w.t.Fatal(err)
	}
	return item.Item.Available.N
}
