package main

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// ask makes a POST request of orderflow up, and returns the answer.
func (u *upProcess) ask(t *testing.T, path, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Console", "test")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", path, resp.Status, text, err)
	}
	return strings.TrimSpace(string(text))
}

// operating is a command about the stack of orderflow up.
func (u *upProcess) operating(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := command(t, args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	cmd.Env = append(cmd.Env, regexp.MustCompile(`AWS_[A-Z_]+=\S+`).FindAllString(u.out.String(), -1)...)
	return cmd
}

// TestRedriveKilledAgainAndAgain kills redrive with kill -9 while it moves letters one by one: what it had in its hands comes to light
// again, and every order completes.
func TestRedriveKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	u := startUp(t, "--no-reload")
	u.until(t, &u.out, `AWS_SECRET_ACCESS_KEY=(\S+)`)
	u.faults(t, `{"target":"intake","kind":"fail","errorName":"Broken"}`)
	var ids []string
	for range 8 {
		ids = append(ids, u.submit(t))
	}
	u.ask(t, "/console/api/time", `{"do":"advance","by":"1h"}`)
	u.faults(t, "")
	for n := range 3 {
		cmd := u.operating(t, "redrive", "orders", "--apply", "--tenant", "acme", "--rate", "5")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(300+150*n) * time.Millisecond) // somewhere on its way
		_ = cmd.Process.Kill()                                  // it may have ended
		_ = cmd.Wait()                                          // by that
		u.ask(t, "/console/api/time", `{"do":"advance","by":"11m"}`)
	}
	if out, err := u.operating(t, "redrive", "orders", "--apply", "--tenant", "acme").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := u.operating(t, "redrive").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	u.token = u.ask(t, "/-/token?tenant=acme", "")
	for _, id := range ids {
		u.completes(t, id)
	}
}
