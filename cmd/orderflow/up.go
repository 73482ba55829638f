package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

type upCommand struct {
	Env    string            `default:"dev" enum:"dev,staging,prod" help:"Whose stack to run: dev, staging or prod."`
	App    string            `placeholder:"DIR" help:"Take the stack's template from this cdk.out folder instead of the one that comes with orderflow."`
	Addr   string            `default:"127.0.0.1:8080" help:"Where to listen."`
	Tenant string            `default:"acme" help:"The tenant of the token that is printed."`
	Stock  string            `placeholder:"FILE.json" help:"What is in stock, as {\"SKU\": quantity}; without it, the stock that comes with orderflow."`
	Host   map[string]string `placeholder:"NAME=URL" help:"Who answers requests to https://NAME, such as a webhook receiver on this machine: --host hooks.example=http://127.0.0.1:9000."`
	Logs   string            `placeholder:"FILE" help:"Write the functions' logs to this file; without it, to standard error."`
}

// Run implements the command.
func (c *upCommand) Run() error {
	customers := local.Hosts{}
	for name, target := range c.Host {
		u, err := url.Parse(target)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("--host %s=%s: want NAME=http://ADDRESS", name, target)
		}
		customers[strings.ToLower(name)] = httputil.NewSingleHostReverseProxy(u)
	}
	levels, err := stockLevels(c.Stock)
	if err != nil {
		return err
	}
	var logs io.Writer = os.Stderr
	if c.Logs != "" {
		f, err := os.Create(c.Logs)
		if err != nil {
			return err
		}
		defer f.Close()
		logs = f
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("%w; --addr chooses another address", err)
	}
	defer listener.Close()
	base := "http://" + listener.Addr().String()
	stack, err := startStack(c.Env, c.App, local.Options{
		Seed: uint64(time.Now().UnixNano()), RealTime: true, Logs: logs, Endpoint: base, Egress: localapp.Egress(customers),
	})
	if err != nil {
		return err
	}
	defer stack.Close()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = stack.Run(ctx) // it ends with the context
	}()
	if err := localapp.PutStock(stack, levels...); err != nil {
		return fmt.Errorf("stocking the inventory: %w", err)
	}
	// No http.ServeMux: it would redirect what the gateway answers, such as //orders.
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/-/token" {
			signIn(stack, w, r)
			return
		}
		stack.ServeHTTP(w, r)
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := c.announce(stack, base); err != nil {
		return err
	}
	select {
	case err = <-served:
	case <-ctx.Done():
		// Websockets are connections of their own and end with the process.
		shutdown, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = server.Shutdown(shutdown)
	}
	stop()
	<-ran
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	return err
}

func (c *upCommand) announce(stack *local.Stack, base string) error {
	token, err := tokenOf(stack, c.Tenant)
	if err != nil {
		return err
	}
	fmt.Printf(`orderflow-%s is up until Ctrl-C; what it holds is gone then.

  orders       %[2]s/orders
  webhooks     %[2]s/webhooks
  GraphQL      %[2]s/graphql (websocket: %[5]s/graphql/realtime)
  tokens       curl -X POST '%[2]s/-/token?tenant=NAME', valid for an hour

For orderflow submit, status, watch, cancel and webhooks, as a user of tenant %[3]s:

  export ORDERFLOW_URL=%[2]s ORDERFLOW_GRAPHQL_URL=%[2]s/graphql
  export ORDERFLOW_TOKEN=%[4]s

`, c.Env, base, c.Tenant, token, strings.Replace(base, "http:", "ws:", 1))
	return nil
}

// signIn answers with an ID token of a tenant. It stands for the sign-in of a
// user pool, which is not simulated.
func signIn(stack *local.Stack, w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "want POST: curl -X POST '.../-/token?tenant=NAME'", http.StatusMethodNotAllowed)
		return
	}
	tenant := r.FormValue("tenant")
	if tenant == "" {
		http.Error(w, "tenant is missing: /-/token?tenant=NAME", http.StatusBadRequest)
		return
	}
	token, err := tokenOf(stack, tenant)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintln(w, token) // to a client that may be gone
}

// tokenOf signs a user of the tenant in.
func tokenOf(stack *local.Stack, tenant string) (string, error) {
	return stack.IDToken("user-of-"+tenant, map[string]any{record.TenantClaim: tenant})
}
