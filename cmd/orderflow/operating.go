package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"

	"github.com/orderflow-cdk/orderflow/internal/operate"
)

// operating is the flags that all commands about a deployed stack have in common.
type operating struct {
	Stack string `default:"orderflow-dev" help:"The stack's name, in the account and region of the usual AWS variables or profile. With those that orderflow up prints it is the one on this machine."`
	Apply bool   `help:"Do it. Without this flag the command tells what it would do, and changes nothing."`
	JSON  bool   `name:"json" help:"Print JSON."`

	Policy bool `help:"Print the IAM policy that the command takes on this stack, with --apply that for doing it too, and do nothing else."`
}

// operatingCodes is part of the help of these commands.
const operatingCodes = "Exit codes: 0 there is nothing to do, or all is done, 1 something is left to be done or an error, 2 a mistake in the flags, 130 interrupted."

const exitUsage = 2

// with calls f with the stack, until Ctrl-C, and makes one line of its error.
func (o *operating) with(command operate.Command, f func(context.Context, *operate.Stack) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) }) // one more ends the process at once
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("AWS configuration: %w", err)
	}
	stack, err := operate.Open(ctx, cfg, o.Stack)
	switch {
	case err != nil:
	case o.Policy:
		var policy []byte
		if policy, err = stack.Policy(ctx, command, o.Apply); err == nil {
			_, err = fmt.Println(string(policy))
		}
	default:
		err = f(ctx, stack)
	}
	var coded *exitError
	switch {
	case err == nil || errors.As(err, &coded):
		return err
	case ctx.Err() != nil:
		text := errInterrupted.message
		if again := strings.TrimSuffix(err.Error(), ": "+ctx.Err().Error()); again != ctx.Err().Error() && !strings.Contains(again, "operation error") {
			text += ": " + again
		}
		return &exitError{exitInterrupted, text}
	}
	return explainAWS(err, cfg)
}

// explainAWS makes one line of an error of the SDK, with what to do about it. The rest is told as it is.
func explainAWS(err error, cfg aws.Config) error {
	var (
		operation *smithy.OperationError
		answer    smithy.APIError
	)
	where := cmp.Or(aws.ToString(cfg.BaseEndpoint), os.Getenv("AWS_ENDPOINT_URL"), "AWS in "+cfg.Region)
	switch {
	case !errors.As(err, &operation):
		return err
	case errors.As(err, &answer):
		code := answer.ErrorCode()
		hint := ""
		switch {
		case strings.Contains(code, "AccessDenied") || strings.Contains(code, "AuthorizationError"):
			hint = "; docs/recovery.md has the permissions that this takes"
		case strings.Contains(code, "InvalidClientTokenId") || strings.Contains(code, "UnrecognizedClient") || strings.Contains(code, "ExpiredToken") || strings.Contains(code, "Signature"):
			hint = "; are the AWS credentials those of " + where + "?"
		}
		return fmt.Errorf("%s%s: %s: %s%s", outside(err, operation), operation.OperationName, code, short(answer.ErrorMessage(), 400), hint)
	}
	if strings.Contains(operation.Error(), "get credentials") { // the SDK has no type for it
		return errors.New("there are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; orderflow up prints those of the stack on this machine")
	}
	cause := error(operation)
	for e := errors.Unwrap(cause); e != nil; e = errors.Unwrap(e) {
		cause = e
	}
	return fmt.Errorf("%s%s: no answer from %s: %s; are AWS_ENDPOINT_URL, AWS_REGION and the credentials right?",
		outside(err, operation), operation.OperationName, where, short(cause.Error(), 200))
}

// outside is what an error says before the SDK's own.
func outside(err, inner error) string {
	before, _, _ := strings.Cut(err.Error(), inner.Error())
	return before
}

// left is the error of a command that leaves something to be done.
func left(format string, args ...any) error {
	return &exitError{exitFailed, fmt.Sprintf(format, args...)}
}

// misused is the error of flags that do not go together.
func misused(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Sprintf(format, args...)}
}

// ago is how long ago something was, for people.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := max(now.Sub(t), 0)
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// counted is a number with its noun: one of them, or more.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
