package local

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/dynamodb"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/secretsmanager"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// declared lists the types that a template may hold without their having an
// effect on a run, with the reason.
var declared = map[string]string{
	"AWS::CDK::Metadata":                          "metadata",
	"AWS::Logs::ResourcePolicy":                   "services write to the log groups that they were given",
	"AWS::Logs::MetricFilter":                     "no metric is made of log lines",
	"AWS::KMS::Key":                               "nothing is encrypted; its policy decides",
	"AWS::KMS::Alias":                             "nothing is encrypted",
	"AWS::CloudWatch::Alarm":                      "no alarm is evaluated",
	"AWS::CloudWatch::CompositeAlarm":             "no alarm is evaluated",
	"AWS::CloudWatch::Dashboard":                  "no dashboard is drawn",
	"AWS::Cognito::UserPool":                      "tokens are issued without a sign-in",
	"AWS::Cognito::UserPoolClient":                "tokens are issued without a sign-in",
	"AWS::Cognito::UserPoolDomain":                "tokens are issued without a sign-in",
	"AWS::Cognito::UserPoolGroup":                 "tokens are issued without a sign-in",
	"AWS::Cognito::UserPoolResourceServer":        "tokens are issued without a sign-in",
	"AWS::WAFv2::WebACL":                          "no request is inspected",
	"AWS::WAFv2::WebACLAssociation":               "no request is inspected",
	"AWS::WAFv2::LoggingConfiguration":            "no request is inspected",
	"AWS::XRay::ResourcePolicy":                   "nothing is traced",
	"AWS::CodeDeploy::Application":                "an alias has its version from the start",
	"AWS::CodeDeploy::DeploymentConfig":           "an alias has its version from the start",
	"AWS::CodeDeploy::DeploymentGroup":            "an alias has its version from the start: nothing is shifted or rolled back",
	"AWS::ApplicationAutoScaling::ScalableTarget": "tables are on demand",
}

// simulated reports whether resources of a type have an effect on a run.
func simulated(typ string) bool {
	switch typ {
	case "AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::Lambda::Function",
		"AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::EventInvokeConfig", "AWS::StepFunctions::StateMachine", "AWS::SecretsManager::Secret",
		"AWS::SNS::Topic", "AWS::SNS::Subscription", "AWS::Logs::LogGroup",
		"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::Lambda::Permission", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy",
		"AWS::SecretsManager::ResourcePolicy":
		return true
	}
	return strings.HasPrefix(typ, "AWS::ApiGateway::") || strings.HasPrefix(typ, "AWS::AppSync::")
}

// checkTypes is an error that names every resource whose type cannot be run.
func checkTypes(t *cfn.Template) error {
	var errs []error
	for _, id := range t.LogicalIDs() {
		if typ, _ := t.Type(id); !simulated(typ) && declared[typ] == "" {
			errs = append(errs, fmt.Errorf("%s (%s): this type is not simulated", id, typ))
		}
	}
	return errors.Join(errs...)
}

// build makes every resource. Queues, tables and functions come before what
// refers to them.
func (s *Stack) build(resources []*cfn.Resource) error {
	var (
		errs    []error
		gateway []apigateway.Resource
		graphQL []appsync.Resource
		later   []*cfn.Resource

		versions, aliases []*cfn.Resource
	)
	sources := sources{queues: map[string]*sqs.Queue{}, streams: map[string]*dynamodb.Table{}}
	for _, r := range resources {
		var err error
		switch {
		case r.Type == "AWS::SQS::Queue":
			err = s.buildQueue(r, sources)
		case r.Type == "AWS::DynamoDB::Table" || r.Type == "AWS::DynamoDB::GlobalTable":
			err = s.buildTable(r, sources)
		case r.Type == "AWS::Lambda::Function":
			err = s.buildFunction(r)
		case r.Type == "AWS::StepFunctions::StateMachine":
			err = s.buildStateMachine(r)
		case r.Type == "AWS::SecretsManager::Secret":
			err = s.buildSecret(r)
		case r.Type == "AWS::Logs::LogGroup":
			err = s.buildLogGroup(r)
		case r.Type == "AWS::SNS::Topic":
			err = s.buildTopic(r)
		case r.Type == "AWS::Lambda::EventSourceMapping" || r.Type == "AWS::Lambda::EventInvokeConfig" || r.Type == "AWS::SNS::Subscription":
			later = append(later, r)
		case r.Type == "AWS::Lambda::Version":
			versions = append(versions, r)
		case r.Type == "AWS::Lambda::Alias":
			aliases = append(aliases, r)
		case strings.HasPrefix(r.Type, "AWS::AppSync::"):
			graphQL = append(graphQL, *r)
		case strings.HasPrefix(r.Type, "AWS::ApiGateway::"):
			gateway = append(gateway, *r)
		case declared[r.Type] != "":
			s.notes = append(s.notes, fmt.Sprintf("%s (%s): %s", r.LogicalID, r.Type, declared[r.Type]))
		}
		errs = append(errs, err)
	}
	for _, r := range versions {
		errs = append(errs, s.buildVersion(r))
	}
	for _, r := range aliases {
		errs = append(errs, s.buildAlias(r))
	}
	errs = append(errs, s.enforce(resources))
	for _, r := range later {
		switch r.Type {
		case "AWS::Lambda::EventInvokeConfig":
			errs = append(errs, s.buildEventInvokeConfig(r))
		case "AWS::SNS::Subscription":
			errs = append(errs, s.buildSubscription(r))
		default:
			errs = append(errs, s.buildEventSource(r, sources))
		}
	}
	exists := func(arn string) bool { return sources.queues[arn] != nil || s.functions.Function(arn) != nil }
	errs = append(errs, s.connectLogs(resources), s.buildGateway(gateway), s.buildGraphQL(graphQL), s.queues.Check(), s.functions.Check(), s.topics.Check(exists))
	slices.Sort(s.notes)
	return errors.Join(errs...)
}

// decode reads the properties of a resource and notes those that are only declared.
func (s *Stack) decode(r *cfn.Resource, props any) error {
	paths, err := cfn.Decode(r, props)
	for _, p := range paths {
		s.notes = append(s.notes, fmt.Sprintf("%s (%s): property %s", r.LogicalID, r.Type, p))
	}
	return err
}

func named(r *cfn.Resource, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s (%s): %w", r.LogicalID, r.Type, err)
}

// sources are what event source mappings can read, by ARN.
type sources struct {
	queues  map[string]*sqs.Queue
	streams map[string]*dynamodb.Table
}

func (s *Stack) buildQueue(r *cfn.Resource, sources sources) error {
	var p sqs.QueueProperties
	if err := s.decode(r, &p); err != nil {
		return err
	}
	q, err := s.queues.CreateQueue(s.names.physical(r.LogicalID), p)
	if err != nil {
		return named(r, err)
	}
	q.URL = s.names.queueURL(r.LogicalID)
	sources.queues[q.ARN] = q
	s.functions.AddTarget(q.ARN, q)
	return nil
}

func (s *Stack) buildTable(r *cfn.Resource, sources sources) error {
	var p dynamodb.TableProperties
	if r.Type == "AWS::DynamoDB::GlobalTable" {
		var global dynamodb.GlobalTableProperties
		if err := s.decode(r, &global); err != nil {
			return err
		}
		var err error
		if p, err = global.InRegion(s.opts.Region); err != nil {
			return named(r, err)
		}
	} else if err := s.decode(r, &p); err != nil {
		return err
	}
	t, err := s.tables.CreateTable(s.names.physical(r.LogicalID), p)
	if err != nil {
		return named(r, err)
	}
	if arn := t.StreamARN(); arn != "" {
		sources.streams[arn] = t
	}
	return nil
}

func (s *Stack) buildTopic(r *cfn.Resource) error {
	var p sns.TopicProperties
	if err := s.decode(r, &p); err != nil {
		return err
	}
	_, err := s.topics.CreateTopic(s.names.physical(r.LogicalID), p)
	return named(r, err)
}

func (s *Stack) buildSubscription(r *cfn.Resource) error {
	var p sns.SubscriptionProperties
	if err := s.decode(r, &p); err != nil {
		return err
	}
	_, err := s.topics.CreateSubscription(p)
	return named(r, err)
}

func (s *Stack) buildFunction(r *cfn.Resource) error {
	var p lambda.FunctionProperties
	if err := s.decode(r, &p); err != nil {
		return err
	}
	code, err := s.code(r.LogicalID, p)
	if err != nil {
		return named(r, err)
	}
	code.function, err = s.functions.CreateFunction(s.names.physical(r.LogicalID), p, faulty{code, s, p.Handler})
	return named(r, err)
}

func (s *Stack) buildVersion(r *cfn.Resource) error {
	var p lambda.VersionProperties
	if err := s.decode(r, &p); err != nil {
		return err
	}
	_, err := s.functions.PublishVersion(p)
	return named(r, err)
}

func (s *Stack) buildAlias(r *cfn.Resource) error {
	var p lambda.AliasProperties
	if err := s.decode(r, &p); err != nil {
		return err
	}
	return named(r, s.functions.CreateAlias(p))
}

func (s *Stack) buildStateMachine(r *cfn.Resource) error {
	var p states.StateMachineProperties
	if err := s.decode(r, &p); err != nil {
		return err
	}
	_, err := s.machines.CreateStateMachine(s.names.physical(r.LogicalID), p)
	return named(r, err)
}

func (s *Stack) buildSecret(r *cfn.Resource) error {
	var p secretsmanager.Properties
	if err := s.decode(r, &p); err != nil {
		return err
	}
	arn, err := s.names.ref(r.LogicalID, r.Type)
	if err != nil {
		return named(r, err)
	}
	return named(r, s.secrets.Create(arn, s.names.physical(r.LogicalID), p))
}

func (s *Stack) buildEventSource(r *cfn.Resource, sources sources) error {
	var p lambda.EventSourceMappingProperties
	if err := s.decode(r, &p); err != nil {
		return err
	}
	if t, ok := sources.streams[p.EventSourceArn]; ok {
		_, err := s.functions.CreateStreamMapping(r.LogicalID, p, t)
		return named(r, err)
	}
	q, ok := sources.queues[p.EventSourceArn]
	if !ok {
		return named(r, fmt.Errorf("EventSourceArn %s is no queue and no stream of this template; other sources are not simulated", p.EventSourceArn))
	}
	_, err := s.functions.CreateEventSourceMapping(r.LogicalID, p, q)
	return named(r, err)
}

func (s *Stack) buildEventInvokeConfig(r *cfn.Resource) error {
	var p lambda.EventInvokeConfigProperties
	if err := s.decode(r, &p); err != nil {
		return err
	}
	return named(r, s.functions.ConfigureEventInvoke(p))
}

func (s *Stack) buildGateway(resources []apigateway.Resource) error {
	if len(resources) == 0 {
		return nil
	}
	a, err := apigateway.New(s.kernel, s.bus.as("apigateway.amazonaws.com"), s.gatewayConfig(), resources)
	if err != nil {
		return err
	}
	s.notes = append(s.notes, a.Declared()...)
	s.api = a
	return nil
}
