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

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/golang-jwt/jwt/v5"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/client/sigv4"
	"github.com/orderflow-cdk/orderflow/constructs/record"
)

// connection is which API a command talks to, and as whom: the flags that all
// commands of package client have in common.
type connection struct {
	URL    string `name:"url" env:"ORDERFLOW_URL" placeholder:"URL" help:"The API: the stack's output ApiUrl, or what orderflow up prints."`
	Token  string `xor:"credentials" placeholder:"TOKEN" help:"An ID token of the API's user pool. The variable keeps it out of the list of processes ($$ORDERFLOW_TOKEN)."`
	APIKey string `name:"api-key" xor:"credentials" placeholder:"KEY" help:"An API key, instead of a token ($$ORDERFLOW_API_KEY)."`
	Sign   bool   `xor:"credentials" help:"Sign requests with the AWS credentials of the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION), for APIs that IAM authorizes."`
}

// listening is the connection of a command that may stay with an order.
type listening struct {
	connection
	GraphQLURL string `name:"graphql-url" env:"ORDERFLOW_GRAPHQL_URL" placeholder:"URL" help:"The GraphQL API, for events by websocket: the stack's output GraphQLUrl. Without it statuses are polled."`
}

// client makes the client that the flags describe; without a GraphQL URL it opens no websocket.
func (c *connection) client(graphQLURL string) (*client.Client, error) {
	if c.URL == "" {
		return nil, errors.New("--url is missing (or ORDERFLOW_URL): the ApiUrl output of the stack, or run: orderflow up")
	}
	// Read from a file or a page, they may have a line's end, which no header can hold.
	token, key := strings.TrimSpace(c.Token), strings.TrimSpace(c.APIKey)
	if token == "" { // a flag goes before the environment, also one for something else
		token = strings.TrimSpace(os.Getenv("ORDERFLOW_TOKEN"))
	}
	if key == "" && token == "" {
		key = strings.TrimSpace(os.Getenv("ORDERFLOW_API_KEY"))
	}
	o := client.Options{GraphQLURL: graphQLURL, Tenant: tenantOf(token), UserAgent: "orderflow-cli"}
	switch {
	case c.Sign:
		if err := sign(&o); err != nil {
			return nil, err
		}
	case key != "":
		o.Authorize = client.APIKey(key)
		if token != "" { // of the environment: a key of API Gateway is none of AppSync
			o.AuthorizeGraphQL = client.IDToken(client.Static(token))
		}
	case token != "":
		o.Authorize = client.IDToken(client.Static(token))
	}
	made, err := client.New(c.URL, o)
	if err != nil {
		return nil, explain(err)
	}
	return made, nil
}

// sign makes a client sign with the credentials of the environment. Those of a profile
// or of a single sign-on get there by aws configure export-credentials.
func sign(o *client.Options) error {
	region := cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	key, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	switch {
	case key == "" || secret == "":
		return errors.New(`--sign: AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is missing; run: eval "$(aws configure export-credentials --format env)"`)
	case region == "":
		return errors.New("--sign: AWS_REGION is missing")
	}
	p := credentials.NewStaticCredentialsProvider(key, secret, os.Getenv("AWS_SESSION_TOKEN"))
	o.Authorize = sigv4.Authorize(p, region, sigv4.APIGateway)
	o.AuthorizeGraphQL = sigv4.Authorize(p, region, sigv4.AppSync)
	return nil
}

// tenantOf reads whose token it is, for events that are made from an order's
// history, which does not say. It proves nothing: the API does that.
func tenantOf(token string) string {
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		return ""
	}
	tenant, _ := claims[record.TenantClaim].(string)
	return tenant
}

// with calls f with the client that the flags describe, until Ctrl-C, and makes one
// line of its error.
func (c *connection) with(f func(context.Context, *client.Client) error) error {
	return c.withGraphQL("", f)
}

func (c *listening) with(f func(context.Context, *client.Client) error) error {
	return c.withGraphQL(c.GraphQLURL, f)
}

func (c *connection) withGraphQL(url string, f func(context.Context, *client.Client) error) error {
	api, err := c.client(url)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// One more a second later ends the process at once; sooner it may be the same, since
	// timeout(1) and some shells tell a process and its group.
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
	err = f(ctx, api)
	var coded *exitError
	switch {
	case err == nil || errors.As(err, &coded):
		return err
	case ctx.Err() != nil:
		return errInterrupted
	}
	return explain(err)
}

// exitError is an error with an exit code of its own.
type exitError struct {
	code    int
	message string
}

// Exit codes besides 0 and 2 (a mistake in the flags).
const (
	exitFailed         = 1
	exitEndedOtherwise = 3   // the order ended, and not as COMPLETED
	exitInterrupted    = 130 // what a shell makes of Ctrl-C
)

// errInterrupted ends a command that was not over.
var errInterrupted = &exitError{exitInterrupted, "interrupted"}

// Error implements error.
func (e *exitError) Error() string { return e.message }

// ExitCode is that of the process.
func (e *exitError) ExitCode() int { return e.code }

// exitCodes is part of the help of the commands that wait.
const exitCodes = "Exit codes of who stays to the end: 0 the order is COMPLETED, 3 it ended otherwise, 1 an error, 130 interrupted."

// verdict is the error of an order that ended otherwise than by COMPLETED.
func verdict(id, status, reason string) error {
	if status == client.StatusCompleted {
		return nil
	}
	if reason != "" {
		reason = ": " + short(reason, 300)
	}
	return &exitError{exitEndedOtherwise, fmt.Sprintf("order %s ended as %s%s", id, status, reason)}
}

// reasonOf is why an order ended as it did, in a line.
func reasonOf(reason, detail string) string {
	if reason != "" && detail != "" {
		return reason + ": " + detail
	}
	return reason + detail
}

// explain makes one line of what package client says, with what to do about it.
func explain(err error) error {
	var (
		p    *client.Problem
		sub  *client.SubscriptionError
		hint string
	)
	switch {
	case errors.Is(err, client.ErrUnauthorized):
		hint = "; --token (or ORDERFLOW_TOKEN) is an ID token of the API's user pool, which expires after a while; that of orderflow up is valid for an hour of the stack's time, and without --data until it is started again"
	case errors.As(err, &p) && p.OrderStatus != "":
		hint = "; it is " + p.OrderStatus
	case errors.Is(err, client.ErrUnavailable) && !errors.As(err, &p):
		hint = "; is --url right, is the API (orderflow up) running?"
	}
	text := strings.TrimPrefix(err.Error(), "client: ")
	switch {
	case errors.As(err, &p):
		text = problemText(p)
	case errors.As(err, &sub):
		text = "websocket: " + sub.Error()
	}
	return errors.New(short(text, 600) + hint)
}

func problemText(p *client.Problem) string {
	text := p.Title
	if text == "" {
		text = fmt.Sprint(p.Status)
	}
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	var notes []string
	if p.Code != "" {
		notes = append(notes, "code "+p.Code)
	} else {
		notes = append(notes, fmt.Sprintf("HTTP %d", p.Status))
	}
	if p.RequestID != "" {
		notes = append(notes, "request "+p.RequestID)
	}
	return text + " (" + strings.Join(notes, ", ") + ")"
}
