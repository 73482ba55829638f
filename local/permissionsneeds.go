package local

import (
	"encoding/json"
	"errors"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// enforce has the template's policies decide from now on.
func (s *Stack) enforce(resources []*cfn.Resource) error {
	if s.opts.Permissions == PermissionsOff {
		return nil
	}
	p, err := newPolicies(s, resources)
	s.policies = p
	s.bus.authorize = p.authorize
	s.functions.Authorize = p.may
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range resources {
		errs = append(errs, named(r, p.setUp(r)))
	}
	return errors.Join(errs...)
}

// delivery is what a state machine's role needs so that Step Functions can set up the delivery of its log (Step Functions
// Developer Guide, "Using CloudWatch Logs to log execution history", IAM policies).
var delivery = []string{
	"CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries",
	"PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups",
}

// tracing is what a state machine's role needs for its traces (Step Functions Developer Guide, "IAM policies for X-Ray").
var tracing = []string{"PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets"}

// pushing is what API Gateway asks of the account's role (API Gateway Developer Guide, "Permissions for CloudWatch logging").
var pushing = []string{"CreateLogGroup", "CreateLogStream", "DescribeLogGroups", "DescribeLogStreams", "PutLogEvents", "GetLogEvents", "FilterLogEvents"}

// setUp asks for what services need of roles before, and beside, the calls that they make: for logs and traces. Where it is missing,
// AWS refuses the deployment, or drops the traces and says nothing; here it is told as denied.
func (p *policies) setUp(r *cfn.Resource) error {
	ask := func(role, via, service, group string, actions []string) {
		for _, action := range actions {
			c := api.Call{Service: service, Action: action, Caller: role, Via: via}
			n := need{action: service + ":" + action, resource: "*"}
			if group != "" {
				n.resource = p.groupARN(group) + ":log-stream:"
			}
			if own := p.roles[role]; own != nil && p.assumes(own, &c).allowed {
				p.decide(&c, n)
			}
		}
	}
	switch r.Type {
	case "AWS::StepFunctions::StateMachine":
		var props struct {
			RoleArn              string
			LoggingConfiguration *struct{ Level string }
			TracingConfiguration *struct{ Enabled cfn.Bool }
		}
		if err := json.Unmarshal(r.Properties, &props); err != nil {
			return err
		}
		const states = "states.amazonaws.com"
		if l := props.LoggingConfiguration; l != nil && l.Level != "" && l.Level != "OFF" {
			ask(props.RoleArn, states, "logs", "", delivery)
		}
		if t := props.TracingConfiguration; t != nil && bool(t.Enabled) {
			ask(props.RoleArn, states, "xray", "", tracing)
		}
	case "AWS::ApiGateway::Account":
		var props struct{ CloudWatchRoleArn string }
		if err := json.Unmarshal(r.Properties, &props); err != nil {
			return err
		}
		ask(props.CloudWatchRoleArn, "apigateway.amazonaws.com", "logs", "", pushing)
	case "AWS::AppSync::GraphQLApi":
		var props struct {
			LogConfig *struct{ CloudWatchLogsRoleArn string }
		}
		if err := json.Unmarshal(r.Properties, &props); err != nil {
			return err
		}
		if props.LogConfig != nil {
			ask(props.LogConfig.CloudWatchLogsRoleArn, "appsync.amazonaws.com", "logs", "/aws/appsync/apis/"+r.LogicalID, []string{"CreateLogStream", "PutLogEvents"})
		}
	}
	return nil
}
