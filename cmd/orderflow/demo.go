package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
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
	source
	Data string `placeholder:"DIR" help:"Keep everything in this folder until the run is over: if it is killed, the next one with the same folder goes on."`
	Seed uint64 `default:"1" help:"Seed of every random choice; the same seed gives the same run."`
	JSON bool   `help:"Print the result as JSON."`
	Logs string `placeholder:"FILE" help:"Write the functions' logs to this file."`
}

// Help is the command's long help.
func (*demoCommand) Help() string {
	return "Each order is followed by polling, webhook and websocket at once. Time is virtual, and the same seed gives the same run; " +
		"with --functions process or --data it is real. " +
		"Exit codes: 0 all is well, 1 an accepted order is lost, an expectation is missed, or the channels do not tell the same events; 130 interrupted."
}

// Run implements the command.
func (c *demoCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	over := make(chan error, 1)
	go func() { over <- c.run(ctx) }()
	select {
	case err := <-over:
		return err
	case <-ctx.Done():
	}
	stop() // the second time it ends at once
	select {
	case <-over: // what it says comes of the stack that was closed
	case <-time.After(10 * time.Second):
		c.close()
	}
	if c.Data != "" {
		return &exitError{exitInterrupted, "interrupted; with the same --data it goes on"}
	}
	return errInterrupted
}

func (c *demoCommand) run(ctx context.Context) error {
	submissions, levels, err := c.inputs()
	if err != nil {
		return err
	}
	logs := io.Discard
	if c.Logs != "" {
		f, err := os.Create(c.Logs)
		if err != nil {
			return fmt.Errorf("--logs: %w", err)
		}
		defer f.Close()
		logs = f
	}
	defer c.close()
	if err := c.prepare(ctx); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	base := "http://" + listener.Addr().String()
	journal, err := openJournal(c.Data)
	if err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	wall := time.Now()
	listeners := newChannels()
	o := local.Options{
		Seed: c.Seed, Logs: logs, KeepHistories: -1, Egress: localapp.Egress(listeners.egress()), OnFrame: listeners.onFrame, Data: journal.data(),
	}
	if o.RealTime = c.Functions == "process" || c.Data != ""; o.RealTime {
		o.Endpoint, o.Seed = base, uint64(time.Now().UnixNano())
	}
	stack, err := c.start(o)
	if err != nil {
		return err
	}
	defer stack.Close()
	defer context.AfterFunc(ctx, stack.Close)() // whoever waits for it goes on
	server := &http.Server{Handler: stack, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // until it is closed
	defer server.Close()
	if o.RealTime {
		go func() { _ = stack.Run(context.Background()) }() // until the stack is closed
	}
	if _, ours := stack.Outputs()["InventoryTableName"]; !ours {
		return fmt.Errorf("the demo's orders are for orderflow's own stack, which %s is not; orderflow up runs any", c.stackName())
	}
	if !journal.goesOn() {
		if err := localapp.PutStock(stack, levels...); err != nil {
			return fmt.Errorf("stocking the inventory: %w", err)
		}
	}

	bar := progress(len(submissions))
	d := driver{stack: stack, base: base, journal: journal, realTime: o.RealTime, http: &http.Client{}, channels: listeners, progress: func(what string, n int) {
		bar.Describe(what)
		_ = bar.Set(n)
	}}
	listeners.stack, listeners.base, listeners.token, listeners.wait = stack, d.base, d.token, d.wait
	err = d.run(submissions)
	_ = bar.Clear()
	if err != nil {
		return err
	}

	r := report{Environment: c.Env, Seed: c.Seed, Outcomes: d.outcomes, Channels: d.tallies, Continued: journal.goesOn()}
	r.count()
	if c.JSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(r); err != nil {
			return err
		}
	} else {
		r.print(os.Stdout, stack.Now().Sub(d.started), time.Since(wall))
		printFigures(os.Stdout, stack.FunctionFigures())
	}
	stack.Close()
	if err := journal.remove(); err != nil {
		return err
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

// progress is a live bar on a terminal and silent elsewhere.
func progress(n int) *progressbar.ProgressBar {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return progressbar.DefaultSilent(int64(n))
	}
	return progressbar.NewOptions(n, progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionShowCount(), progressbar.OptionSetWidth(40), progressbar.OptionThrottle(50*time.Millisecond), progressbar.OptionClearOnFinish())
}
