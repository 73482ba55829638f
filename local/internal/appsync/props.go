package appsync

import (
	"encoding/json"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// The properties of each resource type, by CloudFormation's names.

type tag struct{ Key, Value string }

type graphQLAPIProps struct {
	Name                              string
	AuthenticationType                string
	AdditionalAuthenticationProviders []providerProps
	UserPoolConfig                    *userPoolProps
	LambdaAuthorizerConfig            *lambdaAuthorizerProps
	OpenIDConnectConfig               *openIDProps
	ApiType                           string
	IntrospectionConfig               string
	QueryDepthLimit                   *cfn.Int
	ResolverCountLimit                *cfn.Int
	EnvironmentVariables              map[string]string
	Visibility                        string          `local:"declared"`
	OwnerContact                      string          `local:"declared"`
	LogConfig                         json.RawMessage `local:"declared"`
	EnhancedMetricsConfig             json.RawMessage `local:"declared"`
	XrayEnabled                       cfn.Bool        `local:"declared"`
	Tags                              []tag           `local:"declared"`
}

type providerProps struct {
	AuthenticationType     string
	UserPoolConfig         *userPoolProps
	LambdaAuthorizerConfig *lambdaAuthorizerProps
	OpenIDConnectConfig    *openIDProps
}

type userPoolProps struct {
	UserPoolId       string
	AwsRegion        string
	DefaultAction    string
	AppIdClientRegex string
}

type openIDProps struct {
	Issuer   string
	ClientId string
	AuthTTL  *cfn.Float // milliseconds
	IatTTL   *cfn.Float // milliseconds
}

type lambdaAuthorizerProps struct {
	AuthorizerUri                string
	AuthorizerResultTtlInSeconds *cfn.Int
	IdentityValidationExpression string
}

type schemaProps struct {
	ApiId      string
	Definition string
}

type dataSourceProps struct {
	ApiId          string
	Name           string
	Type           string
	ServiceRoleArn string
	DynamoDBConfig *dynamoDBProps
	LambdaConfig   *struct{ LambdaFunctionArn string }
	Description    string `local:"declared"`
	MetricsConfig  string `local:"declared"`
}

type dynamoDBProps struct {
	TableName            string
	AwsRegion            string   `local:"declared"`
	UseCallerCredentials cfn.Bool // true is an error
	Versioned            cfn.Bool // true is an error
}

type runtimeProps struct {
	Name           string
	RuntimeVersion string
}

type resolverProps struct {
	ApiId          string
	TypeName       string
	FieldName      string
	Kind           string
	DataSourceName string
	PipelineConfig *struct{ Functions []string }
	Runtime        *runtimeProps
	Code           string
	MaxBatchSize   *cfn.Int // more than 0 is an error
	MetricsConfig  string   `local:"declared"`
	RequestMappingTemplate,
	ResponseMappingTemplate string // errors: VTL
}

type functionProps struct {
	ApiId           string
	Name            string
	DataSourceName  string
	Runtime         *runtimeProps
	Code            string
	MaxBatchSize    *cfn.Int
	Description     string `local:"declared"`
	FunctionVersion string `local:"declared"`
	RequestMappingTemplate,
	ResponseMappingTemplate string
}

type apiKeyProps struct {
	ApiId       string
	ApiKeyId    string     `local:"declared"`
	Expires     *cfn.Float // Unix seconds
	Description string     `local:"declared"`
}
