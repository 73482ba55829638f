package test

import (
	"io"
	"net"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/referee"
	"github.com/orderflow-cdk/orderflow/internal/servetest"
	"github.com/orderflow-cdk/orderflow/local"
)

// TestTheSnippetsOfTheChannelsDocumentRun runs docs/channels.md's programs in other
// languages against the app on this machine. They need the packages of test/referees (npm ci), and
// from PyPI standardwebhooks.
func TestTheSnippetsOfTheChannelsDocumentRun(t *testing.T) {
	document, err := os.ReadFile("../docs/channels.md")
	if err != nil {
		t.Fatal(err)
	}
	node := func(t *testing.T, dir string, packages ...string) []string {
		modules := filepath.Join(referee.Node(t, packages...), "node_modules")
		if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
		return []string{"node"}
	}
	for _, c := range []struct {
		name, begin, file string
		listens           bool
		command           func(t *testing.T, dir string) []string
	}{
		{"npm standardwebhooks", "```js\n// npm install standardwebhooks\n", "main.mjs", true, func(t *testing.T, dir string) []string {
			return node(t, dir, "standardwebhooks")
		}},
		{"PyPI standardwebhooks", "```python\n# pip install standardwebhooks\n", "main.py", true, func(t *testing.T, _ string) []string {
			python := referee.Python(t)
			if out, err := exec.Command(python, "-c", "import standardwebhooks").CombinedOutput(); err != nil {
				t.Skipf("no referee: %s has no standardwebhooks (pip install standardwebhooks): %v %s", python, err, out)
			}
			return []string{python, "-u"}
		}},
		{"Apollo", "```js\n// npm install @apollo/client graphql rxjs aws-appsync-auth-link aws-appsync-subscription-link ws\n", "main.mjs", false, func(t *testing.T, dir string) []string {
			return node(t, dir, "@apollo/client", "graphql", "rxjs", "aws-appsync-auth-link", "aws-appsync-subscription-link", "ws")
		}},
		{"websocket", "```js\n// npm install ws\n", "main.mjs", false, func(t *testing.T, dir string) []string { return node(t, dir, "ws") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			command := c.command(t, dir)
			app := startApp(t)
			program := strings.ReplaceAll(between(t, string(document), c.begin, "```"), "9000", app.port)
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(program), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(command[0], append(command[1:], c.file)...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), app.environment...)
			var out servetest.Output
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait() // it was killed
			}()
			for deadline := time.Now().Add(15 * time.Second); c.listens && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				if conn, err := net.Dial("tcp", "127.0.0.1:"+app.port); err == nil {
					_ = conn.Close()
					break
				}
			}
			// Nothing tells when a program has subscribed. It does not miss the second order,
			// or the third.
			for range 15 {
				id := app.submit(t)
				for range 10 {
					time.Sleep(100 * time.Millisecond)
					if text := out.String(); strings.Contains(text, id) && strings.Contains(text, "COMPLETED") {
						return
					}
				}
			}
			t.Errorf("it did not hear of an order; it says:\n%s", out.String())
		})
	}
}

// running is the app on this machine, with an endpoint of a customer at port.
type running struct {
	port        string
	environment []string
	client      *client.Client
}

func startApp(t *testing.T) running {
	t.Helper()
	customer, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := customer.Addr().String()
	if err := customer.Close(); err != nil { // the program will listen there
		t.Fatal(err)
	}
	stack, base := servetest.Start(t, "", func(base string) (*local.Stack, error) {
		return localapp.New("dev", local.Options{
			RealTime: true, Endpoint: base, Logs: io.Discard,
			Egress: localapp.Egress(local.Hosts{"hooks.example": httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})}),
		})
	})
	if err := localapp.PutStock(stack, localapp.StockLevel{SKU: "NB-A5", Available: 1000}); err != nil {
		t.Fatal(err)
	}
	token, err := stack.IDToken("user", map[string]any{record.TenantClaim: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(base, client.Options{Authorize: client.IDToken(client.Static(token))})
	if err != nil {
		t.Fatal(err)
	}
	hook, err := c.CreateWebhook(t.Context(), client.NewWebhook{URL: "https://hooks.example/orders"})
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(address)
	return running{port, []string{
		"ORDERFLOW_GRAPHQL_URL=" + base + "/graphql", "ORDERFLOW_TOKEN=" + token, "WEBHOOK_SECRET=" + hook.Secret,
	}, c}
}

func (r running) submit(t *testing.T) (id string) {
	t.Helper()
	accepted, err := r.client.Submit(t.Context(), []byte(`{"currency":"EUR","items":[{"sku":"NB-A5","quantity":1,"unitPrice":650}],
		"payment":{"method":"card","token":"tok_visa"},"shipTo":{"name":"Ada Lovelace","line1":"12 St James Square","city":"London",
		"postalCode":"SW1Y 4JH","country":"GB"}}`), client.SubmitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return accepted.OrderID
}
