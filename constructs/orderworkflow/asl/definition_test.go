package asl_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow/asl"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func step(name, status, from string) asl.Step {
	return asl.Step{
		Name: name, Status: status, From: []string{from},
		Run:               asl.Task{Function: "${Run" + name + "}"},
		Compensation:      &asl.Task{Function: "${Undo" + name + "}"},
		Retry:             asl.Retry{}.WithDefaults(false),
		CompensationRetry: asl.Retry{MaxAttempts: 6}.WithDefaults(false),
		Timeout:           30 * time.Second,
	}
}

func workflow(steps ...asl.Step) asl.Workflow {
	w := asl.Workflow{
		TableName: "${Table}",
		Initial:   "ACCEPTED", Rejected: "REJECTED", Failed: "FAILED", Cancelled: "CANCELLED",
		Steps: steps,
	}
	w.Timeout = w.WorstCase()
	return w
}

// orders is the reference app's workflow.
func orders() asl.Workflow {
	reserve, charge, ship := step("Reserve", "RESERVED", "ACCEPTED"), step("Charge", "PAID", "RESERVED"), step("Ship", "COMPLETED", "PAID")
	reserve.Rejections = []string{"OutOfStock", "UnknownSku"}
	charge.Rejections = []string{"PaymentDeclined"}
	ship.Compensation = nil
	w := workflow(reserve, charge, ship)
	w.Comment = "Reserve, charge, ship"
	return w
}

func express() asl.Workflow {
	w := orders()
	w.Express, w.Timeout = true, 5*time.Minute
	for i := range w.Steps {
		s := &w.Steps[i]
		s.Timeout = 5 * time.Second
		s.Retry, s.CompensationRetry = asl.Retry{}.WithDefaults(true), asl.Retry{}.WithDefaults(true)
	}
	return w
}

func callback() asl.Workflow {
	approve := step("Approve", "APPROVED", "ACCEPTED")
	approve.From = append(approve.From, "ON_HOLD")
	approve.WaitForCallback, approve.Heartbeat, approve.Timeout = true, time.Hour, 72*time.Hour
	approve.Retry.MaxAttempts = -1
	approve.Compensation = nil
	deliver := step("Deliver", "DELIVERED", "APPROVED")
	deliver.Run = asl.Task{
		Resource:  "arn:aws:states:::sqs:sendMessage",
		Arguments: map[string]any{"QueueUrl": "https://example.com/q", "MessageBody": "{% $states.context.Task.Token %}"},
	}
	deliver.WaitForCallback = true
	return workflow(approve, deliver)
}

func integration() asl.Workflow {
	publish := step("Publish", "PUBLISHED", "ACCEPTED")
	publish.Run = asl.Task{
		Resource:  "arn:aws:states:::sns:publish",
		Arguments: map[string]any{"TopicArn": "arn:aws:sns:eu-central-1:123456789012:t", "Message": "{% $string($states.context.Execution.Input.order) %}"},
		Result:    "{'messageId': $states.result.MessageId}",
	}
	publish.Compensation = nil
	publish.Retry.NoJitter = true
	return workflow(publish)
}

var shapes = map[string]func() asl.Workflow{
	"orders": orders, "express": express, "callback": callback, "integration": integration,
}

func definition(t testing.TB, w asl.Workflow) []byte {
	t.Helper()
	b, err := w.Definition()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDefinitionsAreAsRecorded(t *testing.T) {
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			got := definition(t, shape())
			if again := definition(t, shape()); !bytes.Equal(got, again) {
				t.Error("the same workflow gave two definitions")
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, got, "", "  "); err != nil {
				t.Fatal(err)
			}
			pretty.WriteByte('\n')
			file := filepath.Join("testdata", name+".asl.json")
			if *update {
				if err := os.WriteFile(file, pretty.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
				t.Errorf("%s differs (rewrite it with -update):\n%s", file, diff)
			}
		})
	}
}

// parsed is as much of a definition as the tests look at.
type parsed struct {
	StartAt string
	States  map[string]struct {
		Type, Resource, Next, Default string
		End                           bool
		TimeoutSeconds                int
		Arguments                     struct{ ConditionExpression, UpdateExpression string }
		Catch                         []struct {
			ErrorEquals []string
			Assign      map[string]any
			Next        string
		}
		Choices []struct{ Condition, Next string }
		Retry   []struct {
			ErrorEquals []string
			MaxAttempts int
		}
	}
}

func parse(t testing.TB, w asl.Workflow) parsed {
	t.Helper()
	var p parsed
	if err := json.Unmarshal(definition(t, w), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheWayForwardIsTwoStatesAStepAndOneToBegin(t *testing.T) {
	p := parse(t, orders())
	var path []string
	for name := p.StartAt; name != ""; name = p.States[name].Next {
		path = append(path, name)
	}
	want := []string{"Begin", "Reserve", "Mark RESERVED", "Charge", "Mark PAID", "Ship", "Mark COMPLETED"}
	if diff := cmp.Diff(want, path); diff != "" {
		t.Error(diff)
	}
	if !p.States["Mark COMPLETED"].End {
		t.Error("Mark COMPLETED does not end the execution")
	}
}

func TestEveryStateExistsIsReachedAndIsBounded(t *testing.T) {
	for name, shape := range shapes {
		p := parse(t, shape())
		seen := map[string]bool{}
		var visit func(from, to string)
		visit = func(from, to string) {
			s, ok := p.States[to]
			if !ok {
				t.Errorf("%s: %s leads to %q, which does not exist", name, from, to)
				return
			}
			if seen[to] {
				return
			}
			seen[to] = true
			if s.Type == "Task" && s.TimeoutSeconds == 0 {
				t.Errorf("%s: %s has no timeout", name, to)
			}
			for _, next := range []string{s.Next, s.Default} {
				if next != "" {
					visit(to, next)
				}
			}
			for _, c := range s.Catch {
				visit(to, c.Next)
			}
			for _, c := range s.Choices {
				visit(to, c.Next)
			}
		}
		visit("the start", p.StartAt)
		for state := range p.States {
			if !seen[state] {
				t.Errorf("%s: nothing leads to %s", name, state)
			}
		}
	}
}

// caught returns where a state goes on an error.
func (p parsed) caught(state, err string) string {
	for _, c := range p.States[state].Catch {
		for _, e := range c.ErrorEquals {
			if e == err || e == "States.ALL" && err != "States.DataLimitExceeded" {
				return c.Next
			}
		}
	}
	return "the end"
}

func TestWhereErrorsLead(t *testing.T) {
	p := parse(t, orders())
	const conditionFailed = "DynamoDB.ConditionalCheckFailedException"
	for _, tt := range []struct{ state, err, want string }{
		{"Reserve", "OutOfStock", "Mark REJECTED"},
		{"Reserve", "PaymentDeclined", "Undo Reserve"}, // not one of its rejections
		{"Reserve", "States.Timeout", "Undo Reserve"},
		{"Charge", "PaymentDeclined", "Undo Reserve"},
		{"Charge", "anything", "Undo Charge"},
		{"Charge", "States.DataLimitExceeded", "Undo Charge"},
		{"Ship", "anything", "Undo Charge"}, // Ship has no compensation
		{"Mark PAID", conditionFailed, "Recheck PAID"},
		{"Mark PAID", "DynamoDB.InternalServerErrorException", "Undo Charge"},
		{"Recheck PAID", "anything", "Undo Charge"},
		// What may be on record as completed is not undone before that is known.
		{"Mark COMPLETED", conditionFailed, "Recheck COMPLETED"},
		{"Mark COMPLETED", "States.Timeout", "Verify COMPLETED"},
		{"Mark COMPLETED", "States.DataLimitExceeded", "Verify COMPLETED"},
		{"Recheck COMPLETED", "anything", "Verify COMPLETED"},
		{"Verify COMPLETED", "anything", "the end"},
		{"Begin", conditionFailed, "Recheck ACCEPTED"},
		{"Begin", "anything", "Mark FAILED"},
		{"Undo Charge", "anything", "Undo Reserve"},
		{"Undo Reserve", "anything", "Outcome"},
		{"Mark FAILED", conditionFailed, "Recheck FAILED"},
		{"Mark FAILED", "anything", "the end"},
	} {
		if got := p.caught(tt.state, tt.err); got != tt.want {
			t.Errorf("%s on %s leads to %s, want %s", tt.state, tt.err, got, tt.want)
		}
	}
	if got := p.States["Undo Charge"].Next; got != "Undo Reserve" {
		t.Errorf("Undo Charge is followed by %s, want Undo Reserve", got)
	}
}

func TestRejectionsAreNotRetriedAndOtherErrorsAre(t *testing.T) {
	retry := parse(t, orders()).States["Charge"].Retry
	if len(retry) != 2 || retry[0].ErrorEquals[0] != "PaymentDeclined" || retry[0].MaxAttempts != 0 {
		t.Errorf("Charge retries its rejection: %+v", retry)
	}
	if retry[1].ErrorEquals[0] != "States.ALL" || retry[1].MaxAttempts != 4 {
		t.Errorf("Charge does not retry everything else four times: %+v", retry)
	}
}

func TestWritesAreConditional(t *testing.T) {
	p := parse(t, orders())
	for _, tt := range []struct{ state, want string }{
		{"Begin", "#status IN (:s1, :s2, :s3) AND attribute_not_exists(#cancelRequested)"},
		{"Mark PAID", "#status IN (:from1) AND #sequence = :last AND attribute_not_exists(#cancelRequested)"},
		{"Mark COMPLETED", "#status IN (:from1) AND #sequence = :last"}, // too late to cancel
		{"Mark REJECTED", "#status IN (:from1, :from2) AND #sequence = :last"},
		{"Mark CANCELLED", "#status IN (:from1, :from2, :from3) AND #sequence = :last"},
	} {
		if got := p.States[tt.state].Arguments.ConditionExpression; got != tt.want {
			t.Errorf("%s writes if %s, want %s", tt.state, got, tt.want)
		}
	}
	undoable := orders()
	undoable.Steps[2].Compensation = &asl.Task{Function: "${UndoShip}"}
	undoable.Timeout = undoable.WorstCase()
	if got := parse(t, undoable).States["Mark COMPLETED"].Arguments.ConditionExpression; !strings.Contains(got, "cancelRequested") {
		t.Errorf("the last step can be undone, but its write ignores a cancel: %s", got)
	}
}

func TestACallbackStepLeavesNoTokenBehind(t *testing.T) {
	p := parse(t, callback())
	if got := p.States["Mark APPROVED"].Arguments.UpdateExpression; !strings.HasSuffix(got, " REMOVE #taskToken") {
		t.Errorf("Mark APPROVED does %s, want it to remove the token", got)
	}
	if got, want := p.States["Approve"].Resource, "arn:aws:states:::lambda:invoke.waitForTaskToken"; got != want {
		t.Errorf("Approve uses %s, want %s", got, want)
	}
}

func BenchmarkDefinition(b *testing.B) {
	w := orders()
	for b.Loop() {
		definition(b, w)
	}
}
