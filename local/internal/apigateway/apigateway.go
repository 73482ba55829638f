package apigateway

import (
	"errors"
	"net/http"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// Resource is a CloudFormation resource whose properties hold no intrinsics
// any more. Ref of a RestApi, Resource, Method, Model, Authorizer,
// RequestValidator, ApiKey, UsagePlan or Deployment is its logical id, Ref of
// a Stage is its StageName, and the RootResourceId of a RestApi is
// "<LogicalID>/root".
type Resource = cfn.Resource

// Config is what an API needs from the stack around it.
type Config struct {
	// AccountID is the account of $context.accountId and of every ARN.
	// Default: "123456789012".
	AccountID string
	// Region is the region of every ARN. Default: "us-east-1".
	Region string
	// RestAPI is the logical id of the API to serve. Needed only where the
	// resources hold more than one RestApi.
	RestAPI string
	// Stage is the name of the stage that serves paths without a stage prefix.
	// Default: the only stage, or the first by logical id.
	Stage string
	// DomainName is $context.domainName where a request bears no Host header.
	// Default: "<api id>.execute-api.<region>.amazonaws.com".
	DomainName string
	// VerifyToken checks a JWT for a COGNITO_USER_POOLS authorizer and returns
	// its claims. ErrTokenExpired is answered as such; any other error is
	// UNAUTHORIZED. Needed if the API has such an authorizer.
	VerifyToken func(authorizer *Authorizer, token string) (map[string]any, error)
	// Identify authenticates a request to a method of authorization type
	// AWS_IAM, and decides whether the caller may execute-api:Invoke methodARN.
	// It reports ErrMissingToken, ErrInvalidSignature, ErrExpiredToken or
	// ErrAccessDenied; any other error is ACCESS_DENIED. Needed if the API has
	// such a method.
	Identify func(r *Request, methodARN string) (*Identity, error)
	// AccessLog receives each access log line of a stage that has an
	// AccessLogSetting. Default: lines are dropped.
	AccessLog func(line string)
	// Log receives what API Gateway would write to the execution log: the
	// cause of an error that the client sees only as "Internal server error".
	// Default: dropped.
	Log func(requestID, message string)
}

// Reasons for which Config.Identify and Config.VerifyToken refuse a request.
var (
	ErrMissingToken     = errors.New("missing authentication token")
	ErrInvalidSignature = errors.New("invalid signature")
	ErrExpiredToken     = errors.New("expired token")
	ErrAccessDenied     = errors.New("access denied")
	// ErrTokenExpired: the JWT was valid once.
	ErrTokenExpired = errors.New("the incoming token has expired")
)

// Identity is the caller of a method of authorization type AWS_IAM; each
// field is the $context.identity variable of that name.
type Identity struct {
	AccountID      string
	AccessKey      string
	Caller         string
	User           string
	UserARN        string
	PrincipalOrgID string

	CognitoAuthenticationProvider string
	CognitoAuthenticationType     string
	CognitoIdentityID             string
	CognitoIdentityPoolID         string
}

// Authorizer is an AWS::ApiGateway::Authorizer, as Config.VerifyToken sees it.
type Authorizer struct {
	// LogicalID is the resource's logical id in the template.
	LogicalID string
	// Name is the authorizer's Name property.
	Name string
	// ProviderARNs are the ARNs of the Cognito user pools.
	ProviderARNs []string
	// Scopes are the method's AuthorizationScopes. With scopes, AWS expects an
	// access token and requires one of them; without, an id token.
	Scopes []string
}

// Request is an HTTP request to the API.
type Request struct {
	Method string
	// Path is the path as sent, still percent-encoded, with or without the
	// stage prefix.
	Path string
	// RawQuery is the query string without the question mark.
	RawQuery string
	Header   http.Header
	Body     []byte
	// SourceIP is $context.identity.sourceIp. Default: "127.0.0.1".
	SourceIP string
	// Host is the request's Host header. Default: Config.DomainName.
	Host string
}

// Response is what the client gets.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// API is a deployed REST API.
type API struct {
	k        *sim.Kernel
	bus      api.Service
	cfg      Config
	id       string
	name     string
	domain   string
	prefix   string
	root     *node
	stages   map[string]*stage
	stage    *stage
	declared []string

	apiKeySource      string
	binaryTypes       []string
	compressFrom      int
	gatewayResponses  map[string]*gatewayResponse
	keys              map[string]*apiKey
	authorizerResults map[string]cachedPolicy
	account           bucket
	paths             pathCache
}

// Declared lists, as "LogicalID: property", the properties that are accepted
// but have no effect on a local run.
func (a *API) Declared() []string { return a.declared }

// ID is the API's id: the logical id of its RestApi.
func (a *API) ID() string { return a.id }

// StageName is the name of the stage that serves paths without a prefix.
func (a *API) StageName() string { return a.stage.name }

// defaultTimeout is API Gateway's default integration timeout.
const defaultTimeout = 29 * time.Second

// maxBody is API Gateway's payload quota of a REST API: 10 MB.
const maxBody = 10 << 20
