package asyncapi

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"

	"github.com/orderflow-cdk/orderflow/constructs/internal/aliased"
)

// MaxMessageBytes is the queue's maximum message size: body and attributes
// together. SQS would take 1 MiB, but an order has to fit into an item of a
// DynamoDB table (400 KB) with room for what else is recorded of it.
const MaxMessageBytes = 262_144

// Props of an AsyncApi. The zero value of each field but Authorizer is usable.
type Props struct {
	// Path is the resource's one path segment: lower-case letters, digits and
	// hyphens.
	// Default: "orders".
	Path string

	// Authorizer decides who may call, and names where the caller's tenant id
	// comes from: [IAM], [CognitoUserPool], [LambdaAuthorizer], [APIKey] or,
	// for development, [Unauthenticated]. Required.
	Authorizer Authorizer

	// Model is what the gateway requires of a request body: [JSONSchema] or
	// [AnyJSON].
	// Default: any JSON object.
	Model Model

	// Queue is [Standard] or [FIFO].
	// Default: Standard().
	Queue QueueType

	// Consumer receives the queue's messages in batches, always with partial
	// batch failures: a function of the app, or an alias of one. Its timeout decides the queue's visibility timeout: six
	// times as long, plus BatchWindow.
	// Default: none; AddConsumer or an event source of your own may follow.
	Consumer awslambda.IFunction

	// BatchSize is the most messages in one invocation: 1–10,000, for a FIFO
	// queue 1–10. Above 10, BatchWindow must be at least a second.
	// Default: 10.
	BatchSize int

	// BatchWindow is how long to wait for a batch to fill: whole seconds up to
	// 300. A FIFO queue has none.
	// Default: 0.
	BatchWindow time.Duration

	// MaxConcurrency is the most invocations at a time: 2–1,000.
	// Default: 5.
	MaxConcurrency int

	// VisibilityTimeout is for a queue whose consumer is not given here: whole
	// seconds up to 12 hours. Leave it 0 with Consumer.
	// Default: 30 s, or with Consumer 6 × its timeout + BatchWindow.
	VisibilityTimeout time.Duration

	// MaxReceiveCount is how often a message is delivered before it moves to
	// the dead-letter queue: 1–1,000.
	// Default: 5.
	MaxReceiveCount int

	// Retention is how long an undelivered message is kept: whole seconds,
	// 1 minute to 14 days.
	// Default: 4 days.
	Retention time.Duration

	// DeadLetterRetention is how long a message is kept since it was first
	// sent, once it is in the dead-letter queue: not shorter than Retention,
	// at most 14 days.
	// Default: 14 days.
	DeadLetterRetention time.Duration

	// Key encrypts both queues.
	// Default: SQS's own keys (SSE-SQS).
	Key awskms.IKey

	// RetryAfter is what clients are told to wait before they ask again, in
	// whole seconds.
	// Default: 1 s.
	RetryAfter time.Duration

	// Throttle limits each method of the stage.
	// Default: 500 requests a second, bursts of 1,000.
	Throttle Throttle

	// CORS lets browsers on another origin call the API.
	// Default: nil, no CORS.
	CORS *CORS

	// WebACL puts AWS WAF before the stage.
	// Default: nil, no WAF.
	WebACL *WebACL

	// NoTracing switches AWS X-Ray off.
	// Default: false.
	NoTracing bool

	// AccountRole creates the role with which API Gateway writes logs, for the
	// whole account and region. Without such a role no stage with an access
	// log can be deployed, so one stack of the account has to set it; in more
	// than one they overwrite each other's.
	// Default: false.
	AccountRole bool

	// AccountRoleRemovalPolicy is what becomes of that role when it leaves the
	// stack. API Gateway's setting stays in any case (CloudFormation,
	// AWS::ApiGateway::Account), so with RemovalPolicy_DESTROY it names a role
	// that is gone, and other APIs of the account and region log nothing until
	// somebody sets another: only for an account that this stack has to itself.
	// Default: RemovalPolicy_RETAIN.
	AccountRoleRemovalPolicy awscdk.RemovalPolicy

	// LogRetention is how long the access log is kept.
	// Default: RetentionDays_ONE_MONTH.
	LogRetention awslogs.RetentionDays

	// RemovalPolicy is what becomes of the queues and the access log when they
	// leave the stack.
	// Default: RemovalPolicy_RETAIN.
	RemovalPolicy awscdk.RemovalPolicy

	// EndpointType is where the API's endpoint is.
	// Default: EndpointType_REGIONAL.
	EndpointType awsapigateway.EndpointType

	// Stage is the stage's name, the first segment of every path: letters,
	// digits, hyphens and underscores.
	// Default: "live".
	Stage string
}

// Throttle is a token bucket.
type Throttle struct {
	// Rate is the steady rate, in requests a second.
	// Default: 500.
	Rate float64
	// Burst is the size of the bucket, in requests.
	// Default: 1,000.
	Burst int
}

// CORS is who may call from a browser.
type CORS struct {
	// AllowOrigin is one origin such as "https://shop.example", or "*". Required.
	AllowOrigin string
	// MaxAge is how long browsers may remember the answer to a preflight
	// request.
	// Default: 0, which leaves it to the browser.
	MaxAge time.Duration
}

var (
	pathPattern  = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	stagePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	// originPattern keeps quotes out, which would end a static header value.
	originPattern = regexp.MustCompile(`^(\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)$`)
)

const day = 24 * time.Hour

// Validate reports everything that is wrong with p, joined. Zero values are
// taken as their defaults. It needs no Node.
func (p Props) Validate() error {
	p = p.withDefaults()
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	outside := func(name string, got, least, most int) {
		wrong(got < least || got > most, "%s must be %d–%d, got %d", name, least, most, got)
	}
	span := func(name string, got, least, most time.Duration) {
		wrong(got < least || got > most, "%s must be %v–%v, got %v", name, least, most, got)
		wrong(got%time.Second != 0, "%s must be whole seconds, got %v", name, got)
	}

	wrong(!pathPattern.MatchString(p.Path), "path must be lower-case letters, digits and hyphens, got %q", p.Path)
	wrong(!stagePattern.MatchString(p.Stage), "stage must be 1–128 letters, digits, hyphens and underscores, got %q", p.Stage)
	errs = append(errs, p.Authorizer.validate(), p.Model.validate())

	mostInBatch := 10_000
	if p.Queue.fifo {
		mostInBatch = 10
		wrong(p.BatchWindow != 0, "batch window must be 0 for a FIFO queue, got %v", p.BatchWindow)
	}
	outside("batch size", p.BatchSize, 1, mostInBatch)
	span("batch window", p.BatchWindow, 0, 300*time.Second)
	wrong(!p.Queue.fifo && p.BatchSize > 10 && p.BatchWindow < time.Second,
		"batch window must be at least 1s for a batch size above 10, got %v for %d", p.BatchWindow, p.BatchSize)
	outside("max concurrency", p.MaxConcurrency, 2, 1000)
	outside("max receive count", p.MaxReceiveCount, 1, 1000)
	span("visibility timeout", p.VisibilityTimeout, 0, 12*time.Hour)
	wrong(p.Consumer != nil && aliased.Function(p.Consumer) == nil,
		"consumer must be a function that the app makes, or an alias of one: of another the timeout is not known")
	wrong(p.Consumer != nil && p.VisibilityTimeout != 0,
		"visibility timeout follows from the consumer and must be 0 with one, got %v", p.VisibilityTimeout)
	span("retention", p.Retention, time.Minute, 14*day)
	span("dead letter retention", p.DeadLetterRetention, time.Minute, 14*day)
	wrong(p.DeadLetterRetention < p.Retention,
		"dead letter retention must not be shorter than retention (%v), since it counts from when the message was first sent, got %v",
		p.Retention, p.DeadLetterRetention)
	span("retry after", p.RetryAfter, time.Second, time.Hour)
	wrong(p.Throttle.Rate < 0, "throttle rate must be above 0, got %v", p.Throttle.Rate)
	wrong(p.Throttle.Burst < 0, "throttle burst must be above 0, got %d", p.Throttle.Burst)
	if p.CORS != nil {
		wrong(!originPattern.MatchString(p.CORS.AllowOrigin),
			`CORS origin must be "*" or scheme://host[:port], got %q`, p.CORS.AllowOrigin)
		span("CORS max age", p.CORS.MaxAge, 0, day)
	}
	if p.WebACL != nil {
		errs = append(errs, p.WebACL.validate())
	}
	return errors.Join(errs...)
}

func (p Props) withDefaults() Props {
	if p.Path == "" {
		p.Path = "orders"
	}
	if p.BatchSize == 0 {
		p.BatchSize = 10
	}
	if p.MaxConcurrency == 0 {
		p.MaxConcurrency = 5
	}
	if p.MaxReceiveCount == 0 {
		p.MaxReceiveCount = 5
	}
	if p.Retention == 0 {
		p.Retention = 4 * day
	}
	if p.DeadLetterRetention == 0 {
		p.DeadLetterRetention = 14 * day
	}
	if p.RetryAfter == 0 {
		p.RetryAfter = time.Second
	}
	if p.Throttle.Rate == 0 {
		p.Throttle.Rate = 500
	}
	if p.Throttle.Burst == 0 {
		p.Throttle.Burst = 1000
	}
	if p.LogRetention == "" {
		p.LogRetention = awslogs.RetentionDays_ONE_MONTH
	}
	if p.AccountRoleRemovalPolicy == "" {
		p.AccountRoleRemovalPolicy = awscdk.RemovalPolicy_RETAIN
	}
	if p.RemovalPolicy == "" {
		p.RemovalPolicy = awscdk.RemovalPolicy_RETAIN
	}
	if p.EndpointType == "" {
		p.EndpointType = awsapigateway.EndpointType_REGIONAL
	}
	if p.Stage == "" {
		p.Stage = "live"
	}
	return p
}

// inline puts the lines of a joined error on one, for a panic.
func inline(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
