package operate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// Execution is one of the workflow, as far as it matters to an order that does not go on.
type Execution struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	// State is where it is, or where it ended; Type is that of the state. "" if its history is gone.
	State string `json:"state,omitempty"`
	Type  string `json:"type,omitempty"`
	// Since is when it entered the state.
	Since time.Time `json:"since,omitzero"`
	// Callback says that it waits for somebody to report back.
	Callback bool `json:"callback,omitempty"`
	// Error and Cause are those of its end, or of the last attempt in the state.
	Error string `json:"error,omitempty"`
	Cause string `json:"cause,omitempty"`
	// Redrivable says that Step Functions can have it go on; NotRedrivable why it cannot.
	Redrivable    bool   `json:"redrivable,omitempty"`
	NotRedrivable string `json:"notRedrivable,omitempty"`

	arn   string
	count int // which of the order's it is, from 0
}

// workflow is the stack's state machine.
type workflow struct {
	arn     string
	express bool
	client  *sfn.Client
}

// IAM: states:DescribeStateMachine on the state machine.
func (s *Stack) workflow(ctx context.Context) (*workflow, error) {
	arns, err := s.need("StateMachineArn")
	if err != nil {
		return nil, err
	}
	w := &workflow{arn: arns[0], client: sfn.NewFromConfig(s.cfg)}
	out, err := w.client.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &w.arn, IncludedData: types.IncludedDataMetadataOnly})
	if err != nil {
		return nil, fmt.Errorf("state machine: %w", err)
	}
	w.express = out.Type == types.StateMachineTypeExpress
	return w, nil
}

// nameOf is the name of an order's n-th execution. The first has the name that intake gives it. The name of one that has closed cannot be used again for
// 90 days (Step Functions API reference, StartExecution): those that are started here have names that follow from it, so that whoever starts one twice
// starts one.
func nameOf(first string, n int) string {
	if n == 0 {
		return first
	}
	sum := sha256.Sum256([]byte(first))
	return fmt.Sprintf("again-%d-%s", n, hex.EncodeToString(sum[:20]))
}

// maxAgain is how many executions of an order are looked for.
const maxAgain = 20

// latest is the latest execution of an order: the first of its names after which there is none. It is nil if there is none at all.
//
// IAM: states:DescribeExecution and states:GetExecutionHistory on the executions.
func (w *workflow) latest(ctx context.Context, first string) (*Execution, error) {
	var last *sfn.DescribeExecutionOutput
	count := 0
	for n := range maxAgain {
		arn := strings.Replace(w.arn, ":stateMachine:", ":execution:", 1) + ":" + nameOf(first, n)
		out, err := w.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		if gone := (*types.ExecutionDoesNotExist)(nil); errors.As(err, &gone) {
			if n == 0 {
				continue // It may be forgotten, and one that was started here may not.
			}
			break
		}
		if err != nil {
			return nil, fmt.Errorf("execution %s: %w", nameOf(first, n), err)
		}
		last, count = out, n
	}
	if last == nil {
		return nil, nil
	}
	e := &Execution{
		Name: aws.ToString(last.Name), Status: string(last.Status), Error: aws.ToString(last.Error), Cause: aws.ToString(last.Cause),
		Redrivable: last.RedriveStatus == types.ExecutionRedriveStatusRedrivable, NotRedrivable: aws.ToString(last.RedriveStatusReason), arn: *last.ExecutionArn, count: count,
	}
	return e, w.locate(ctx, e)
}

// locate finds out which state an execution is in, or ended in: the last that it entered.
func (w *workflow) locate(ctx context.Context, e *Execution) error {
	pages := sfn.NewGetExecutionHistoryPaginator(w.client, &sfn.GetExecutionHistoryInput{
		ExecutionArn: &e.arn, ReverseOrder: true, MaxResults: 100, IncludeExecutionData: aws.Bool(false),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if gone := (*types.ExecutionDoesNotExist)(nil); errors.As(err, &gone) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("execution %s: %w", e.Name, err)
		}
		for _, h := range page.Events {
			if d := h.TaskScheduledEventDetails; d != nil && strings.HasSuffix(aws.ToString(d.Resource), ".waitForTaskToken") {
				e.Callback = true
			}
			if e.Error == "" {
				e.Error, e.Cause = failureOf(h)
			}
			if d := h.StateEnteredEventDetails; d != nil {
				e.State, e.Type, e.Since = aws.ToString(d.Name), strings.TrimSuffix(string(h.Type), "StateEntered"), aws.ToTime(h.Timestamp).UTC()
				return nil
			}
		}
	}
	return nil
}

// failureOf is the error of an event that tells of an attempt that failed.
func failureOf(h types.HistoryEvent) (name, cause string) {
	switch {
	case h.LambdaFunctionFailedEventDetails != nil:
		return aws.ToString(h.LambdaFunctionFailedEventDetails.Error), aws.ToString(h.LambdaFunctionFailedEventDetails.Cause)
	case h.LambdaFunctionTimedOutEventDetails != nil:
		return aws.ToString(h.LambdaFunctionTimedOutEventDetails.Error), aws.ToString(h.LambdaFunctionTimedOutEventDetails.Cause)
	case h.TaskFailedEventDetails != nil:
		return aws.ToString(h.TaskFailedEventDetails.Error), aws.ToString(h.TaskFailedEventDetails.Cause)
	case h.TaskTimedOutEventDetails != nil:
		return aws.ToString(h.TaskTimedOutEventDetails.Error), aws.ToString(h.TaskTimedOutEventDetails.Cause)
	}
	return "", ""
}

// start starts an order's n-th execution. Whoever was faster has started it: that is no error.
//
// IAM: states:StartExecution on the state machine.
func (w *workflow) start(ctx context.Context, first string, n int, input []byte) error {
	name := nameOf(first, n)
	_, err := w.client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &w.arn, Name: &name, Input: aws.String(string(input))})
	if exists := (*types.ExecutionAlreadyExists)(nil); errors.As(err, &exists) {
		return nil
	}
	return err
}

// redrive has an execution go on where it ended. If it goes on already, that is no error.
//
// IAM: states:RedriveExecution on the execution.
func (w *workflow) redrive(ctx context.Context, e *Execution) error {
	_, err := w.client.RedriveExecution(ctx, &sfn.RedriveExecutionInput{ExecutionArn: &e.arn})
	if no := (*types.ExecutionNotRedrivable)(nil); errors.As(err, &no) && strings.Contains(no.ErrorMessage(), "RUNNING") {
		return nil
	}
	return err
}
