package asl_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow/asl"
)

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	w := workflow(step("reserve", "reserved", "FAILED"), step("Charge", "ACCEPTED", "RESERVED"))
	w.Steps[1].Run = asl.Task{}
	w.Steps[1].Rejections = []string{"States.Timeout", "no good"}
	w.Steps[1].Heartbeat = w.Steps[1].Timeout
	w.Steps[1].Retry.BackoffRate = 0.5
	w.Steps[1].Compensation = &asl.Task{Resource: "sns:publish"}
	err := w.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`step 1: a name is in upper camel case, such as Reserve, got "reserve"`,
		`step 1: a status is of the form IN_PROGRESS, got "reserved"`,
		`step 1: it cannot come from FAILED`,
		`step Charge: the status ACCEPTED is already that of Initial`,
		`step Charge: its task must be either a function or a service integration`,
		`step Charge: its compensation: "sns:publish" is not the ARN of a service integration`,
		`"States.Timeout" is not the name of an error by which a task can reject an order`,
		`"no good" is not the name`,
		`the heartbeat (30s) must be shorter than the timeout (30s)`,
		`the backoff rate must be at least 1, got 0.5`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func TestValidateTimes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*asl.Workflow)
		want   string
	}{
		{"fits", func(*asl.Workflow) {}, ""},
		{"too short", func(w *asl.Workflow) { w.Timeout -= time.Second }, "an order would be left where it stands"},
		{"too long", func(w *asl.Workflow) { w.Timeout = 366 * 24 * time.Hour }, "from 1s to 8760h0m0s"},
		{"beside other mistakes", func(w *asl.Workflow) { w.Steps[0].Name, w.Timeout = "x", -time.Second }, "the timeout must be whole seconds, from 1s to 8760h0m0s, got -1s"},
		{"an overflow", func(w *asl.Workflow) { w.Steps[0].Timeout = math.MaxInt64 / time.Second * time.Second }, "the timeout must be at most 8760h0m0s"},
		{"attempts without end", func(w *asl.Workflow) { w.Steps[0].Retry.MaxAttempts = math.MaxInt }, "must be at most 99999999, got 9223372036854775807"},
		{"no rate", func(w *asl.Workflow) { w.Steps[0].Retry.BackoffRate = math.NaN() }, "at least 1, got NaN"},
		{"arguments", func(w *asl.Workflow) {
			w.Steps[0].Run = asl.Task{Resource: "arn:aws:states:::sns:publish", Arguments: map[string]any{"Message": make(chan int)}}
		}, "its task: its arguments are no JSON: json: unsupported type: chan int"},
		{"too slow for Express", func(w *asl.Workflow) { w.Express = true }, "an Express workflow ends after 5m0s"},
		{"no waiting in Express", func(w *asl.Workflow) { w.Express, w.Steps[0].WaitForCallback = true, true }, "cannot wait for a callback"},
		{"part of a second", func(w *asl.Workflow) { w.Steps[0].Timeout = 1500 * time.Millisecond }, "the timeout must be whole seconds"},
		{"delay below interval", func(w *asl.Workflow) { w.Steps[0].Retry.Interval = time.Minute }, "must exceed the retry interval"},
		{"no steps", func(w *asl.Workflow) { w.Steps = nil }, "at least one step"},
		{"twice", func(w *asl.Workflow) { w.Steps = append(w.Steps, w.Steps[0]) }, "two steps of this name"},
		{"suffix", func(w *asl.Workflow) {
			w.Steps[0].Run = asl.Task{Resource: "arn:aws:states:::sqs:sendMessage.waitForTaskToken"}
		}, "use WaitForCallback"},
	} {
		w := orders()
		tt.change(&w)
		err := w.Validate()
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: error %v, want it to contain %q", tt.name, err, tt.want)
		}
	}
}

func TestWorstCaseCountsAttemptsAndWaits(t *testing.T) {
	s := step("Only", "DONE", "ACCEPTED")
	s.Compensation = nil
	s.Timeout = 10 * time.Second
	s.Retry = asl.Retry{MaxAttempts: 4, Interval: time.Second, BackoffRate: 3, MaxDelay: 5 * time.Second}
	// Five attempts of 10 s, waits of 1, 3, 5 and 5 s, and four hours for the table.
	if got, want := workflow(s).WorstCase(), 4*time.Hour+64*time.Second; got != want {
		t.Errorf("WorstCase = %s, want %s", got, want)
	}
}
