package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

//go:embed orders.jsonl
var defaultOrders []byte

//go:embed stock.json
var defaultStock []byte

type demoCommand struct {
	Orders string `placeholder:"FILE.jsonl" help:"Orders to submit, one a line; without it, the ones that come with orderflow."`
	Stock  string `placeholder:"FILE.json" help:"What is in stock, as {\"SKU\": quantity}; without it, the stock that comes with orderflow."`
	Env    string `default:"dev" enum:"dev,staging,prod" help:"Whose stack to run: dev, staging or prod."`
	App    string `placeholder:"DIR" help:"Take the stack's template from this cdk.out folder instead of the one that comes with orderflow."`
	Seed   uint64 `default:"1" help:"Seed of every random choice; the same seed gives the same run."`
	JSON   bool   `help:"Print the result as JSON."`
	Logs   string `placeholder:"FILE" help:"Write the functions' logs to this file."`
}

// Run implements the command.
func (c *demoCommand) Run() error {
	submissions, levels, err := c.inputs()
	if err != nil {
		return err
	}
	logs := io.Discard
	if c.Logs != "" {
		f, err := os.Create(c.Logs)
		if err != nil {
			return err
		}
		defer f.Close()
		logs = f
	}
	wall := time.Now()
	listeners := newChannels()
	stack, err := startStack(c.Env, c.App, local.Options{
		Seed: c.Seed, Logs: logs, KeepHistories: -1, Egress: localapp.Egress(listeners.egress()), OnFrame: listeners.onFrame,
	})
	if err != nil {
		return err
	}
	defer stack.Close()
	if err := localapp.PutStock(stack, levels...); err != nil {
		return fmt.Errorf("stocking the inventory: %w", err)
	}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: stack, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // until it is closed
	defer server.Close()

	bar := progress(len(submissions))
	d := driver{stack: stack, base: "http://" + listener.Addr().String(), http: &http.Client{}, channels: listeners, progress: func(what string, n int) {
		bar.Describe(what)
		_ = bar.Set(n)
	}}
	listeners.stack, listeners.base, listeners.token = stack, d.base, d.token
	err = d.run(submissions)
	_ = bar.Clear()
	if err != nil {
		return err
	}

	r := report{Environment: c.Env, Seed: c.Seed, Outcomes: d.outcomes, Channels: d.tallies}
	r.count()
	if c.JSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(r); err != nil {
			return err
		}
	} else {
		r.print(os.Stdout, stack.Now().Sub(d.started), time.Since(wall))
	}
	return r.verdict()
}

func (c *demoCommand) inputs() ([]submission, []localapp.StockLevel, error) {
	name, f := "orders.jsonl", io.NopCloser(bytes.NewReader(defaultOrders))
	if c.Orders != "" {
		opened, err := os.Open(c.Orders)
		if err != nil {
			return nil, nil, fmt.Errorf("--orders: %w", err)
		}
		name, f = c.Orders, opened
	}
	defer f.Close()
	submissions, err := readSubmissions(name, f)
	if err != nil {
		return nil, nil, err
	}
	levels, err := stockLevels(c.Stock)
	return submissions, levels, err
}

// stockLevels reads a file, or with "" the stock that comes with orderflow.
func stockLevels(file string) ([]localapp.StockLevel, error) {
	if file == "" {
		return readStock("stock.json", defaultStock)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--stock: %w", err)
	}
	return readStock(file, text)
}

// startStack starts an environment's stack, from the committed template or from
// a cloud assembly.
func startStack(environment, assembly string, o local.Options) (*local.Stack, error) {
	if assembly == "" {
		s, err := localapp.New(environment, o)
		if err != nil {
			return nil, fmt.Errorf("starting orderflow-%s: %w", environment, err)
		}
		return s, nil
	}
	template, err := local.ReadTemplate(assembly, "orderflow-"+environment)
	if err != nil {
		return nil, fmt.Errorf("--app: %w; run: npx cdk synth", err)
	}
	s, err := localapp.FromTemplate(environment, template, o)
	if err != nil {
		return nil, fmt.Errorf("starting orderflow-%s of %s: %w", environment, assembly, err)
	}
	return s, nil
}

// progress is a live bar on a terminal and silent elsewhere.
func progress(n int) *progressbar.ProgressBar {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return progressbar.DefaultSilent(int64(n))
	}
	return progressbar.NewOptions(n, progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionShowCount(), progressbar.OptionSetWidth(40), progressbar.OptionThrottle(50*time.Millisecond), progressbar.OptionClearOnFinish())
}
