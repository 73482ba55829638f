package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// command is orderflow as another process: this test's program under its name.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "orderflow")
	if err := os.Symlink(self, name); err != nil {
		t.Skipf("skipped: no symbolic links here: %v", err)
	}
	return exec.Command(name, args...)
}

// TestKilledAgainAndAgainNothingIsLost kills a demo with kill -9 in the middle of its
// orders, several times, and lets it go on: all that was acknowledged comes to an end.
func TestKilledAgainAndAgainNothingIsLost(t *testing.T) {
	for _, functions := range []string{"in-process", "process"} {
		t.Run(functions, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			acknowledged := func() int {
				text, err := os.ReadFile(filepath.Join(data, "demo", "demo.jsonl"))
				if err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
				return bytes.Count(text, []byte("\n"))
			}
			args := []string{"demo", "--functions", functions, "--data", data}
			if functions == "process" {
				built, err := buildFunctions(t.Context(), "../..", t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				args = append(args, "--built", filepath.Dir(built))
			}
			run := func(killAfter int) (string, error) {
				var out bytes.Buffer
				cmd := command(t, args...)
				cmd.Stdout, cmd.Stderr = &out, &out
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { ended <- cmd.Wait() }()
				for killAfter > 0 {
					select {
					case err := <-ended:
						t.Fatalf("it was over before it was killed: %v\n%s", err, &out)
					case <-time.After(time.Millisecond):
					}
					if acknowledged() >= killAfter {
						if err := cmd.Process.Kill(); err != nil {
							t.Fatal(err)
						}
						break
					}
				}
				err := <-ended
				return out.String(), err
			}
			for _, orders := range []int{5, 20, 21, 50} {
				if out, err := run(orders); err == nil {
					t.Fatalf("killed after %d orders it ended well\n%s", orders, out)
				}
				if n := acknowledged(); n < orders {
					t.Fatalf("%d orders are in the journal, of %d", n, orders)
				}
			}
			args = args[:5] // in the end it builds the functions itself
			out, err := run(0)
			// How many are completed is chance: a demo that is killed between an order and its cancellation finds it completed.
			if err != nil || !strings.Contains(out, "\n77 submitted, ") || !strings.Contains(out, " 9 rejected, 2 failed, 19 refused, 0 lost\n") {
				t.Errorf("in the end: %v\n%s", err, out)
			}
			if left, err := os.ReadDir(data); err != nil || len(left) > 0 {
				t.Errorf("a run that is over leaves %v, %v", left, err)
			}
		})
	}
}
