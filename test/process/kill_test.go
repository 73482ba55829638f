package process_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/servetest"
	"github.com/orderflow-cdk/orderflow/local"
)

// Variables of a runner: this test binary as the process that has the stack, to be killed.
const (
	runnerFunctions = "PROCESS_TEST_FUNCTIONS"
	runnerAddress   = "PROCESS_TEST_ADDRESS"
	runnerData      = "PROCESS_TEST_DATA"
)

// TestRunner is the runner. It writes its token to a file when it is up, and never ends.
func TestRunner(t *testing.T) {
	data := os.Getenv(runnerData)
	if data == "" {
		return // It is a part of TestKill, which starts it.
	}
	w := start(t, "dev", func(o *local.Options) { o.Data, o.Logs = data, os.Stderr })
	token, err := w.IDToken("user-of-acme", map[string]any{record.TenantClaim: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "token.new"), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(data, "token.new"), filepath.Join(data, "token")); err != nil {
		t.Fatal(err)
	}
	select {}
}

// runner is a process with a stack.
type runner struct {
	*client.Client
	cmd *exec.Cmd
	log *servetest.Output
}

func startRunner(t *testing.T, address, data string) *runner {
	t.Helper()
	token := filepath.Join(data, "token")
	_ = os.Remove(token) // that of the last runner, if there was one
	r := &runner{cmd: exec.Command(os.Args[0], "-test.run=^TestRunner$"), log: &servetest.Output{}}
	r.cmd.Env = append(os.Environ(), runnerFunctions+"="+built, runnerAddress+"="+address, runnerData+"="+data)
	r.cmd.Stdout, r.cmd.Stderr = r.log, r.log
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.kill)
	for range 600 {
		time.Sleep(50 * time.Millisecond)
		b, err := os.ReadFile(token)
		if err != nil {
			continue
		}
		url := "http://" + address
		r.Client, err = client.New(url, client.Options{
			Authorize: client.IDToken(client.Static(string(b))), GraphQLURL: url + "/graphql", Tenant: "acme", Retry: client.Retry{Attempts: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	t.Fatalf("the runner does not come up\n%s", r.log)
	return nil
}

// kill is kill -9.
func (r *runner) kill() {
	_ = r.cmd.Process.Kill() // it may be gone
	_ = r.cmd.Wait()
}

// functions are the processes of this machine that run one of the functions.
func functions(t *testing.T) []string {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, l := range links {
		if exe, err := os.Readlink(l); err == nil && strings.HasPrefix(exe, built) {
			if status, err := os.ReadFile(filepath.Dir(l) + "/stat"); err == nil && !bytes.Contains(status, []byte(") Z ")) {
				found = append(found, filepath.Dir(l)+" "+exe)
			}
		}
	}
	return found
}

// The runner is killed in the middle of many orders, twice, and goes on from its folder: every order that was accepted is completed, and
// no function outlives its runner.
func TestKill(t *testing.T) {
	data := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close() // for the runner
	const each = 30
	var accepted []string
	r := startRunner(t, address, data)
	for range 2 {
		accepted = append(accepted, r.submit(t, each)...)
		time.Sleep(100 * time.Millisecond) // into the middle of them
		r.kill()
		for range 100 {
			if functions(t) == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if left := functions(t); left != nil {
			t.Errorf("functions outlive the runner: %v", left)
		}
		r = startRunner(t, address, data)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	lost := 0
	for _, id := range accepted {
		o, err := r.Wait(ctx, id)
		if err != nil || o.Status != "COMPLETED" {
			lost++
			t.Errorf("%s: %v, %s", id, err, path(o))
		}
	}
	t.Logf("%d orders accepted, %d lost", len(accepted), lost)
	if t.Failed() {
		t.Logf("logs:\n%s", r.log)
	}
}

// submit places n orders at the same time, and returns those that were accepted, which must be all.
func (r *runner) submit(t *testing.T, n int) []string {
	t.Helper()
	ids, errs := make([]string, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			a, err := r.Submit(context.Background(), json.RawMessage(order("tok_visa", "KB-1001")), client.SubmitOptions{})
			ids[i], errs[i] = a.OrderID, err
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(fmt.Errorf("%w\n%s", err, r.log))
	}
	return ids
}
