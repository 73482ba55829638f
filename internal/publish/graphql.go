package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Mutation is what is asked of AppSync. A subscriber gets the fields that the
// mutation asks for and no others, so it asks for all.
const Mutation = `mutation Publish($event: OrderStatusEventInput!) { publishOrderStatus(event: $event) ` +
	`{ id type orderId tenant status previousStatus sequence occurredAt changes } }`

// attemptTimeout is how long one attempt may take. AppSync takes milliseconds
// for a mutation that touches no data source.
const attemptTimeout = 5 * time.Second

// GraphQL is an AppSync API with the mutation publishOrderStatus.
//
// IAM: appsync:GraphQL on the mutation's field.
type GraphQL struct {
	endpoint    string
	region      string
	client      aws.HTTPClient
	credentials aws.CredentialsProvider // nil: requests are not signed
	signer      *v4.Signer
	retryer     aws.Retryer
	now         func() time.Time
	withTimeout func(context.Context, time.Duration) (context.Context, context.CancelFunc)
}

// NewGraphQL returns a client of the API at endpoint. It signs with the configuration's
// credentials, unless they are anonymous, and retries as often as its retryer allows.
func NewGraphQL(
	cfg aws.Config, endpoint *url.URL, now func() time.Time,
	withTimeout func(context.Context, time.Duration) (context.Context, context.CancelFunc),
) *GraphQL {
	g := &GraphQL{
		endpoint: endpoint.String(), region: cfg.Region, client: cfg.HTTPClient, credentials: cfg.Credentials,
		signer: v4.NewSigner(), now: now, withTimeout: withTimeout,
	}
	if g.client == nil {
		g.client = awshttp.NewBuildableClient()
	}
	if aws.IsCredentialsProvider(cfg.Credentials, (*aws.AnonymousCredentials)(nil)) {
		g.credentials = nil
	}
	if cfg.Retryer != nil {
		g.retryer = cfg.Retryer()
	} else {
		g.retryer = retry.NewStandard()
	}
	return g
}

// GraphQLError is an answer of AppSync that says that nothing was published.
type GraphQLError struct {
	HTTPStatus int
	// Type is AppSync's errorType, such as "UnauthorizedException"; "" if the answer names none.
	Type    string
	Message string
}

func (e *GraphQLError) Error() string {
	s := fmt.Sprintf("AppSync publishOrderStatus: HTTP %d", e.HTTPStatus)
	for _, part := range []string{e.Type, e.Message} {
		if part != "" {
			s += ": " + part
		}
	}
	return s
}

// request is the body of a GraphQL request (GraphQL over HTTP, "Request parameters").
type request struct {
	Query     string `json:"query"`
	Variables struct {
		Event input `json:"event"`
	} `json:"variables"`
}

// input is OrderStatusEventInput: the event, with its changes as AWSJSON, which is a
// JSON text in a string.
type input struct {
	ID             string `json:"id"`
	Type           string `json:"type"`
	OrderID        string `json:"orderId"`
	Tenant         string `json:"tenant"`
	Status         string `json:"status"`
	PreviousStatus string `json:"previousStatus,omitempty"`
	Sequence       int64  `json:"sequence"`
	OccurredAt     string `json:"occurredAt"`
	Changes        string `json:"changes"`
}

// Publish publishes one message. The answer that counts is the one in the
// body: AppSync answers 200 to a mutation that failed as well.
func (g *GraphQL) Publish(ctx context.Context, m *Message) error {
	body, err := encode(m)
	if err != nil {
		return err
	}
	release := g.retryer.GetInitialToken()
	for attempt := 1; ; attempt++ {
		err := g.attempt(ctx, body)
		// Gives back what a success gives back to the quota of retries.
		if full := release(err); full != nil {
			return full
		}
		if err == nil || !repeatable(ctx, err) || attempt >= g.attempts() {
			return err
		}
		var spent error
		if release, spent = g.retryer.GetRetryToken(ctx, err); spent != nil || !g.wait(ctx, attempt, err) {
			return err
		}
	}
}

// attempts is never unlimited: Lambda repeats the record anyway.
func (g *GraphQL) attempts() int {
	if n := g.retryer.MaxAttempts(); n > 0 {
		return n
	}
	return retry.DefaultMaxAttempts
}

// repeatable reports whether another attempt may do better: after no answer,
// after 429, and after an error of the service.
func repeatable(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	var answer *GraphQLError
	if errors.As(err, &answer) {
		return answer.HTTPStatus == http.StatusTooManyRequests || answer.HTTPStatus >= http.StatusInternalServerError
	}
	return true
}

// wait waits as long as the retryer says, or until ctx is done: then it returns false.
func (g *GraphQL) wait(ctx context.Context, attempt int, cause error) bool {
	delay, err := g.retryer.RetryDelay(attempt, cause)
	if err != nil {
		return false
	}
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// maxAnswer is how much of an answer is read: twice what a mutation can send back.
const maxAnswer = 64 << 10

func (g *GraphQL) attempt(ctx context.Context, body []byte) error {
	ctx, cancel := g.withTimeout(ctx, attemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.endpoint, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if err := g.sign(ctx, req, body); err != nil {
		return err
	}
	res, err := g.client.Do(req)
	if err != nil {
		return fmt.Errorf("AppSync publishOrderStatus: no answer: %w", err)
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if closed := res.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("AppSync publishOrderStatus: half an answer: %w", err)
	}
	return judge(res.StatusCode, answer)
}

// sign signs a request (IAM user guide, "Signature Version 4").
func (g *GraphQL) sign(ctx context.Context, req *http.Request, body []byte) error {
	if g.credentials == nil {
		return nil
	}
	credentials, err := g.credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("publish: credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := g.signer.SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), "appsync", g.region, g.now()); err != nil {
		return fmt.Errorf("publish: signature: %w", err)
	}
	return nil
}

// judge reads an answer. Errors stand in its body whatever the HTTP status is;
// who is not even let in gets the same form with 401 (AppSync developer guide, "Troubleshooting").
func judge(status int, answer []byte) error {
	var a struct {
		Data *struct {
			PublishOrderStatus *struct{} `json:"publishOrderStatus"`
		} `json:"data"`
		Errors []struct {
			ErrorType string `json:"errorType"`
			Message   string `json:"message"`
		} `json:"errors"`
	}
	err := json.Unmarshal(answer, &a)
	failed := &GraphQLError{HTTPStatus: status}
	switch {
	case len(a.Errors) > 0:
		failed.Type, failed.Message = a.Errors[0].ErrorType, cut(a.Errors[0].Message)
		if more := len(a.Errors) - 1; more > 0 {
			failed.Message += fmt.Sprintf(" (and %d more)", more)
		}
	case status != http.StatusOK:
	case err != nil:
		failed.Message = "the answer is no JSON"
	case a.Data == nil || a.Data.PublishOrderStatus == nil:
		failed.Message = "the answer has neither errors nor the event"
	default:
		return nil
	}
	return failed
}

// maxMessage is how much of an error's text is kept for the log, in bytes.
const maxMessage = 500

func cut(s string) string {
	if len(s) > maxMessage {
		return strings.ToValidUTF8(s[:maxMessage], "") + "…"
	}
	return s
}

func encode(m *Message) ([]byte, error) {
	changes, err := json.Marshal(m.Changes)
	if err != nil {
		return nil, fmt.Errorf("publish: event %s: %w", m.ID, err)
	}
	r := request{Query: Mutation}
	r.Variables.Event = input{
		ID: m.ID, Type: m.Type, OrderID: m.OrderID, Tenant: m.Tenant, Status: m.Status, PreviousStatus: m.PreviousStatus,
		Sequence: m.Sequence, OccurredAt: m.OccurredAt.UTC().Format("2006-01-02T15:04:05.000Z"), Changes: string(changes),
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("publish: event %s: %w", m.ID, err)
	}
	return b, nil
}
