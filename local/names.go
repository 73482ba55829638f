package local

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// names gives every resource of a template its physical name, ARN and
// attributes. They derive from the logical id alone, so that resources can be
// made in any order and a run can be repeated.
type names struct {
	region, account, stack string
	endpoint               string // where the stack is served; "": AWS's own hosts
	// outside says that URLs of GraphQL APIs are for who is outside the stack, which are those where it is served. Functions
	// are given AWS's own, since programs may insist on https; they reach it all the same.
	outside  bool
	started  time.Time // of which streams have their label
	template *cfn.Template
	groups   map[string]string // names that the template gives to log groups, by logical id
}

// physical is the name CloudFormation would generate, without its random tail.
func (n names) physical(logicalID string) string {
	if given, ok := n.groups[logicalID]; ok {
		return given
	}
	name := n.stack + "-" + logicalID
	if fifo, _ := n.template.Property(logicalID, "FifoQueue").(bool); fifo {
		name += ".fifo"
	}
	return name
}

func (n names) arn(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, n.region, n.account, resource)
}

func (n names) queueURL(logicalID string) string {
	base := n.endpoint
	if base == "" {
		base = "https://sqs." + n.region + ".amazonaws.com"
	}
	return base + "/" + n.account + "/" + n.physical(logicalID)
}

// ref is the value of Ref for a resource, by the "Return values" section of
// its type in the CloudFormation reference.
func (n names) ref(id, typ string) (string, error) {
	name := n.physical(id)
	switch typ {
	case "AWS::SQS::Queue":
		return n.queueURL(id), nil
	case "AWS::StepFunctions::StateMachine":
		return n.arn("states", "stateMachine:"+name), nil
	case "AWS::SNS::Topic":
		return n.arn("sns", name), nil
	case "AWS::AppSync::GraphQLApi":
		return n.arn("appsync", "apis/"+id), nil
	case "AWS::SecretsManager::Secret":
		return n.arn("secretsmanager", "secret:"+name), nil
	case "AWS::Cognito::UserPool":
		return n.region + "_" + id, nil
	case "AWS::ApiGateway::Stage":
		stage, _ := n.template.Property(id, "StageName").(string)
		return stage, nil
	case "AWS::Lambda::Version":
		function, err := n.functionOf(id)
		return function + ":" + n.versionNumber(id), err
	case "AWS::Lambda::Alias":
		function, err := n.functionOf(id)
		alias, _ := n.template.Property(id, "Name").(string)
		return function + ":" + alias, err
	case "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::Lambda::Function", "AWS::IAM::Role",
		"AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup", "AWS::CodeDeploy::DeploymentConfig",
		"AWS::Logs::LogGroup", "AWS::CloudWatch::Alarm", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy":
		return name, nil
	case "AWS::KMS::Key", "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Resource", "AWS::ApiGateway::Method",
		"AWS::ApiGateway::Model", "AWS::ApiGateway::Authorizer", "AWS::ApiGateway::RequestValidator",
		"AWS::ApiGateway::ApiKey", "AWS::ApiGateway::UsagePlan", "AWS::ApiGateway::Deployment",
		"AWS::ApiGateway::Account", "AWS::Cognito::UserPoolClient", "AWS::Lambda::EventSourceMapping", "AWS::WAFv2::WebACL":
		return id, nil
	}
	return "", fmt.Errorf("the value of Ref for %s (%s) is not simulated", id, typ)
}

// getAtt is the value of Fn::GetAtt, by the same source.
func (n names) getAtt(id, typ, attr string) (string, error) {
	name := n.physical(id)
	switch typ + "." + attr {
	case "AWS::SQS::Queue.Arn":
		return n.arn("sqs", name), nil
	case "AWS::SQS::Queue.QueueName", "AWS::StepFunctions::StateMachine.Name", "AWS::SNS::Topic.TopicName":
		return name, nil
	case "AWS::SQS::Queue.QueueUrl":
		return n.queueURL(id), nil
	case "AWS::DynamoDB::Table.Arn", "AWS::DynamoDB::GlobalTable.Arn":
		return n.arn("dynamodb", "table/"+name), nil
	case "AWS::DynamoDB::Table.StreamArn", "AWS::DynamoDB::GlobalTable.StreamArn":
		return n.arn("dynamodb", "table/"+name+"/stream/"+n.started.Format("2006-01-02T15:04:05.000")), nil
	case "AWS::Lambda::Function.Arn":
		return n.arn("lambda", "function:"+name), nil
	case "AWS::Lambda::Version.Version":
		return n.versionNumber(id), nil
	case "AWS::Lambda::Version.FunctionArn", "AWS::Lambda::Alias.AliasArn":
		return n.ref(id, typ)
	case "AWS::StepFunctions::StateMachine.Arn":
		return n.arn("states", "stateMachine:"+name), nil
	case "AWS::SNS::Topic.TopicArn":
		return n.arn("sns", name), nil
	case "AWS::IAM::Role.Arn":
		return fmt.Sprintf("arn:aws:iam::%s:role/%s", n.account, name), nil
	case "AWS::IAM::Role.RoleId":
		return "AROA" + id, nil
	case "AWS::Logs::LogGroup.Arn":
		return n.arn("logs", "log-group:"+name+":*"), nil
	case "AWS::KMS::Key.Arn":
		return n.arn("kms", "key/"+id), nil
	case "AWS::KMS::Key.KeyId":
		return id, nil
	case "AWS::ApiGateway::RestApi.RootResourceId":
		return id + "/root", nil
	case "AWS::ApiGateway::RestApi.RestApiId":
		return id, nil
	case "AWS::ApiGateway::Deployment.DeploymentId":
		return id, nil
	case "AWS::Cognito::UserPool.Arn":
		return n.arn("cognito-idp", "userpool/"+n.region+"_"+id), nil
	case "AWS::Cognito::UserPool.UserPoolId":
		return n.region + "_" + id, nil
	case "AWS::Cognito::UserPool.ProviderName":
		return fmt.Sprintf("cognito-idp.%s.amazonaws.com/%s_%s", n.region, n.region, id), nil
	case "AWS::Cognito::UserPool.ProviderURL":
		return fmt.Sprintf("https://cognito-idp.%s.amazonaws.com/%s_%s", n.region, n.region, id), nil
	case "AWS::Cognito::UserPoolClient.ClientId":
		return id, nil
	case "AWS::AppSync::GraphQLApi.ApiId":
		return id, nil
	case "AWS::AppSync::GraphQLApi.Arn":
		return n.arn("appsync", "apis/"+id), nil
	case "AWS::AppSync::GraphQLApi.GraphQLUrl":
		if n.outside && n.endpoint != "" {
			return n.endpoint + "/graphql", nil
		}
		return "https://" + n.graphQLHost("appsync-api", id) + "/graphql", nil
	case "AWS::AppSync::GraphQLApi.GraphQLDns":
		return n.graphQLHost("appsync-api", id), nil
	case "AWS::AppSync::GraphQLApi.RealtimeUrl":
		if rest, ok := strings.CutPrefix(n.endpoint, "http"); ok && n.outside {
			return "ws" + rest + "/graphql/realtime", nil
		}
		return "wss://" + n.graphQLHost("appsync-realtime-api", id) + "/graphql", nil
	case "AWS::AppSync::GraphQLApi.RealtimeDns":
		return n.graphQLHost("appsync-realtime-api", id), nil
	case "AWS::AppSync::DataSource.Name", "AWS::AppSync::FunctionConfiguration.Name":
		property, _ := n.template.Property(id, "Name").(string)
		return property, nil
	case "AWS::AppSync::FunctionConfiguration.FunctionId", "AWS::AppSync::ApiKey.ApiKeyId":
		return id, nil
	case "AWS::AppSync::ApiKey.ApiKey":
		return appsync.KeyValue(id), nil
	case "AWS::WAFv2::WebACL.Arn":
		return n.arn("wafv2", "regional/webacl/"+name+"/local"), nil
	case "AWS::CloudWatch::Alarm.Arn":
		return n.arn("cloudwatch", "alarm:"+name), nil
	}
	return "", fmt.Errorf("the attribute %s of %s (%s) is not simulated", attr, id, typ)
}

func (n names) graphQLHost(service, logicalID string) string {
	return strings.ToLower(logicalID) + "." + service + "." + n.region + ".amazonaws.com"
}

// functionOf is the ARN of the function that a version or an alias belongs to.
func (n names) functionOf(id string) (string, error) {
	given, err := n.template.Resolved(id, "FunctionName", n.environment(nil))
	if err != nil {
		return "", err
	}
	name, _ := given.(string)
	if _, after, ok := strings.Cut(name, ":function:"); ok {
		name = after
	}
	return n.arn("lambda", "function:"+name), nil
}

// versionNumber is a version's number: its place among those of its function in the template, by logical id.
func (n names) versionNumber(id string) string {
	own, _ := n.functionOf(id) // what it is called by decides, also if that is nothing
	number := 0
	for _, other := range n.template.LogicalIDs() {
		if typ, _ := n.template.Type(other); typ != "AWS::Lambda::Version" {
			continue
		}
		if function, _ := n.functionOf(other); function == own {
			number++
		}
		if other == id {
			break
		}
	}
	return strconv.Itoa(number)
}

// environment is the view of the names that the template's intrinsics need.
func (n names) environment(parameters map[string]string) cfn.Environment {
	return cfn.Environment{
		Region: n.region, AccountID: n.account, StackName: n.stack,
		Parameters: parameters, Ref: n.ref, GetAtt: n.getAtt,
	}
}

// logicalID is the logical id of the resource that an ARN, a URL or a physical name belongs to, or
// what was given if there is none.
func (n names) logicalID(of string) string {
	name := of
	for _, separator := range []string{"/", ":"} {
		if i := strings.LastIndex(name, separator); i >= 0 {
			name = name[i+1:]
		}
	}
	id := strings.TrimSuffix(strings.TrimPrefix(name, n.stack+"-"), ".fifo")
	if _, ok := n.template.Type(id); ok {
		return id
	}
	// An execution, a stream, a qualifier: what comes before is the resource.
	for part := range strings.FieldsFuncSeq(of, func(r rune) bool { return r == ':' || r == '/' }) {
		id := strings.TrimSuffix(strings.TrimPrefix(part, n.stack+"-"), ".fifo")
		if _, ok := n.template.Type(id); ok {
			return id
		}
	}
	return of
}

// nameGroups learns the names that the template gives to log groups. They may be made of those of other resources,
// as AppSync takes it.
func (n names) nameGroups(env cfn.Environment) error {
	for _, id := range n.template.LogicalIDs() {
		if typ, _ := n.template.Type(id); typ != "AWS::Logs::LogGroup" {
			continue
		}
		name, err := n.template.Resolved(id, "LogGroupName", env)
		if err != nil {
			return fmt.Errorf("%s (AWS::Logs::LogGroup): LogGroupName: %w", id, err)
		}
		if name, ok := name.(string); ok {
			n.groups[id] = name
		}
	}
	return nil
}
