package app

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"

	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
	"github.com/orderflow-cdk/orderflow/internal/config"
)

var (
	// A stack's name has at most 128 letters, digits and hyphens (CloudFormation, CreateStack);
	// the names that CloudFormation makes of it are cut, and stay readable with a short one.
	environmentName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	accountID       = regexp.MustCompile(`^[0-9]{12}$`)
	regionName      = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	productionName  = regexp.MustCompile(`^prod(uction)?(-|$)`)
)

const longestName = 30

// shortestRollout is what an alarm may take to notice: a metric's minute, some more until Lambda has delivered it, and
// until CodeDeploy has looked.
const shortestRollout = 5 * time.Minute

// Validate reports everything that is wrong with e, a line for each: what no
// environment can have, and of what guards production, all that is missing. It needs no Node.
func (e Environment) Validate() error {
	r := &rails{environment: e.Name}
	r.anywhere(e)
	if productionName.MatchString(e.Name) && !e.Production {
		r.add("Production", false, "an environment of this name is production: set it to true, or choose another name")
	}
	if e.Production {
		r.production(e)
	}
	return errors.Join(r.errs...)
}

// rails collects what is wrong with an environment.
type rails struct {
	environment string
	errs        []error
}

// add notes what a field has, and what it must be instead.
func (r *rails) add(field string, got any, rule string) {
	if text, ok := got.(string); ok {
		got = fmt.Sprintf("%q", text)
	}
	r.errs = append(r.errs, fmt.Errorf("environment %s: %s is %v: %s", r.environment, field, got, rule))
}

func (r *rails) unless(ok bool, field string, got any, rule string) {
	if !ok {
		r.add(field, got, rule)
	}
}

func (r *rails) anywhere(e Environment) {
	if !environmentName.MatchString(e.Name) || len(e.Name) > longestName {
		r.environment = fmt.Sprintf("%q", e.Name)
		r.add("Name", e.Name, fmt.Sprintf("it must be 1–%d lower-case letters, digits and single hyphens, with a letter first", longestName))
	}
	if e.Account != "" || e.Region != "" {
		r.unless(accountID.MatchString(e.Account), "Account", e.Account, "with a Region it must be the 12 digits of an account")
		r.unless(regionName.MatchString(e.Region), "Region", e.Region, "with an Account it must be a region, such as eu-central-1")
	}
	r.unless(e.Architecture == gofunction.ARM64 || e.Architecture == gofunction.X8664, "Architecture", string(e.Architecture), "it must be arm64 or x86_64")
	r.unless(e.Workflow == orderworkflow.Standard || e.Workflow == orderworkflow.Express, "Workflow", string(e.Workflow), "it must be STANDARD or EXPRESS")
	r.unless(slices.Contains([]orderworkflow.LogLevel{orderworkflow.LogErrors, orderworkflow.LogAll, orderworkflow.LogOff}, e.WorkflowLog),
		"WorkflowLog", string(e.WorkflowLog), "it must be ERROR, ALL or OFF")
	r.unless(e.Workflow != orderworkflow.Express || e.WorkflowLog != orderworkflow.LogOff, "WorkflowLog", string(e.WorkflowLog),
		"with an EXPRESS Workflow it must be ERROR or ALL: there is no other history")
	r.payment(e.Payment)

	least := int(config.MinOrderRetention / (24 * time.Hour))
	r.unless(e.RecordRetention == 0 || e.RecordRetention >= least, "RecordRetention", e.RecordRetention,
		fmt.Sprintf("it must be at least %d days, so that what comes twice is known, or 0 for never", least))
	r.unless(e.LogRetention != "" && e.LogRetention != awslogs.RetentionDays_INFINITE, "LogRetention", string(e.LogRetention), "logs must go after some time")
	// Lambda takes a line without a level, such as a metric in the embedded format, for Info.
	r.unless(e.LogLevel == gofunction.Debug || e.LogLevel == gofunction.Info, "LogLevel", string(e.LogLevel), "it must be DEBUG or INFO: above that Lambda drops the functions' metrics")
	r.unless(e.RemovalPolicy == awscdk.RemovalPolicy_DESTROY || e.RemovalPolicy == awscdk.RemovalPolicy_RETAIN,
		"RemovalPolicy", string(e.RemovalPolicy), "it must be DESTROY or RETAIN: the queues and functions know no other")
	r.unless(!e.DeletionProtection || e.RemovalPolicy == awscdk.RemovalPolicy_RETAIN, "RemovalPolicy", string(e.RemovalPolicy),
		"with DeletionProtection it must be RETAIN: a stack would fail to delete a table that is protected")

	r.unless(e.Throttle.Rate > 0, "Throttle.Rate", e.Throttle.Rate, "it must be above 0 requests a second")
	r.unless(e.Throttle.Burst > 0, "Throttle.Burst", e.Throttle.Burst, "it must be above 0 requests")
	// Lambda developer guide, "Configuring maximum concurrency for Amazon SQS event sources".
	r.unless(e.Concurrency >= 2 && e.Concurrency <= 1000, "Concurrency", e.Concurrency, "it must be 2–1,000")
	r.unless(e.WebhookConcurrency >= 2 && e.WebhookConcurrency <= 1000, "WebhookConcurrency", e.WebhookConcurrency, "it must be 2–1,000")
	r.unless(e.OutboxAge >= time.Minute && e.OutboxAge <= 18*time.Hour && e.OutboxAge%time.Minute == 0, "OutboxAge", e.OutboxAge,
		"it must be whole minutes, 1m–18h: the stream keeps changes for a day, and somebody has to read them before")
	if err := e.Rollout.Validate(); err != nil {
		r.add("Rollout", e.Rollout.String(), err.Error())
	}
	r.unless(e.Alarms || e.Rollout.IsZero() || e.Production, "Rollout", e.Rollout.String(), "without Alarms it must be none: nobody would be told that it was rolled back")
}

func (r *rails) payment(p Payment) {
	switch p.Provider {
	case config.ProviderSandbox:
		r.unless(p.Endpoint == "", "Payment.Endpoint", p.Endpoint, "with the sandbox it must be empty: nobody is called")
		r.unless(p.Timeout == 0, "Payment.Timeout", p.Timeout, "with the sandbox it must be 0: nobody is called")
	case config.ProviderHTTP:
		u, err := url.Parse(p.Endpoint)
		r.unless(err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil, "Payment.Endpoint", p.Endpoint, "it must be the provider's https URL")
		r.unless(p.Timeout >= time.Second && p.Timeout <= 20*time.Second && p.Timeout%time.Second == 0, "Payment.Timeout", p.Timeout,
			"it must be whole seconds, 1s–20s: a step ends after 30s")
	default:
		r.add("Payment.Provider", p.Provider, fmt.Sprintf("it must be %s or %s", config.ProviderHTTP, config.ProviderSandbox))
	}
}

// production wants whatever guards real customers' orders, money and data.
func (r *rails) production(e Environment) {
	const guards = "production must have it"
	r.unless(e.DeletionProtection, "DeletionProtection", e.DeletionProtection, guards+": set it to true, or its data is gone with one command")
	r.unless(e.PointInTimeRecovery, "PointInTimeRecovery", e.PointInTimeRecovery, guards+": set it to true, or a mistake in its data cannot be undone")
	r.unless(e.RemovalPolicy == awscdk.RemovalPolicy_RETAIN, "RemovalPolicy", string(e.RemovalPolicy), "production must be RETAIN, or data goes with the stack")
	r.unless(e.Alarms, "Alarms", e.Alarms, guards+": set it to true, or nobody is told that orders stand still")
	r.unless(e.WAF, "WAF", e.WAF, guards+": set it to true, or one address can use up everybody's rate")
	r.unless(e.RequireMFA, "RequireMFA", e.RequireMFA, guards+": set it to true, or a password is all that keeps others from a tenant's orders")
	r.unless(e.ThreatProtection, "ThreatProtection", e.ThreatProtection, guards+": set it to true, or passwords that have leaked elsewhere open an account here")
	r.unless(e.Payment.Provider != config.ProviderSandbox, "Payment.Provider", e.Payment.Provider, "production must charge real cards: choose "+config.ProviderHTTP)
	r.unless(e.LogLevel != gofunction.Debug, "LogLevel", string(e.LogLevel), "production must be INFO")
	r.unless(e.WorkflowLog != orderworkflow.LogAll, "WorkflowLog", string(e.WorkflowLog), "production must be ERROR or OFF: every state of every order costs more than the workflow itself")
	r.unless(!slices.Contains(short, e.LogRetention), "LogRetention", string(e.LogRetention), "production must keep logs for a month or longer: they say what became of an order")
	r.unless(e.Rollout.Duration() >= shortestRollout, "Rollout", e.Rollout.String(),
		fmt.Sprintf("production must be Canary or Linear over at least %s, so that alarms can stop a bad version before all orders meet it", shortestRollout))
	r.unless(!e.GraphQLIntrospection, "GraphQLIntrospection", e.GraphQLIntrospection, "production must not tell its schema to whoever asks: set it to false")
}

// short are the retentions below a month.
var short = []awslogs.RetentionDays{
	awslogs.RetentionDays_ONE_DAY, awslogs.RetentionDays_THREE_DAYS, awslogs.RetentionDays_FIVE_DAYS,
	awslogs.RetentionDays_ONE_WEEK, awslogs.RetentionDays_TWO_WEEKS,
}
