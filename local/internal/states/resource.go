package states

import (
	"fmt"
	"strings"
)

// pattern is how a task waits for what it started.
type pattern uint8

const (
	requestResponse pattern = iota
	runJob                  // .sync
	runJobParsed            // .sync:2
	callback                // .waitForTaskToken
)

// resource is a compiled Resource of a Task state.
type resource struct {
	arn     string
	service string // on the bus: "dynamodb"
	action  string // as the API names it: "UpdateItem"
	pattern pattern
	// functionARN is set where the resource is a function itself.
	functionARN string
	sdk         bool
	// resourceType and name are how history events show it: "aws-sdk:dynamodb", "query".
	resourceType, name string
	// errors is the prefix of the service's errors; unknown is the name, with
	// it, for a code that the service's model does not have.
	integration
}

// integration is how a service's errors appear.
type integration struct {
	prefix  string          // "DynamoDB"
	unknown string          // "AmazonDynamoDBException"
	label   string          // "AmazonDynamoDBv2"
	known   map[string]bool // codes of the service's model; nil: all
}

// optimized are the integrations that Step Functions names itself. How their
// errors are spelled follows from the SDK for Java 1.x that it uses for them.
var optimized = map[string]struct {
	bus string
	integration
	actions map[string][]pattern
}{
	"lambda": {"lambda", integration{"Lambda", "AWSLambdaException", "AWSLambda", lambdaErrors}, map[string][]pattern{
		"invoke": {requestResponse, callback},
	}},
	"dynamodb": {"dynamodb", integration{"DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2", dynamodbErrors}, map[string][]pattern{
		"getItem": {requestResponse}, "putItem": {requestResponse}, "updateItem": {requestResponse}, "deleteItem": {requestResponse},
	}},
	"sqs": {"sqs", integration{"SQS", "AmazonSQSException", "AmazonSQS", sqsErrors}, map[string][]pattern{
		"sendMessage": {requestResponse, callback},
	}},
	"sns": {"sns", integration{"SNS", "AmazonSNSException", "AmazonSNS", snsErrors}, map[string][]pattern{
		"publish": {requestResponse, callback},
	}},
	"states": {"states", integration{"StepFunctions", "AWSStepFunctionsException", "AWSStepFunctions", statesErrors}, map[string][]pattern{
		"startExecution": {requestResponse, runJob, runJobParsed, callback},
	}},
}

// sdkServices are the services whose SDK integrations go to the bus; their
// errors are spelled as in the SDK for Java 2.x.
var sdkServices = map[string]struct {
	bus string
	integration
}{
	"dynamodb":       {"dynamodb", integration{"DynamoDb", "DynamoDbException", "DynamoDb", dynamodbErrors}},
	"sqs":            {"sqs", integration{"Sqs", "SqsException", "Sqs", sqsErrors}},
	"sns":            {"sns", integration{"Sns", "SnsException", "Sns", snsErrors}},
	"lambda":         {"lambda", integration{"Lambda", "LambdaException", "Lambda", lambdaErrors}},
	"sfn":            {"states", integration{"Sfn", "SfnException", "Sfn", statesErrors}},
	"secretsmanager": {"secretsmanager", integration{"SecretsManager", "SecretsManagerException", "SecretsManager", nil}},
	"eventbridge":    {"events", integration{"EventBridge", "EventBridgeException", "EventBridge", nil}},
	"cloudwatch":     {"monitoring", integration{"CloudWatch", "CloudWatchException", "CloudWatch", nil}},
}

var (
	lambdaErrors = set("TooManyRequestsException", "ServiceException", "ResourceNotFoundException", "ResourceNotReadyException",
		"ResourceConflictException", "InvalidParameterValueException", "InvalidRequestContentException", "RequestTooLargeException",
		"UnsupportedMediaTypeException", "InvalidRuntimeException", "EC2ThrottledException", "EC2UnexpectedException", "EC2AccessDeniedException",
		"ENILimitReachedException", "SubnetIPAddressLimitReachedException", "InvalidSecurityGroupIDException", "InvalidSubnetIDException",
		"InvalidZipFileException", "KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException",
		"SnapStartException", "SnapStartNotReadyException", "SnapStartTimeoutException", "RecursiveInvocationException", "SdkClientException",
		"EFSIOException", "EFSMountConnectivityException", "EFSMountFailureException", "EFSMountTimeoutException")
	dynamodbErrors = set("ConditionalCheckFailedException", "ProvisionedThroughputExceededException", "ResourceNotFoundException",
		"ItemCollectionSizeLimitExceededException", "TransactionConflictException", "TransactionCanceledException",
		"TransactionInProgressException", "IdempotentParameterMismatchException", "RequestLimitExceeded", "InternalServerError",
		"DuplicateItemException", "ReplicatedWriteConflictException", "ThrottlingException")
	sqsErrors = set("QueueDoesNotExist", "InvalidMessageContents", "UnsupportedOperation", "RequestThrottled", "InvalidAddress",
		"InvalidSecurity", "BatchRequestTooLong", "EmptyBatchRequest", "TooManyEntriesInBatchRequest", "BatchEntryIdsNotDistinct",
		"InvalidBatchEntryId", "OverLimit", "MessageNotInflight", "ReceiptHandleIsInvalid", "InvalidIdFormat", "QueueNameExists",
		"KmsAccessDenied", "KmsDisabled", "KmsInvalidKeyUsage", "KmsInvalidState", "KmsNotFound", "KmsOptInRequired", "KmsThrottled")
	snsErrors = set("AuthorizationError", "EndpointDisabled", "InternalError", "InvalidParameter", "InvalidParameterValue", "InvalidSecurity",
		"KMSAccessDenied", "KMSDisabled", "KMSInvalidState", "KMSNotFound", "KMSOptInRequired", "KMSThrottling", "NotFound",
		"PlatformApplicationDisabled", "ValidationException")
	statesErrors = set("ExecutionAlreadyExists", "ExecutionDoesNotExist", "ExecutionLimitExceeded", "InvalidArn", "InvalidExecutionInput",
		"InvalidName", "InvalidOutput", "InvalidToken", "StateMachineDeleting", "StateMachineDoesNotExist", "TaskDoesNotExist", "TaskTimedOut",
		"ValidationException", "KmsAccessDeniedException", "KmsInvalidStateException", "KmsThrottlingException")
)

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// errorName is the name that an error code of the service gets.
func (i integration) errorName(code string) string {
	if i.known != nil && !i.known[code] {
		return i.prefix + "." + i.unknown
	}
	if !strings.HasSuffix(code, "Exception") {
		code += "Exception"
	}
	return i.prefix + "." + code
}

// parseResource compiles a Resource.
func parseResource(arn string) (*resource, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return nil, fmt.Errorf("resource %q is not an ARN", arn)
	}
	service, rest := parts[2], parts[5]
	switch {
	case service == "lambda":
		if parts[3] == "" || parts[4] == "" || !strings.HasPrefix(rest, "function:") {
			return nil, fmt.Errorf("resource %q is not the ARN of a function", arn)
		}
		return &resource{
			arn: arn, service: "lambda", action: "Invoke", functionARN: arn,
			integration: optimized["lambda"].integration,
		}, nil
	case service != "states":
		return nil, fmt.Errorf("resource %q is not recognized", arn)
	case strings.HasPrefix(rest, "activity:"):
		return nil, fmt.Errorf("resource %q: activities are not simulated", arn)
	case parts[3] != "" || parts[4] != "":
		return nil, fmt.Errorf("resource %q is not recognized", arn)
	}
	r := &resource{arn: arn}
	if sdk, ok := strings.CutPrefix(rest, "aws-sdk:"); ok {
		return r, r.parseSDK(sdk)
	}
	return r, r.parseOptimized(rest)
}

func (r *resource) cutPattern(s string) string {
	for _, p := range []struct {
		suffix string
		pattern
	}{{".sync:2", runJobParsed}, {".sync", runJob}, {".waitForTaskToken", callback}} {
		if rest, ok := strings.CutSuffix(s, p.suffix); ok {
			r.pattern = p.pattern
			return rest
		}
	}
	return s
}

func (r *resource) parseSDK(rest string) error {
	service, name, ok := strings.Cut(rest, ":")
	if !ok || name == "" {
		return fmt.Errorf("resource %q names no action", r.arn)
	}
	known, ok := sdkServices[service]
	if !ok {
		return fmt.Errorf("resource %q: the SDK integration of %s is not simulated", r.arn, service)
	}
	r.resourceType, r.name = "aws-sdk:"+service, name
	action := r.cutPattern(name)
	if r.pattern == runJob || r.pattern == runJobParsed {
		return fmt.Errorf("resource %q: SDK integrations have no .sync", r.arn)
	}
	if action == "" || action[0] < 'a' || action[0] > 'z' {
		return fmt.Errorf("resource %q: an SDK action is written in camelCase", r.arn)
	}
	r.service, r.sdk, r.integration = known.bus, true, known.integration
	r.action = upperFirst(action)
	return nil
}

func (r *resource) parseOptimized(rest string) error {
	service, name, ok := strings.Cut(rest, ":")
	if !ok {
		return fmt.Errorf("resource %q is not recognized", r.arn)
	}
	known, ok := optimized[service]
	if !ok {
		return fmt.Errorf("resource %q: the integration of %s is not simulated", r.arn, service)
	}
	r.resourceType, r.name = service, name
	action := r.cutPattern(name)
	patterns, ok := known.actions[action]
	if !ok {
		return fmt.Errorf("resource %q is not recognized: the integration of %s has no action %s", r.arn, service, action)
	}
	for _, p := range patterns {
		if p == r.pattern {
			r.service, r.action, r.integration = known.bus, upperFirst(action), known.integration
			return nil
		}
	}
	return fmt.Errorf("resource %q: the integration of %s:%s does not support this pattern", r.arn, service, action)
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
