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

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/local/console"
)

type upCommand struct {
	source
	Addr   string            `default:"127.0.0.1:8080" help:"Where to listen."`
	Data   string            `placeholder:"DIR" help:"Keep what queues, tables and executions hold in this folder, and go on from there next time. Without it all is gone in the end."`
	Reload bool              `default:"true" negatable:"" help:"Take changes of the template and of functions over as they are made."`
	Tenant string            `default:"acme" help:"The tenant of the token that is printed."`
	Stock  string            `placeholder:"FILE.json" help:"What is in stock at first, as {\"SKU\": quantity}; without it, the stock that comes with orderflow."`
	Host   map[string]string `placeholder:"NAME=URL" help:"Who answers requests to https://NAME, such as a webhook receiver on this machine: --host hooks.example=http://127.0.0.1:9000."`
	Logs   string            `placeholder:"FILE" help:"Write the functions' logs to this file; without it, to standard error."`
}

// Help is the command's long help.
func (*upCommand) Help() string {
	return "It prints its URLs and the variables that the other commands, the AWS CLI and SDKs take; a page at /console shows what is going on. " +
		"Changes of the template and of functions are taken over while it runs. docs/local.md tells more."
}

// Run implements the command.
func (c *upCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	up := false
	err := c.run(ctx, stop, &up)
	if err != nil && !up && ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// run serves the stack until ctx ends. up is set as soon as it does.
func (c *upCommand) run(ctx context.Context, stop func(), up *bool) error {
	if c.Tenant == "" {
		return errors.New("--tenant must not be empty")
	}
	customers, err := c.customers()
	if err != nil {
		return err
	}
	inbox := console.NewInbox()
	customers[inboxHost] = inbox
	levels, err := stockLevels(c.Stock)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.prepare(ctx); err != nil {
		return err
	}
	var logs io.Writer = os.Stderr
	if c.Logs != "" {
		f, err := os.Create(c.Logs)
		if err != nil {
			return fmt.Errorf("--logs: %w", err)
		}
		defer f.Close()
		logs = f
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return addressError(c.Addr, err)
	}
	defer listener.Close()
	base := "http://" + listener.Addr().String()
	stack, err := c.start(local.Options{
		Seed: uint64(time.Now().UnixNano()), RealTime: true, Logs: logs, Endpoint: base, Data: c.Data, Egress: localapp.Egress(customers),
	})
	if err != nil {
		return err
	}
	defer stack.Close()
	defer func() { printFigures(os.Stderr, stack.FunctionFigures()) }()

	ran, served := make(chan error, 1), make(chan error, 1)
	go func() { ran <- stack.Run(ctx) }()
	page := console.New(stack, c.consoleOptions(stack, inbox))
	defer page.Close()
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: handler(stack, page)}
	server.RegisterOnShutdown(page.Close) // its open streams would be waited for
	go func() { served <- server.Serve(listener) }()
	if err := putFirstStock(stack, levels); err != nil {
		return fmt.Errorf("stocking the inventory: %w", err)
	}
	c.announce(os.Stdout, stack, base)
	*up = true
	if c.Reload {
		go c.watch(ctx, stack, os.Stderr)
	}
	select {
	case err = <-served:
		stop()
		if stopped := <-ran; !errors.Is(stopped, context.Canceled) {
			err = errors.Join(err, stopped)
		}
		return err
	case err = <-ran:
		if ctx.Err() == nil {
			return fmt.Errorf("the stack has stopped: %w", err)
		}
	}
	// Websockets are connections of their own and end with the process.
	shutdown, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(shutdown); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// addressError says why an address cannot be listened on.
func addressError(addr string, err error) error {
	switch _, _, bad := net.SplitHostPort(addr); {
	case bad != nil:
		return fmt.Errorf("--addr %s: want ADDRESS:PORT, such as 127.0.0.1:8080", addr)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("--addr %s: the port is taken; --addr 127.0.0.1:0 takes one that is free", addr)
	}
	return fmt.Errorf("--addr %s: %w", addr, err)
}

// customers are who answers requests of the stack to the outside.
func (c *upCommand) customers() (local.Hosts, error) {
	hosts := local.Hosts{}
	for name, target := range c.Host {
		u, err := url.Parse(target)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("--host %s=%s: want NAME=http://ADDRESS", name, target)
		}
		hosts[strings.ToLower(name)] = httputil.NewSingleHostReverseProxy(u)
	}
	return hosts, nil
}

// putFirstStock stocks the inventory of a stack that has none yet.
func putFirstStock(stack *local.Stack, levels []localapp.StockLevel) error {
	table, ok := stack.Outputs()["InventoryTableName"]
	if !ok {
		return nil // somebody else's stack
	}
	out, err := stack.Inspect("dynamodb", "Scan", fmt.Appendf(nil, `{"TableName":%q,"Limit":1,"Select":"COUNT"}`, table))
	if err != nil {
		return err
	}
	if !strings.Contains(string(out), `"Count":0`) {
		return nil
	}
	return localapp.PutStock(stack, levels...)
}
