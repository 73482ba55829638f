package local_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
)

// shop sends orders to a stack that is running.
type shop struct {
	*local.Stack
	token string
}

func newShop(t *testing.T, s *local.Stack) *shop {
	t.Helper()
	if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 1_000_000}); err != nil {
		t.Fatal(err)
	}
	token, err := s.IDToken("u", map[string]any{record.TenantClaim: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	return &shop{s, token}
}

// order returns the status of the answer.
func (s *shop) order(t *testing.T, i int) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.TrimSuffix(s.Outputs()["ApiUrl"], "/")+"/orders", strings.NewReader(string(orderBody(i))))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", s.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := s.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// TestNothingIsLetOutThatIsNotKept: as long as the store is not written there are no answers, no requests and no invocations of processes.
func TestNothingIsLetOutThatIsNotKept(t *testing.T) {
	var asked atomic.Int32
	hosts := local.Hosts{"example.com": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, "ok")
	})}
	ask := func(r local.Runtime) (local.Handler, error) {
		return handlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.com/", nil)
			if err != nil {
				return nil, err
			}
			res, err := r.HTTP.Do(req)
			if err != nil {
				return nil, err
			}
			return []byte(`"asked"`), res.Body.Close()
		}), nil
	}
	s := newProcessStack(t, func(o *local.Options) {
		o.Data, o.Egress = t.TempDir(), hosts
		o.Functions = map[string]local.NewFunction{"f": ask, "g": inProcess("g")}
		o.Processes = func(f local.FunctionInfo) (*local.Process, error) {
			if f.Handler == "g" {
				return testProcess("g"), nil
			}
			return nil, nil
		}
	})
	s.invoke("G", `{"do":"count"}`) // is warm
	for _, tt := range []struct {
		name string
		do   func() string
		want string
		out  func() bool // what is let out on the way
	}{
		{"a call", func() string {
			_, err := s.Call("sqs", "ListQueues", []byte("{}"))
			return fmt.Sprint(err)
		}, "<nil>", nil},
		{"a request", func() string { return s.invoke("F", "{}") }, `"asked"`, func() bool { return asked.Load() > 0 }},
		{"a process", func() string { return s.invoke("G", `{"do":"count"}`) }, "2", func() bool {
			for _, f := range s.FunctionFigures() {
				if f.Handler == "g" && f.Invocations.Count > 1 {
					return true
				}
			}
			return false
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			let := s.HoldStore()
			done := make(chan string, 1)
			go func() { done <- tt.do() }()
			select {
			case got := <-done:
				t.Errorf("answered %s before it was kept", got)
				done <- got
			case <-time.After(100 * time.Millisecond):
			}
			if tt.name == "a request" && tt.out() {
				t.Error("it went out before it was kept")
			}
			let()
			if got := <-done; got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if tt.out != nil && !tt.out() {
				t.Error("it did not go out")
			}
		})
	}
}

// TestAStoreThatCannotBeWritten: nobody is told that an order is accepted, Run says why, and Close does not hang.
func TestAStoreThatCannotBeWritten(t *testing.T) {
	folder := t.TempDir()
	s, err := localapp.New("dev", local.Options{RealTime: true, Data: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ran := make(chan error, 1)
	go func() { ran <- s.Run(context.Background()) }()
	shop := newShop(t, s)
	if status := shop.order(t, 1); status != http.StatusAccepted {
		t.Fatalf("status %d", status)
	}
	s.BreakStore()
	if status := shop.order(t, 2); status != http.StatusServiceUnavailable {
		t.Errorf("an order that cannot be kept is answered with %d", status)
	}
	if err := <-ran; err == nil || !strings.Contains(err.Error(), "cannot keep") {
		t.Errorf("Run: %v", err)
	}
	template, err := snapshot.Template("dev")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(template); err == nil || !strings.Contains(err.Error(), "cannot keep") {
		t.Errorf("Reload: %v", err)
	}
	s.Close()
	again, err := localapp.New("dev", local.Options{RealTime: true, Data: folder})
	if err != nil {
		t.Fatalf("what was kept before is of no use: %v", err)
	}
	again.Close()
}

// TestTimeThatWasSkippedStaysSkipped, also if nothing else happened in it.
func TestTimeThatWasSkippedStaysSkipped(t *testing.T) {
	folder := t.TempDir()
	var skipped time.Time
	for i := range 2 {
		s := running(t, local.Options{Data: folder})
		if i == 1 && s.Now().Before(skipped) {
			t.Errorf("it is %s, and was %s before", s.Now(), skipped)
		}
		if i == 0 {
			s.RunUntilIdle(time.Minute)
			s.Advance(48 * time.Hour)
			skipped = s.Now()
		}
		s.Close()
	}
}

// TestRunUntilIdleLetsRequestsOut: what waits for a commit goes out, and is waited for.
func TestRunUntilIdleLetsRequestsOut(t *testing.T) {
	s, err := localapp.New("prod", local.Options{RealTime: true, Data: t.TempDir()}) // charges through a provider
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = s.Run(ctx) // until stop
	}()
	defer func() {
		stop()
		<-ran
		s.Close()
	}()
	shop := newShop(t, s)
	for i := range 5 {
		if status := shop.order(t, i); status != http.StatusAccepted {
			t.Fatalf("status %d", status)
		}
		soon(t, "RunUntilIdle", func() { s.RunUntilIdle(time.Hour) })
		if n := completed(t, s); n != i+1 {
			t.Errorf("%d orders completed, want %d", n, i+1)
		}
	}
}

// TestAFailedReloadChangesNothing: the processes stay warm, logs and time go on, and so does all that is under way.
func TestAFailedReloadChangesNothing(t *testing.T) {
	s := newProcessStack(t, func(o *local.Options) { o.Data = t.TempDir() })
	if got := s.invoke("F", `{"do":"count"}`); got != "1" {
		t.Fatal(got)
	}
	slow := make(chan string, 1)
	go func() { slow <- s.invoke("G", `{"do":"sleep","n":400}`) }()
	for s.Quiet() {
		time.Sleep(time.Millisecond)
	}
	outputs, notes := len(s.Outputs()), len(s.Notes())
	for name, template := range map[string]string{
		"no template":                  `{"Resources":`,
		"a type that is not known":     `{"Resources":{"X":{"Type":"AWS::Not::Known"}}}`,
		"a runtime that cannot be run": strings.Replace(processTemplate, `"Handler":"g","Runtime":"provided.al2023"`, `"Handler":"g","Runtime":"nodejs22.x"`, 1),
		"a mapping of nothing": strings.Replace(processTemplate, `"Role":{"Type":"AWS::IAM::Role"},`,
			`"Role":{"Type":"AWS::IAM::Role"},"M":{"Type":"AWS::Lambda::EventSourceMapping","Properties":{"FunctionName":"local-F","EventSourceArn":"arn:aws:sqs:eu-central-1:123456789012:none"}},`, 1),
	} {
		if err := s.Reload([]byte(template)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if len(s.Outputs()) != outputs || len(s.Notes()) != notes {
		t.Errorf("outputs or notes are others: %v, %v", s.Outputs(), s.Notes())
	}
	if got := <-slow; got != `"done"` {
		t.Errorf("what was under way ends with %s", got)
	}
	if got := s.invoke("F", `{"do":"count"}`); got != "2" {
		t.Errorf("the environment is not the same: count %s", got)
	}
	if err := s.Reload([]byte(processTemplate)); err != nil {
		t.Fatal(err)
	}
	if got := s.invoke("F", `{"do":"count"}`); got != "1" {
		t.Errorf("after Reload the environment is the same: count %s", got)
	}
}

// TestFaultsGrantNothing: who is delayed, or whose call is made twice, is asked for permissions as everybody else is.
func TestFaultsGrantNothing(t *testing.T) {
	for _, kind := range []local.FaultKind{local.Slow, local.Duplicate, local.CrashAfter} {
		s, err := local.New(machineTemplate("arn:aws:states:::dynamodb:putItem", put, "", "states.amazonaws.com"), local.Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetFaults(local.Fault{Target: "dynamodb:PutItem", Kind: kind, Delay: time.Second, Times: 1}); err != nil {
			t.Fatal(err)
		}
		if cause := outcome(t, s); cause == "" {
			t.Errorf("%s: the execution succeeded without a permission", kind)
		}
		out, err := s.Inspect("dynamodb", "Scan", []byte(`{"TableName":"local-Table"}`))
		if err != nil || !strings.Contains(string(out), `"Count":0`) {
			t.Errorf("%s: %s %v", kind, out, err)
		}
		if len(s.Denied()) != 1 {
			t.Errorf("%s: denied: %v", kind, s.Denied())
		}
		s.Close()
	}
}
