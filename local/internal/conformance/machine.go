package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// TestMachine is Step Functions with Standard state machines: Classic, in JSONPath, greets after a second or fails
// with Nobody; Greeter is the same in JSONata; Asker sends a task token to the queue Jobs and catches the error No.
func TestMachine(t *testing.T, f Features, open func(testing.TB) World) {
	run(t, f, open, []check{
		{"success", machineSuccess},
		{"failure", machineFailure},
		{"JSONata", machineJSONata},
		{"names", machineNames},
		{"history", machineHistory},
		{"history backwards", machineHistoryBackwards},
		{"task token: success", machineTokenSuccess},
		{"task token: failure", machineTokenFailure},
		{"task token: twice", machineTokenTwice},
		{"task token: of an execution that was stopped", machineTokenStopped},
		{"stop", machineStop},
		{"why it was stopped", machineStopWhy},
		{"lists", machineLists},
		{"description", machineDescription},
		{"requests refused", machineRefused},
		{"inputs and names refused", machineInputRefused},
		{"task tokens refused", machineTokenRefused},
	})
}

func (c *C) sfn() *sfn.Client { return sfn.NewFromConfig(c.Config) }

func (c *C) startExecution(machine, name, input string) (string, error) {
	if name == "" {
		c.executions++
		name = fmt.Sprint("execution-", c.executions)
	}
	out, err := c.sfn().StartExecution(c.ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(c.Names[machine]), Input: &input, Name: &name})
	if err != nil {
		return "", err
	}
	return *out.ExecutionArn, nil
}

// end waits for the end of an execution.
func (c *C) end(arn string) *sfn.DescribeExecutionOutput {
	var out *sfn.DescribeExecutionOutput
	c.eventually(10*time.Second, func() bool {
		out = must(c.sfn().DescribeExecution(c.ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn}))
		return out.Status != types.ExecutionStatusRunning
	})
	return out
}

// same compares JSON documents.
func same(c *C, what, got, want string) {
	var a, b any
	if json.Unmarshal([]byte(got), &a) != nil || json.Unmarshal([]byte(want), &b) != nil || fmt.Sprint(a) != fmt.Sprint(b) {
		c.Errorf("%s is %s, want %s", what, got, want)
	}
}

func machineSuccess(c *C) {
	arn := must(c.startExecution("Classic", "", `{"name": "Ada"}`))
	running := must(c.sfn().DescribeExecution(c.ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn}))
	equal(c, "at first", running.Status, types.ExecutionStatusRunning)
	out := c.end(arn)
	equal(c, "the status", out.Status, types.ExecutionStatusSucceeded)
	same(c, "the output", aws.ToString(out.Output), `{"greeting": "hello, Ada"}`)
	same(c, "the input", aws.ToString(out.Input), `{"name": "Ada"}`)
	if out.StartDate == nil || out.StopDate == nil || out.StopDate.Sub(*out.StartDate) < time.Second {
		c.Errorf("it took from %v to %v, want a second at least", out.StartDate, out.StopDate)
	}
}

func machineFailure(c *C) {
	out := c.end(must(c.startExecution("Classic", "", `{"name": "nobody"}`)))
	equal(c, "the status", out.Status, types.ExecutionStatusFailed)
	equal(c, "the error", aws.ToString(out.Error), "Nobody")
	equal(c, "the cause", aws.ToString(out.Cause), "there is nobody to greet")
	equal(c, "the output", aws.ToString(out.Output), "")
}

func machineJSONata(c *C) {
	out := c.end(must(c.startExecution("Greeter", "", `{"name": "Ada"}`)))
	equal(c, "the status", out.Status, types.ExecutionStatusSucceeded)
	same(c, "the output", aws.ToString(out.Output), `{"greeting": "hello, Ada"}`)
	out = c.end(must(c.startExecution("Greeter", "", `{"name": "nobody"}`)))
	equal(c, "the error", aws.ToString(out.Error), "Nobody")
}

// "StartExecution is idempotent for STANDARD workflows … with the same name and input as a running execution."
func machineNames(c *C) {
	arn := must(c.startExecution("Classic", "once", `{"name": "Ada"}`))
	if !strings.HasSuffix(arn, ":once") || !strings.Contains(arn, ":execution:") {
		c.Errorf("the ARN is %s", arn)
	}
	again, err := c.startExecution("Classic", "once", `{"name": "Ada"}`)
	if err != nil || again != arn {
		c.Errorf("the same name and input: %s, %v", again, err)
	}
	_, err = c.startExecution("Classic", "once", `{"name": "Grace"}`)
	refused(c, err, "ExecutionAlreadyExists")
	c.end(arn)
	_, err = c.startExecution("Classic", "once", `{"name": "Ada"}`)
	refused(c, err, "ExecutionAlreadyExists")
}

func machineHistory(c *C) {
	arn := must(c.startExecution("Classic", "", `{"name": "Ada"}`))
	c.end(arn)
	events := must(c.sfn().GetExecutionHistory(c.ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: &arn})).Events
	var kinds []string
	for i, e := range events {
		kinds = append(kinds, string(e.Type))
		equal(c, "the id of an event", e.Id, int64(i+1))
		before := int64(i)
		if i == 1 {
			before = 0 // the first state has none before it
		}
		equal(c, "the one before", e.PreviousEventId, before)
	}
	equal(c, "the history", strings.Join(kinds, " "), "ExecutionStarted ChoiceStateEntered ChoiceStateExited WaitStateEntered WaitStateExited PassStateEntered PassStateExited ExecutionSucceeded")
}

func machineHistoryBackwards(c *C) {
	arn := must(c.startExecution("Classic", "", `{"name": "nobody"}`))
	c.end(arn)
	back := must(c.sfn().GetExecutionHistory(c.ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: &arn, ReverseOrder: true, MaxResults: 1}))
	if len(back.Events) != 1 || back.Events[0].Type != types.HistoryEventTypeExecutionFailed || back.NextToken == nil {
		c.Errorf("the last event: %+v", back.Events)
	}
}

// token waits for the task token in the queue.
func (c *C) token() string {
	all := c.arrived("Jobs", 1)
	if len(all) != 1 {
		panic(refusedCall{fmt.Errorf("%d messages with a task token", len(all))})
	}
	var body struct{ Token string }
	if err := json.Unmarshal([]byte(*all[0].Body), &body); err != nil || body.Token == "" {
		panic(refusedCall{fmt.Errorf("%s has no task token", *all[0].Body)})
	}
	return body.Token
}

func machineTokenSuccess(c *C) {
	arn := must(c.startExecution("Asker", "", `{}`))
	token := c.token()
	must(c.sfn().SendTaskHeartbeat(c.ctx, &sfn.SendTaskHeartbeatInput{TaskToken: &token}))
	must(c.sfn().SendTaskSuccess(c.ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String(`{"yes": true}`)}))
	out := c.end(arn)
	equal(c, "the status", out.Status, types.ExecutionStatusSucceeded)
	same(c, "the output", aws.ToString(out.Output), `{"yes": true}`)
}

func machineTokenFailure(c *C) {
	for name, want := range map[string]string{"No": `{"refused": {"Error": "No", "Cause": "not today"}}`, "Other": ""} {
		arn := must(c.startExecution("Asker", "", `{}`))
		token := c.token()
		must(c.sfn().SendTaskFailure(c.ctx, &sfn.SendTaskFailureInput{TaskToken: &token, Error: &name, Cause: aws.String("not today")}))
		out := c.end(arn)
		if want == "" {
			equal(c, "the status after an error that nobody catches", out.Status, types.ExecutionStatusFailed)
			equal(c, "the error", aws.ToString(out.Error), name)
			continue
		}
		equal(c, "the status after an error that is caught", out.Status, types.ExecutionStatusSucceeded)
		same(c, "the output", aws.ToString(out.Output), want)
	}
}

func machineTokenTwice(c *C) {
	arn := must(c.startExecution("Asker", "", `{}`))
	token := c.token()
	must(c.sfn().SendTaskSuccess(c.ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String(`{}`)}))
	c.end(arn)
	_, err := c.sfn().SendTaskSuccess(c.ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String(`{}`)})
	refused(c, err, "TaskTimedOut")
	_, err = c.sfn().SendTaskHeartbeat(c.ctx, &sfn.SendTaskHeartbeatInput{TaskToken: &token})
	refused(c, err, "TaskTimedOut")
}

func machineStop(c *C) {
	arn := must(c.startExecution("Classic", "", `{"name": "Ada"}`))
	must(c.sfn().StopExecution(c.ctx, &sfn.StopExecutionInput{ExecutionArn: &arn}))
	out := c.end(arn)
	equal(c, "the status", out.Status, types.ExecutionStatusAborted)
	c.Sleep(1500 * time.Millisecond)
	equal(c, "the status when it would have ended", c.end(arn).Status, types.ExecutionStatusAborted)
}

func machineStopWhy(c *C) {
	arn := must(c.startExecution("Classic", "", `{"name": "Ada"}`))
	must(c.sfn().StopExecution(c.ctx, &sfn.StopExecutionInput{ExecutionArn: &arn, Error: aws.String("Enough"), Cause: aws.String("it takes too long")}))
	out := c.end(arn)
	equal(c, "the error", aws.ToString(out.Error), "Enough")
	equal(c, "the cause", aws.ToString(out.Cause), "it takes too long")
}

func machineTokenStopped(c *C) {
	arn := must(c.startExecution("Asker", "", `{}`))
	token := c.token()
	must(c.sfn().StopExecution(c.ctx, &sfn.StopExecutionInput{ExecutionArn: &arn}))
	_, err := c.sfn().SendTaskSuccess(c.ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String(`{}`)})
	refused(c, err, "TaskTimedOut")
}

func machineLists(c *C) {
	var last string
	for range 3 {
		last = must(c.startExecution("Classic", "", `{"name": "nobody"}`))
		c.end(last)
		c.Sleep(20 * time.Millisecond)
	}
	list := func(status types.ExecutionStatus) []types.ExecutionListItem {
		return must(c.sfn().ListExecutions(c.ctx, &sfn.ListExecutionsInput{StateMachineArn: aws.String(c.Names["Classic"]), StatusFilter: status})).Executions
	}
	failed := list(types.ExecutionStatusFailed)
	equal(c, "that failed", len(failed), 3)
	equal(c, "that run", len(list(types.ExecutionStatusRunning)), 0)
	if len(failed) > 0 {
		equal(c, "the newest comes first", aws.ToString(failed[0].ExecutionArn), last)
	}
	page := must(c.sfn().ListExecutions(c.ctx, &sfn.ListExecutionsInput{StateMachineArn: aws.String(c.Names["Classic"]), MaxResults: 2}))
	equal(c, "a page", len(page.Executions), 2)
	rest := must(c.sfn().ListExecutions(c.ctx, &sfn.ListExecutionsInput{StateMachineArn: aws.String(c.Names["Classic"]), MaxResults: 2, NextToken: page.NextToken}))
	equal(c, "the rest", len(rest.Executions), 1)
}

func machineDescription(c *C) {
	out := must(c.sfn().DescribeStateMachine(c.ctx, &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(c.Names["Classic"])}))
	equal(c, "the type", out.Type, types.StateMachineTypeStandard)
	equal(c, "the status", out.Status, types.StateMachineStatusActive)
	if !strings.Contains(aws.ToString(out.Definition), "Pause") {
		c.Errorf("the definition is %s", aws.ToString(out.Definition))
	}
}

func machineRefused(c *C) {
	_, err := c.sfn().StartExecution(c.ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(c.Names["Classic"] + "Not")})
	refused(c, err, "StateMachineDoesNotExist")
	none := strings.Replace(c.Names["Classic"], ":stateMachine:", ":execution:", 1) + ":none"
	_, err = c.sfn().DescribeExecution(c.ctx, &sfn.DescribeExecutionInput{ExecutionArn: &none})
	refused(c, err, "ExecutionDoesNotExist")
	_, err = c.sfn().DescribeExecution(c.ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String("none")})
	refused(c, err, "InvalidArn")
}

func machineInputRefused(c *C) {
	_, err := c.startExecution("Classic", "", `{"name"`)
	refused(c, err, "InvalidExecutionInput")
	_, err = c.startExecution("Classic", "not a name", `{}`)
	refused(c, err, "InvalidName")
}

func machineTokenRefused(c *C) {
	_, err := c.sfn().SendTaskSuccess(c.ctx, &sfn.SendTaskSuccessInput{TaskToken: aws.String("none"), Output: aws.String(`{}`)})
	refused(c, err, "InvalidToken")
}
