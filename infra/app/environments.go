package app

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
	"github.com/orderflow-cdk/orderflow/internal/config"
)

// Environment is everything in which the environments differ. Each of them says
// every field: nothing is inherited, so that this file is the whole story.
type Environment struct {
	// Name ends the stack's name, and the namespace of its metrics: lower-case
	// letters, digits and hyphens.
	Name string

	// Production marks the environments that real customers depend on: Validate
	// then demands whatever guards them. An environment that is called prod or
	// production must be one, also as the first part of its name, as in prod-eu.
	Production bool

	// Account and Region are where the environment may be deployed, and nowhere
	// else. Both empty: to wherever the credentials lead, which lets every developer
	// have an account of their own.
	Account, Region string

	// Architecture of the functions.
	Architecture gofunction.Architecture

	// Workflow is the kind of the state machine.
	Workflow orderworkflow.Kind

	// Payment is who charges the cards.
	Payment Payment

	// RecordRetention is after how many days an order's record expires: at
	// least config.MinOrderRetention, or 0 for never.
	RecordRetention int

	// LogRetention is how long every log is kept.
	LogRetention awslogs.RetentionDays

	// LogLevel of the functions.
	LogLevel gofunction.LogLevel

	// WorkflowLog is what the state machine logs.
	WorkflowLog orderworkflow.LogLevel

	// DeletionProtection guards tables, user pool and the stack itself.
	DeletionProtection bool

	// PointInTimeRecovery keeps continuous backups of the tables.
	PointInTimeRecovery bool

	// RemovalPolicy says what becomes of data and logs when they are taken out
	// of the stack.
	RemovalPolicy awscdk.RemovalPolicy

	// Throttle limits what the gateway admits.
	Throttle asyncapi.Throttle

	// Concurrency is how many batches of orders are taken at the same time.
	Concurrency int

	// WAF puts a firewall in front of the gateway.
	WAF bool

	// RequireMFA lets nobody sign in without a one-time password of an authenticator app.
	RequireMFA bool

	// ThreatProtection has Cognito refuse passwords that are known to have leaked, and assess the
	// risk of every sign-in. Cognito bills it for each user who signs in within a month.
	ThreatProtection bool

	// Alarms and a dashboard, with a topic that the alarms notify. Every alarm has that action. What they begin
	// at follows from the rest of the environment.
	Alarms bool

	// OutboxAge is for how long a change of an order is told of again and again,
	// until it is given up. There is an alarm after 15 minutes, or half of it if
	// that is less.
	OutboxAge time.Duration

	// SeparateChannels has a function of its own tell AppSync, so that no channel
	// waits for the other when that one is out of order.
	SeparateChannels bool

	// WebhookConcurrency is how many batches of deliveries to tenants' webhooks
	// are made at the same time.
	WebhookConcurrency int

	// GraphQLIntrospection lets users ask the GraphQL API for its schema.
	GraphQLIntrospection bool

	// Rollout is how new versions of the functions take over. Without one they are
	// updated in place.
	Rollout gofunction.Rollout

	// GatewayAccountRole gives API Gateway, for its whole account and region,
	// the role to write logs. One stack of an account must do so; the environments
	// are meant to have an account each.
	GatewayAccountRole bool
}

// Payment is who charges the cards.
type Payment struct {
	// Provider is config.ProviderSandbox or config.ProviderHTTP.
	Provider string

	// Endpoint is the provider's URL and Timeout that of one call, for
	// ProviderHTTP. Its API key goes into the secret that the stack makes.
	Endpoint string
	Timeout  time.Duration
}

// Environments returns all of them.
func Environments() []Environment { return []Environment{dev, staging, prod} }

var dev = Environment{
	Name:                 "dev",
	Production:           false,
	Account:              "",
	Region:               "",
	Architecture:         gofunction.ARM64,
	Workflow:             orderworkflow.Standard,
	Payment:              Payment{Provider: config.ProviderSandbox},
	RecordRetention:      110,
	LogRetention:         awslogs.RetentionDays_ONE_WEEK,
	LogLevel:             gofunction.Debug,
	WorkflowLog:          orderworkflow.LogAll,
	DeletionProtection:   false,
	PointInTimeRecovery:  false,
	RemovalPolicy:        awscdk.RemovalPolicy_DESTROY,
	Throttle:             asyncapi.Throttle{Rate: 50, Burst: 100},
	Concurrency:          5,
	WAF:                  false,
	RequireMFA:           false,
	ThreatProtection:     false,
	Alarms:               false,
	OutboxAge:            time.Hour,
	SeparateChannels:     false,
	WebhookConcurrency:   5,
	GraphQLIntrospection: true,
	Rollout:              gofunction.Rollout{}, // A change is there at once.
	GatewayAccountRole:   true,
}

var staging = Environment{
	Name:                 "staging",
	Production:           false,
	Account:              "",
	Region:               "",
	Architecture:         gofunction.ARM64,
	Workflow:             orderworkflow.Express,
	Payment:              Payment{Provider: config.ProviderSandbox},
	RecordRetention:      110,
	LogRetention:         awslogs.RetentionDays_ONE_MONTH,
	LogLevel:             gofunction.Info,
	WorkflowLog:          orderworkflow.LogErrors,
	DeletionProtection:   false,
	PointInTimeRecovery:  true,
	RemovalPolicy:        awscdk.RemovalPolicy_DESTROY,
	Throttle:             asyncapi.Throttle{Rate: 200, Burst: 400},
	Concurrency:          10,
	WAF:                  true,
	RequireMFA:           false,
	ThreatProtection:     false,
	Alarms:               true,
	OutboxAge:            12 * time.Hour,
	SeparateChannels:     true,
	WebhookConcurrency:   10,
	GraphQLIntrospection: true,
	Rollout:              gofunction.Canary(50, 5*time.Minute), // As in prod, with enough of the little traffic.
	GatewayAccountRole:   true,
}

var prod = Environment{
	Name:                 "prod",
	Production:           true,
	Account:              "", // The account of a team that takes this over, and its region.
	Region:               "",
	Architecture:         gofunction.ARM64,
	Workflow:             orderworkflow.Express,
	Payment:              Payment{Provider: config.ProviderHTTP, Endpoint: "https://payments.example.com/v1", Timeout: 10 * time.Second},
	RecordRetention:      400,
	LogRetention:         awslogs.RetentionDays_THREE_MONTHS,
	LogLevel:             gofunction.Info,
	WorkflowLog:          orderworkflow.LogErrors,
	DeletionProtection:   true,
	PointInTimeRecovery:  true,
	RemovalPolicy:        awscdk.RemovalPolicy_RETAIN,
	Throttle:             asyncapi.Throttle{Rate: 1000, Burst: 2000},
	Concurrency:          50,
	WAF:                  true,
	RequireMFA:           true,
	ThreatProtection:     true,
	Alarms:               true,
	OutboxAge:            12 * time.Hour,
	SeparateChannels:     true,
	WebhookConcurrency:   50,
	GraphQLIntrospection: false,
	Rollout:              gofunction.Canary(10, 15*time.Minute),
	GatewayAccountRole:   true,
}
