package statusnotifier

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsappsync"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
)

// Props of a StatusNotifier.
type Props struct {
	// API is where the polling routes go, below its resource. Required.
	API *asyncapi.AsyncApi

	// Table holds the orders' items, as package record describes them.
	// Required.
	Table awsdynamodb.ITable

	// AcceptanceWindow is how long an order may be on its way from the 202 to
	// the table: a GET in that time answers QUEUED and not 404.
	// Default: API.AcceptanceWindow(), the retention of its two queues.
	AcceptanceWindow time.Duration

	// Final are the statuses that are an end: OrderWorkflow.Final() of a workflow
	// with other names than the usual ones.
	// Default: COMPLETED, REJECTED, FAILED, CANCELLED.
	Final []string

	// Outbox has a function read the table's stream and tell of each change
	// by the Topic and the WebSocket.
	// Default: nil, clients can only poll.
	Outbox *Outbox

	// Topic is an SNS topic for whoever wants to know: HTTPS endpoints, queues
	// and functions. It needs Outbox.
	// Default: nil, no topic.
	Topic *Topic

	// SignedWebhooks lets each tenant register HTTPS endpoints of its own, at
	// /webhooks of API, and delivers to them for days. It needs Topic.
	// Default: nil, no webhooks.
	SignedWebhooks *SignedWebhooks

	// WebSocket is a GraphQL API with subscriptions. It needs Outbox.
	// Default: nil, no GraphQL API.
	WebSocket *WebSocket
}

var statusPattern = regexp.MustCompile(`^[A-Z][A-Z_]*$`)

// Validate reports everything that is wrong with p, joined. Zero values are
// taken as their defaults. It needs no Node.
func (p Props) Validate() error {
	p = p.withDefaults()
	var c checks
	c.bad(p.API == nil, "API must be given, got nil")
	c.bad(p.Table == nil, "table must be given, got nil")
	c.bad(p.AcceptanceWindow < 0 || p.API != nil && p.AcceptanceWindow < time.Minute,
		"acceptance window must be at least 1m, got %v", p.AcceptanceWindow)
	for i, status := range p.Final {
		c.bad(!statusPattern.MatchString(status), "final status must be upper-case letters and underscores, got %q", status)
		c.bad(slices.Contains(p.Final[:i], status), "final statuses must differ, got %q twice", status)
	}
	c.errs = append(c.errs, p.validateChannels())
	return c.err()
}

// validateChannels reports what is wrong with the channels, and with their
// being together.
func (p Props) validateChannels() error {
	var c checks
	c.bad(p.Topic != nil && p.Outbox == nil, "topic needs Outbox, which publishes to it")
	c.bad(p.WebSocket != nil && p.Outbox == nil, "web socket needs Outbox, which publishes to it")
	c.bad(p.SignedWebhooks != nil && p.Topic == nil, "signed webhooks need Topic, from which they get the events")
	c.bad(p.Outbox != nil && p.Topic == nil && p.WebSocket == nil, "outbox needs Topic or WebSocket, or it tells nobody")
	c.bad(p.Outbox != nil && p.Outbox.GraphQLFunction != nil && (p.Topic == nil || p.WebSocket == nil),
		"outbox GraphQL function needs Topic and WebSocket, or one of the two functions tells nobody")
	if p.Outbox != nil {
		c.errs = append(c.errs, p.Outbox.validate())
	}
	if p.Topic != nil {
		c.errs = append(c.errs, p.Topic.validate())
	}
	if p.SignedWebhooks != nil {
		c.errs = append(c.errs, p.SignedWebhooks.validate())
	}
	if p.WebSocket != nil {
		c.errs = append(c.errs, p.WebSocket.validate())
	}
	return c.err()
}

func (p Props) withDefaults() Props {
	if p.AcceptanceWindow == 0 && p.API != nil {
		p.AcceptanceWindow = p.API.AcceptanceWindow()
	}
	if len(p.Final) == 0 {
		p.Final = []string{"COMPLETED", "REJECTED", "FAILED", "CANCELLED"}
	}
	if p.Outbox != nil {
		p.Outbox = p.Outbox.withDefaults()
	}
	if p.Topic != nil {
		p.Topic = p.Topic.withDefaults()
	}
	if p.SignedWebhooks != nil {
		p.SignedWebhooks = p.SignedWebhooks.withDefaults()
	}
	if p.WebSocket != nil {
		p.WebSocket = p.WebSocket.withDefaults()
	}
	return p
}

// StatusNotifier tells clients what became of their orders. All fields are set
// by New; change what they hold to go beyond what Props offers.
type StatusNotifier struct {
	constructs.Construct

	// Order is the resource of one order, and Status the one below it.
	Order, Status awsapigateway.Resource
	// GetOrder, GetStatus and Cancel are the methods.
	GetOrder, GetStatus, Cancel awsapigateway.Method
	// ReadRole is what API Gateway assumes for the GETs, CancelRole for the
	// DELETE.
	ReadRole, CancelRole awsiam.Role

	// Of Outbox, nil without: how its functions read the stream, and where
	// batches go that they failed on.
	EventSource        awslambda.EventSourceMapping
	GraphQLEventSource awslambda.EventSourceMapping // nil if one function tells both channels
	OutboxFailures     awssqs.Queue

	// Of Topic, nil without: the topic, and where messages go that SNS could
	// not deliver to a subscriber.
	Topic                   awssns.Topic
	SubscriptionDeadLetters awssqs.Queue

	// Of SignedWebhooks, nil without: the table of endpoints, the queue of
	// events and deliveries, the deliveries that were given up, the routes,
	// and what API Gateway assumes to invoke the function behind them.
	WebhooksTable       awsdynamodb.Table
	DeliveryQueue       awssqs.Queue
	DeliveryDeadLetters awssqs.Queue
	DeliverySource      awslambda.EventSourceMapping
	Webhooks, Webhook   awsapigateway.Resource
	WebhooksRole        awsiam.Role

	// Of WebSocket, nil without: the GraphQL API, its log, and what AppSync
	// assumes to read the orders.
	GraphQL         awsappsync.GraphqlApi
	GraphQLLog      awslogs.LogGroup
	GraphQLReadRole awsiam.Role

	props Props
}

// New adds a StatusNotifier to scope. It panics if props are not valid.
func New(scope constructs.Construct, id string, props Props) *StatusNotifier {
	n := &StatusNotifier{props: props.withDefaults()}
	constructs.NewConstruct_Override(n, scope, &id)
	if err := props.Validate(); err != nil {
		panic(fmt.Sprintf("statusnotifier: %s: %s", *n.Node().Path(), strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	n.Order = n.props.API.Resource.AddResource(jsii.String("{orderId}"), nil)
	n.Status = n.Order.AddResource(jsii.String("status"), nil)
	n.makeRoles()
	n.makeGetStatus()
	n.makeGetOrder()
	n.makeCancel()
	n.makeOutbox()
	n.makeTopic()
	n.makeSignedWebhooks()
	n.makeWebSocket()
	return n
}

// Props are those that New was given, with their defaults.
func (n *StatusNotifier) Props() Props { return n.props }

// makeRoles makes one role that can only read the table, and one that can only
// update items of it. No index, no scan, no delete.
func (n *StatusNotifier) makeRoles() {
	make := func(id, description string, actions ...string) awsiam.Role {
		role := awsiam.NewRole(n, &id, &awsiam.RoleProps{
			AssumedBy:   awsiam.NewServicePrincipal(jsii.String("apigateway.amazonaws.com"), nil),
			Description: &description,
		})
		awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
			Grantee:      role,
			Actions:      jsii.Strings(actions...),
			ResourceArns: jsii.Strings(*n.props.Table.TableArn()),
		})
		return role
	}
	n.ReadRole = make("ReadRole", "Lets API Gateway read orders.", "dynamodb:GetItem", "dynamodb:Query")
	n.CancelRole = make("CancelRole", "Lets API Gateway request an order's cancellation.", "dynamodb:UpdateItem")
	if key := n.props.Table.EncryptionKey(); key != nil {
		key.GrantDecrypt(n.ReadRole)
		key.GrantEncryptDecrypt(n.CancelRole)
	}
}
