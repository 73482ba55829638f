package apigateway

import (
	"encoding/json"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// The properties of each resource type, by CloudFormation's names.

type tag struct{ Key, Value string }

type restAPIProps struct {
	Name                      string
	Description               string          `local:"declared"`
	Policy                    json.RawMessage `local:"declared"`
	EndpointConfiguration     json.RawMessage `local:"declared"`
	DisableExecuteApiEndpoint cfn.Bool        `local:"declared"`
	BinaryMediaTypes          []string
	MinimumCompressionSize    *cfn.Int
	ApiKeySourceType          string
	EndpointAccessMode        string `local:"declared"`
	SecurityPolicy            string `local:"declared"`
	Tags                      []tag  `local:"declared"`
}

type resourceProps struct {
	RestApiId string
	ParentId  string
	PathPart  string
}

type methodProps struct {
	RestApiId           string
	ResourceId          string
	HttpMethod          string
	OperationName       string `local:"declared"`
	AuthorizationType   string
	AuthorizerId        string
	AuthorizationScopes []string
	ApiKeyRequired      cfn.Bool
	RequestValidatorId  string
	RequestParameters   map[string]cfn.Bool
	RequestModels       map[string]string
	MethodResponses     []methodResponseProps
	Integration         *integrationProps
}

type methodResponseProps struct {
	StatusCode         text
	ResponseParameters map[string]cfn.Bool
	ResponseModels     map[string]string `local:"declared"`
}

type integrationProps struct {
	Type                  string
	Uri                   string
	IntegrationHttpMethod string
	Credentials           string
	PassthroughBehavior   string
	ContentHandling       string
	RequestParameters     map[string]string
	RequestTemplates      map[string]string
	IntegrationResponses  []integrationResponseProps
	TimeoutInMillis       *cfn.Int
	CacheKeyParameters    []string `local:"declared"`
	CacheNamespace        string   `local:"declared"`
	ConnectionType        string   `local:"declared"`
	ConnectionId          string
	ResponseTransferMode  string
}

type integrationResponseProps struct {
	StatusCode         text
	SelectionPattern   string
	ContentHandling    string
	ResponseParameters map[string]string
	ResponseTemplates  map[string]string
}

type modelProps struct {
	RestApiId   string
	Name        string
	Description string `local:"declared"`
	ContentType string
	Schema      rawJSON
}

type validatorProps struct {
	RestApiId                 string
	Name                      string
	ValidateRequestBody       cfn.Bool
	ValidateRequestParameters cfn.Bool
}

type authorizerProps struct {
	RestApiId                    string
	Name                         string
	Type                         string
	AuthType                     string `local:"declared"`
	ProviderARNs                 []string
	IdentitySource               string
	IdentityValidationExpression string
	AuthorizerUri                string
	AuthorizerCredentials        string
	AuthorizerResultTtlInSeconds *cfn.Int
}

type gatewayResponseProps struct {
	RestApiId          string
	ResponseType       string
	StatusCode         text
	ResponseParameters map[string]string
	ResponseTemplates  map[string]string
}

type deploymentProps struct {
	RestApiId                string
	Description              string `local:"declared"`
	StageName                string
	StageDescription         json.RawMessage
	DeploymentCanarySettings json.RawMessage
}

type stageProps struct {
	RestApiId            string
	StageName            string
	DeploymentId         string
	Description          string `local:"declared"`
	DocumentationVersion string `local:"declared"`
	ClientCertificateId  string `local:"declared"`
	CacheClusterEnabled  cfn.Bool
	CacheClusterSize     string `local:"declared"`
	CanarySetting        json.RawMessage
	TracingEnabled       cfn.Bool
	Variables            map[string]string
	AccessLogSetting     *accessLogProps
	MethodSettings       []methodSettingProps
	Tags                 []tag `local:"declared"`
}

type accessLogProps struct {
	DestinationArn string `local:"declared"`
	Format         string
}

type methodSettingProps struct {
	ResourcePath         string
	HttpMethod           string
	ThrottlingBurstLimit *cfn.Int
	ThrottlingRateLimit  *cfn.Float
	CachingEnabled       cfn.Bool
	CacheDataEncrypted   cfn.Bool `local:"declared"`
	CacheTtlInSeconds    *cfn.Int `local:"declared"`
	DataTraceEnabled     cfn.Bool `local:"declared"`
	LoggingLevel         string   `local:"declared"`
	MetricsEnabled       cfn.Bool `local:"declared"`
}

type apiKeyProps struct {
	Name               string
	Value              string
	Description        string `local:"declared"`
	CustomerId         string `local:"declared"`
	Enabled            cfn.Bool
	GenerateDistinctId cfn.Bool                                `local:"declared"`
	StageKeys          []struct{ RestApiId, StageName string } `local:"declared"`
	Tags               []tag                                   `local:"declared"`
}

type usagePlanProps struct {
	UsagePlanName string `local:"declared"`
	Description   string `local:"declared"`
	ApiStages     []usagePlanStageProps
	Quota         *quotaProps
	Throttle      *throttleProps
	Tags          []tag `local:"declared"`
}

type usagePlanStageProps struct {
	ApiId    string
	Stage    string
	Throttle map[string]throttleProps
}

type quotaProps struct {
	Limit  cfn.Int
	Offset cfn.Int
	Period string
}

type throttleProps struct {
	BurstLimit *cfn.Int
	RateLimit  *cfn.Float
}

type usagePlanKeyProps struct {
	KeyId       string
	KeyType     string
	UsagePlanId string
}

type accountProps struct {
	CloudWatchRoleArn string `local:"declared"`
}

// text is a string that a template may spell as a number: a status code.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '"' {
		*t = text(b)
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*t = text(s)
	return nil
}

// rawJSON is a JSON document that a template may also spell as a string.
type rawJSON []byte

// UnmarshalJSON implements json.Unmarshaler.
func (r *rawJSON) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		b = []byte(s)
	}
	*r = append(rawJSON(nil), b...)
	return nil
}
