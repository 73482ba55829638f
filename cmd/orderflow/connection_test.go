package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/client"
)

// TestCredentials: what a request carries, by flags and environment.
func TestCredentials(t *testing.T) {
	aws := map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "session"}
	with := func(m map[string]string, name, value string) map[string]string {
		c := map[string]string{name: value}
		for k, v := range m {
			c[k] = v
		}
		return c
	}
	for _, c := range []struct {
		name   string
		args   []string
		env    map[string]string
		header string // how "Name: value" of one begins
	}{
		{"none", nil, nil, "User-Agent: orderflow-cli"},
		{"a token", []string{"--token", "tok"}, nil, "Authorization: tok"},
		{"a token of the environment", nil, map[string]string{"ORDERFLOW_TOKEN": "tok"}, "Authorization: tok"},
		{"a flag before the environment", []string{"--token", "tok"}, map[string]string{"ORDERFLOW_TOKEN": "other"}, "Authorization: tok"},
		{"a key", []string{"--api-key", "key"}, nil, "X-Api-Key: key"},
		{"a key, and a token of the environment", []string{"--api-key", "key"}, map[string]string{"ORDERFLOW_TOKEN": "tok"}, "X-Api-Key: key"},
		{"a key of the environment", nil, map[string]string{"ORDERFLOW_API_KEY": "key"}, "X-Api-Key: key"},
		{"a token, and a key of the environment", []string{"--token", "tok"}, map[string]string{"ORDERFLOW_API_KEY": "key"}, "Authorization: tok"},
		{"signed, and a token of the environment", []string{"--sign"}, with(with(aws, "AWS_REGION", "eu-central-1"), "ORDERFLOW_TOKEN", "tok"), "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"},
		{"signed", []string{"--sign"}, with(aws, "AWS_REGION", "eu-central-1"), "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"},
		{"signed, the other name of the region", []string{"--sign"}, with(aws, "AWS_DEFAULT_REGION", "eu-central-1"), "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"},
		{"signed for a session", []string{"--sign"}, with(aws, "AWS_REGION", "eu-central-1"), "X-Amz-Security-Token: session"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"ORDERFLOW_TOKEN", "ORDERFLOW_API_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"} {
				t.Setenv(name, "")
			}
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			var got http.Header
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r.Header
				_, _ = w.Write([]byte(`{"orderId":"k-1","status":"PAID","sequence":3}`))
			}))
			defer s.Close()
			if code := run(append([]string{"status", "k-1", "--url", s.URL}, c.args...)); code != 0 {
				t.Fatalf("exit code %d", code)
			}
			name, value, _ := strings.Cut(c.header, ": ")
			if !strings.HasPrefix(got.Get(name), value) {
				t.Errorf("want %s, got %v", c.header, got)
			}
			if strings.Contains(value, "AWS4") && !strings.Contains(got.Get(name), "/eu-central-1/execute-api/aws4_request") {
				t.Errorf("signed for something else: %s", got.Get(name))
			}
		})
	}
}

// TestExitCodes: a script can tell how an order ended.
func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		status string
		args   []string
		want   int
	}{
		{"COMPLETED", []string{"watch"}, 0},
		{"FAILED", []string{"watch"}, exitEndedOtherwise},
		{"REJECTED", []string{"watch", "--after", "1"}, exitEndedOtherwise},
		{"COMPLETED", []string{"watch", "--after", "1"}, 0},
		{"CANCELLED", []string{"status"}, 0},
		{"COMPLETED", []string{"cancel"}, 1},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodDelete {
				w.WriteHeader(http.StatusConflict)
			}
			_, _ = w.Write([]byte(`{"orderId":"k-1","status":"` + c.status + `","sequence":1,"history":[{"sequence":1,"status":"` + c.status + `","at":"2026-01-02T03:04:05Z"}]}`))
		}))
		if got := run(append(c.args, "k-1", "--url", s.URL)); got != c.want {
			t.Errorf("%v of an order that is %s: exit code %d, want %d", c.args, c.status, got, c.want)
		}
		s.Close()
	}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&client.Problem{Status: 409, Title: "Conflict", Code: "finished", Detail: "The order is finished.", RequestID: "r", OrderStatus: "FAILED"},
			"Conflict: The order is finished. (code finished, request r); it is FAILED"},
		{&client.Problem{Status: 502, Title: "Bad Gateway"}, "Bad Gateway (HTTP 502)"},
		{&client.Problem{Status: 599}, "599 (HTTP 599)"},
		{&client.SubscriptionError{Type: "UnknownOrder", Message: "There is no such order."}, "websocket: subscription refused: UnknownOrder: There is no such order."},
		{errors.New("client: base URL \"\": must be\x1b[2J http"), "base URL \"\": must be [2J http"},
	} {
		if got := explain(c.err).Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestTenantOf(t *testing.T) {
	const token = "eyJhbGciOiJub25lIn0.eyJjdXN0b206dGVuYW50IjoiYWNtZSJ9." // {"alg":"none"} {"custom:tenant":"acme"}
	for text, want := range map[string]string{token: "acme", "": "", "x.y.z": "", "AKID": ""} {
		if got := tenantOf(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestInterrupted: Ctrl-C while a request is under way.
func TestInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot interrupt itself there")
	}
	order := filepath.Join(t.TempDir(), "order.json")
	if err := os.WriteFile(order, []byte(`{}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"submit", order}, {"status", "k-1"}, {"watch", "k-1"}, {"webhooks", "list"}} {
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that the client leaves
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Signal(os.Interrupt)
			}
			if err != nil {
				t.Error(err)
			}
			<-r.Context().Done()
		}))
		if got := run(append(args, "--url", s.URL)); got != exitInterrupted {
			t.Errorf("%v: exit code %d, want %d", args, got, exitInterrupted)
		}
		s.Close()
	}
}
