package cost

import (
	"strings"
)

// SolutionsDefaults are the defaults of AWS Solutions Constructs that have an effect on the bill, as of their repository of 2026-08-20
// (github.com/awslabs/aws-solutions-constructs, source/patterns/@aws-solutions-constructs/core/lib): apigateway-defaults,
// lambda-defaults, step-function-defaults, dynamodb-table-defaults, lambda-event-source-mapping-defaults.
var SolutionsDefaults = []string{
	"aws-apigateway-sqs, aws-apigateway-dynamodb: access log with CDK's standard fields, X-Ray on; execution logs at INFO, which are not counted here",
	"aws-sqs-lambda: no maximum of concurrency, so that idle polling may fall to two connections",
	"aws-lambda-stepfunctions: a STANDARD state machine that logs errors, without X-Ray",
	"aws-dynamodb-stream-lambda: one batch at a time",
	"functions: 128 MB, x86_64, logs as text, X-Ray active",
	"no web ACL, alarms of our own or dashboard: those are other patterns",
}

// SolutionsConstructs is a template of the reference app as it were if it had the defaults of AWS Solutions Constructs: the same flow, the same
// code, the same channels, of which some have no pattern there and stay as they are.
func SolutionsConstructs(template []byte) ([]byte, error) {
	standard, err := WithWorkflow(template, Standard)
	if err != nil {
		return nil, err
	}
	var out []byte
	if out, err = edit(standard, func(r *resource) error {
		p := r.Properties
		switch r.Type {
		case "AWS::Lambda::Function":
			delete(p, "MemorySize")
			delete(p, "Architectures")
			if logging, ok := p["LoggingConfig"].(map[string]any); ok {
				p["LoggingConfig"] = map[string]any{"LogGroup": logging["LogGroup"]}
			}
		case "AWS::StepFunctions::StateMachine":
			delete(p, "TracingConfiguration")
		case "AWS::Lambda::EventSourceMapping":
			delete(p, "ScalingConfig")
			delete(p, "ParallelizationFactor")
		case "AWS::ApiGateway::Stage":
			if log, ok := p["AccessLogSetting"].(map[string]any); ok {
				log["Format"] = standardAccessLog
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	return without(out, func(typ string) bool {
		return strings.HasPrefix(typ, "AWS::WAFv2::") || strings.HasPrefix(typ, "AWS::CloudWatch::") || typ == "AWS::CodeDeploy::DeploymentGroup"
	})
}

// standardAccessLog is apigateway.AccessLogFormat.jsonWithStandardFields of the CDK.
const standardAccessLog = `{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","user":"$context.identity.user",` +
	`"caller":"$context.identity.caller","requestTime":"$context.requestTime","httpMethod":"$context.httpMethod",` +
	`"resourcePath":"$context.resourcePath","status":"$context.status","protocol":"$context.protocol","responseLength":"$context.responseLength"}`
