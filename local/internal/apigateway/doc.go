// Package apigateway simulates the REST APIs (version 1) of Amazon API
// Gateway, built from their CloudFormation resources.
//
// A request goes through these stages; whichever refuses it answers through
// its GatewayResponse, that of DEFAULT_4XX or DEFAULT_5XX, or AWS's default:
//
//	route        MISSING_AUTHENTICATION_TOKEN for an unknown path or method,
//	             INVALID_SIGNATURE if there is an Authorization header
//	size         REQUEST_TOO_LARGE beyond 10 MB, which has AWS's default answer always
//	authorizer   UNAUTHORIZED, ACCESS_DENIED, EXPIRED_TOKEN, INVALID_SIGNATURE,
//	             AUTHORIZER_FAILURE, AUTHORIZER_CONFIGURATION_ERROR
//	API key      INVALID_API_KEY
//	throttles    THROTTLED: usage plan per method and per key, stage, account
//	quota        QUOTA_EXCEEDED
//	validator    BAD_REQUEST_PARAMETERS, BAD_REQUEST_BODY
//	template     UNSUPPORTED_MEDIA_TYPE; DEFAULT_4XX for a body that is not JSON
//	             where the template reads it as JSON
//	integration  INTEGRATION_FAILURE, INTEGRATION_TIMEOUT, DEFAULT_5XX
//	response     API_CONFIGURATION_ERROR if no integration response fits
//
// # Fidelity
//
//	RestApi           modelled: Name, BinaryMediaTypes (request and Lambda proxy bodies), MinimumCompressionSize
//	                  (gzip of responses), ApiKeySourceType
//	                  declared: Policy, EndpointConfiguration, DisableExecuteApiEndpoint, EndpointAccessMode, SecurityPolicy
//	                  refused: Body, BodyS3Location, CloneFrom and whatever else
//	Resource          modelled: static parts before {name}, that before {proxy+}; a resource without the method yields
//	                  to the next that has it
//	Method            modelled: all but OperationName (declared) and ResponseModels (declared)
//	  AWS             modelled: dynamodb, states, secretsmanager, events, kinesis, firehose by action in their JSON
//	                  protocol; sqs by path or action as a form, or by path in its JSON protocol; sns by action as JSON
//	                  or as a form without lists; lambda
//	                  refused: other services, other paths, ContentHandling CONVERT_TO_BINARY, VPC links, streaming
//	  AWS_PROXY       modelled: Lambda. Header names arrive in Go's canonical spelling
//	  MOCK            modelled
//	  HTTP, HTTP_PROXY  refused
//	Model             modelled: JSON Schema draft 4 with formats and $ref to other models by URL, messages in AWS's
//	                  wording, sorted
//	                  refused: patterns that RE2 cannot express
//	RequestValidator  modelled
//	Authorizer        modelled: TOKEN, REQUEST with cached results, COGNITO_USER_POOLS. Policy conditions in an answer
//	                  are refused (AUTHORIZER_CONFIGURATION_ERROR, told to Config.Log)
//	GatewayResponse   modelled: status, header mappings, templates of substitution only
//	Deployment        modelled; refused: StageDescription, DeploymentCanarySettings. The API is always that of the
//	                  template, not the snapshot that a deployment takes
//	Stage             modelled: Variables, AccessLogSetting.Format, MethodSettings' throttles, TracingEnabled (as the
//	                  Sampled flag and $context.xrayTraceId)
//	                  declared: logging level, data trace, metrics, documentation, client certificate
//	                  refused: caching, canaries
//	ApiKey, UsagePlan, UsagePlanKey  modelled: throttles and quotas per key, in simulated time
//	Account           declared
//	WAF, client certificates, custom domains, private APIs  not simulated: other resource types are errors
//
// # Where templates differ from AWS
//
// Package vtl renders as Velocity 1.7 does by itself. API Gateway differs in
// two points that recordings of it show: a reference without value prints
// nothing (here: its source text, unless it is quiet, $!x; Config.Log is told),
// and a list out of $input.path prints as JSON (here: as Java prints a list).
// Write $!x, and $input.json for lists, and both agree.
//
// # Where AWS's behaviour is not documented
//
//   - The size of a body is checked before authorization.
//   - Several validation errors are listed in the order of their texts.
//   - Variables without a value are empty in gateway responses, and "-" in
//     access logs; access logs escape nothing.
//   - $input.params(name) and header mappings ignore the case of header names.
//   - Path parameters are not percent-decoded, query parameters are.
//   - A path that begins with a stage's name belongs to that stage, unless the
//     API has a resource of that name at its root and the stage is the default.
//   - The account's default quota (10,000 requests a second, bursts of 5,000)
//     applies, as a simulated burst that exceeds it would be throttled on AWS.
//
// What the client sees only as "Internal server error" is told to Config.Log
// with its cause.
package apigateway
