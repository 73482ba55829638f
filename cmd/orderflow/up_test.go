package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/internal/servetest"
)

// upProcess is orderflow up as another process.
type upProcess struct {
	*exec.Cmd
	url, token  string
	out, errors servetest.Output
	temp        string // its temporary folder
	ended       chan error
}

// startUp runs orderflow up until the test ends.
func startUp(t *testing.T, args ...string) *upProcess {
	t.Helper()
	u := &upProcess{temp: t.TempDir(), ended: make(chan error, 1)}
	u.Cmd = command(t, append([]string{"up", "--addr", "127.0.0.1:0", "--logs", filepath.Join(t.TempDir(), "logs")}, args...)...)
	u.Env = append(os.Environ(), "TMPDIR="+u.temp)
	u.Stdout, u.Stderr = &u.out, &u.errors
	if err := u.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { u.ended <- u.Wait() }()
	t.Cleanup(func() { _ = u.end(os.Interrupt) }) // it may have ended
	u.url = u.until(t, &u.out, `ORDERFLOW_URL=(\S+)`)
	u.token = u.until(t, &u.out, `ORDERFLOW_TOKEN=(\S+)`)
	return u
}

// end sends it a signal, waits until it has ended, and returns how.
func (u *upProcess) end(signal os.Signal) error {
	_ = u.Process.Signal(signal) // it may have ended
	err := <-u.ended
	u.ended <- err
	return err
}

// until waits until an output matches, and returns the first group.
func (u *upProcess) until(t *testing.T, output *servetest.Output, expression string) string {
	t.Helper()
	re := regexp.MustCompile(expression)
	for deadline := time.Now().Add(2 * scriptPatience); ; time.Sleep(20 * time.Millisecond) {
		if m := re.FindStringSubmatch(output.String()); m != nil {
			return m[len(m)-1]
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %s in %q; standard error: %s", expression, output.String(), u.errors.String())
		}
	}
}

// client is one of its API.
func (u *upProcess) client(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(u.url, client.Options{Authorize: client.IDToken(func(context.Context) (string, error) { return u.token, nil })})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const anOrder = `{"currency":"EUR","items":[{"sku":"NB-A5","quantity":1,"unitPrice":650}],"payment":{"method":"card","token":"tok_visa"},` +
	`"shipTo":{"name":"Ada","line1":"1 Main St","city":"London","postalCode":"SW1Y 4JH","country":"GB"}}`

// submit submits an order and returns its id.
func (u *upProcess) submit(t *testing.T) string {
	t.Helper()
	a, err := u.client(t).Submit(t.Context(), []byte(anOrder), client.SubmitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return a.OrderID
}

// completes waits until an order is completed.
func (u *upProcess) completes(t *testing.T, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scriptPatience)
	defer cancel()
	o, err := u.client(t).Wait(ctx, id)
	if err != nil || o.Status != client.StatusCompleted {
		t.Fatalf("%s: %+v, %v", id, o, err)
	}
}

// faults sets all faults there are: JSON objects, separated by commas.
func (u *upProcess) faults(t *testing.T, faults string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.url+"/console/api/faults", strings.NewReader(`{"faults":[`+faults+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Console", "test")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
}

// TestReload writes other templates while an order is under way: one that it knows how to run is taken over with all that the
// stack holds, one that is newer than it and one that is no template are told of, and what runs goes on.
func TestReload(t *testing.T) {
	t.Parallel()
	template, err := (&source{Env: "dev"}).template()
	if err != nil {
		t.Fatal(err)
	}
	app := t.TempDir()
	write := func(template []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(app, "orderflow-dev.template.json"), template, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(template)
	u := startUp(t, "--app", app)
	done := u.submit(t)
	u.completes(t, done)
	u.faults(t, `{"target":"charge","kind":"slow","delay":3000000000}`)
	under := u.submit(t)

	other := bytes.ReplaceAll(template, []byte(`"LOG_LEVEL": "DEBUG"`), []byte(`"LOG_LEVEL": "ERROR"`))
	if bytes.Equal(other, template) {
		t.Fatal("the template sets no LOG_LEVEL")
	}
	write(other)
	u.until(t, &u.errors, `(?m)^orderflow: reloaded the template$`)
	u.completes(t, done)  // the table is what it was
	u.completes(t, under) // the execution goes on

	write(bytes.ReplaceAll(template, []byte(`"VisibilityTimeout":`), []byte(`"VisibilityOfTomorrow":`)))
	u.until(t, &u.errors, `(?m)^orderflow: not reloaded: .*property VisibilityOfTomorrow is not simulated; .*a newer orderflow may know more$`)
	write([]byte(`{"Resources": 1}`))
	u.until(t, &u.errors, `(?m)^orderflow: not reloaded: template: .*$`)
	u.completes(t, u.submit(t))
}

// TestUpLeavesNothing interrupts it, in process and with processes: it ends well and at once, and its temporary folder is empty.
// What was killed cannot do that; with --data it goes on from where it was.
func TestUpLeavesNothing(t *testing.T) {
	t.Parallel()
	built, err := buildFunctions(t.Context(), "../..", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, flags := range map[string][]string{
		"in process": nil, "processes": {"--functions", "process", "--built", filepath.Dir(built)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags = append(flags, "--no-reload", "--data", filepath.Join(t.TempDir(), "kept"))
			u := startUp(t, flags...)
			u.faults(t, `{"target":"ship","kind":"slow","delay":60000000000}`)
			var ids []string
			for range 5 {
				ids = append(ids, u.submit(t))
			}
			if err := u.end(os.Kill); err == nil {
				t.Fatal("killed it ended well")
			}
			u = startUp(t, flags...)
			for _, id := range ids {
				u.completes(t, id)
			}
			children := childrenOf(u.Process.Pid)
			began := time.Now()
			if err := u.end(os.Interrupt); err != nil {
				t.Errorf("%v; standard error: %s", err, u.errors.String())
			}
			if d := time.Since(began); d > 10*time.Second {
				t.Errorf("it took %v to end", d)
			}
			left, err := os.ReadDir(u.temp)
			if err != nil || len(left) > 0 {
				t.Errorf("its temporary folder has %v, %v", left, err)
			}
			for _, pid := range children {
				for deadline := time.Now().Add(5 * time.Second); runs(pid); time.Sleep(10 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Errorf("process %d is still there", pid)
						break
					}
				}
			}
			if len(children) == 0 && name == "processes" {
				t.Log("its processes are not known here")
			}
		})
	}
}

// childrenOf lists the processes that a process has started, where there is /proc.
func childrenOf(pid int) []int {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is well-formed
	var all []int
	for _, file := range tasks {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		for _, word := range strings.Fields(string(text)) {
			var child int
			if _, err := fmt.Sscan(word, &child); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// runs reports whether a process from childrenOf runs. One that has ended and that nobody has waited for does not.
func runs(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(text), ") Z ")
}

// TestTempFolder: what a process that was killed has left is removed by the next one.
func TestTempFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Skipf("skipped: %v", err)
	}
	left := filepath.Join(os.TempDir(), fmt.Sprintf("orderflow-test-%d-1", ended.Process.Pid))
	own := filepath.Join(os.TempDir(), fmt.Sprintf("orderflow-test-%d-1", os.Getpid()))
	for _, folder := range []string{left, own} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := tempFolder("test")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{own, folder} {
		if _, err := os.Stat(f); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", left, err)
	}
}
