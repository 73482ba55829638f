package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

const (
	deliveries  = "https://sqs.eu-central-1.amazonaws.com/111122223333/deliveries"
	deadLetters = "https://sqs.eu-central-1.amazonaws.com/111122223333/dead"
	oldSecret   = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	newSecret   = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY="
)

var deliverEnvironment = map[string]string{
	"LOG_LEVEL": "INFO", "METRICS_NAMESPACE": "orderflow",
	"WEBHOOKS_TABLE_NAME": "hooks", "DELIVERY_QUEUE_URL": deliveries, "DEAD_LETTER_QUEUE_URL": deadLetters,
}

// post is a request that an endpoint got.
type post struct {
	at     time.Time
	url    string
	header http.Header
	body   string
}

// outpost is deliverwebhook with the AWS that it calls, a clock that only the test moves, and
// endpoints that answer as the test says.
type outpost struct {
	*awstest.Server
	t       testing.TB
	clock   time.Time
	handler lambda.Handler
	log     bytes.Buffer
	posts   []post
	answer  func(p post) (*http.Response, error)
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

func inTurn(ctx context.Context, n int, f func(context.Context, int)) {
	for i := range n {
		f(ctx, i)
	}
}

func newOutpost(t testing.TB) *outpost {
	t.Helper()
	o := &outpost{Server: awstest.New(), t: t, clock: now()}
	o.Now = func() time.Time { return o.clock }
	o.answer = func(post) (*http.Response, error) { return status(200), nil }
	var err error
	o.handler, err = handler.NewDeliverWebhook(handler.Env{
		Getenv: func(name string) string { return deliverEnvironment[name] },
		AWS:    o.Config(), Now: o.Now, Log: &o.log, Parallel: inTurn,
		WithTimeout: func(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
			return context.WithCancel(ctx)
		},
		Public: doer(func(r *http.Request) (*http.Response, error) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			p := post{o.clock, r.URL.String(), r.Header, string(b)}
			o.posts = append(o.posts, p)
			return o.answer(p)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func status(code int, header ...string) *http.Response {
	res := &http.Response{StatusCode: code, Header: http.Header{}, Body: http.NoBody}
	for i := 0; i < len(header); i += 2 {
		res.Header.Set(header[i], header[i+1])
	}
	return res
}

// answers makes all endpoints answer alike.
func (o *outpost) answers(code int, header ...string) {
	o.answer = func(post) (*http.Response, error) { return status(code, header...), nil }
}

// silent makes all endpoints wait for as long as the function does.
func (o *outpost) silent() {
	o.answer = func(post) (*http.Response, error) {
		o.clock = o.clock.Add(handler.AttemptTimeout)
		return nil, context.DeadlineExceeded
	}
}

func (o *outpost) endpoint(id string, attributes ...any) awstest.Item {
	it := awstest.Item{
		"pk": awstest.S("acme"), "sk": awstest.S(id), "url": awstest.S("https://" + id + ".example.com/in"),
		"enabled": map[string]any{"BOOL": true}, "createdAt": awstest.S("1999-01-01T00:00:00.000Z"), "secret": awstest.S(oldSecret),
	}
	for i := 0; i < len(attributes); i += 2 {
		it[attributes[i].(string)] = attributes[i+1]
	}
	o.Items["hooks/acme/"+id] = it
	return it
}

func (o *outpost) state(id string) awstest.Item { return o.Items["hooks/acme/"+id] }

const eventID = "k-YWJj-YWNtZQ:3"

func paidEvent(id string) string {
	return `{"id":"` + id + `","type":"order.paid","orderId":"k-YWJj-YWNtZQ","tenant":"acme","status":"PAID","sequence":3,` +
		`"occurredAt":"2025-11-24T16:00:05.250Z","changes":{"reason":"Zoë < Ω"}}`
}

// enqueue puts a message into the queue: a delivery, or without an endpoint an event.
func (o *outpost) enqueue(endpoint, body string) *awstest.Queued {
	attributes := map[string]awstest.MessageAttribute{}
	for name, v := range map[string]string{"tenant": "acme", "endpoint": endpoint} {
		if v != "" {
			attributes[name] = awstest.MessageAttribute{DataType: "String", StringValue: &v}
		}
	}
	if o.Queues == nil {
		o.Queues = map[string][]*awstest.Queued{}
	}
	m := &awstest.Queued{ID: fmt.Sprintf("m-%04d", len(o.Queues[deliveries])), Body: body, Attributes: attributes, Group: endpoint, SentAt: o.clock, VisibleAt: o.clock}
	o.Queues[deliveries] = append(o.Queues[deliveries], m)
	return m
}

// receive has the function work on up to 10 messages, as Lambda does. It returns how many failed.
func (o *outpost) receive() int {
	o.t.Helper()
	batch := o.Receive(deliveries, 10, 3*time.Minute)
	if len(batch.Records) == 0 {
		return 0
	}
	in, err := json.Marshal(batch)
	if err != nil {
		o.t.Fatal(err)
	}
	out, err := o.handler.Invoke(o.t.Context(), in)
	if err != nil {
		o.t.Fatal(err)
	}
	var r events.SQSEventResponse
	if err := json.Unmarshal(out, &r); err != nil {
		o.t.Fatal(err)
	}
	o.Done(deliveries, batch, r.BatchItemFailures)
	return len(r.BatchItemFailures)
}

// run lets time pass until the queue is empty or the time has come. It returns how
// often a message was received.
func (o *outpost) run(until time.Time) (receives int) {
	o.t.Helper()
	for {
		next := until
		for _, m := range o.Queues[deliveries] {
			if m.VisibleAt.Before(next) {
				next = m.VisibleAt
			}
		}
		if !next.Before(until) {
			o.clock = until
			return receives
		}
		if next.After(o.clock) {
			o.clock = next
		}
		for _, m := range o.Queues[deliveries] {
			if !m.VisibleAt.After(o.clock) {
				receives++
			}
		}
		o.receive()
	}
}

func (o *outpost) reason(i int) string {
	o.t.Helper()
	if len(o.Queues[deadLetters]) <= i {
		o.t.Fatalf("%d messages in the dead-letter queue", len(o.Queues[deadLetters]))
	}
	return *o.Queues[deadLetters][i].Attributes["reason"].StringValue
}
