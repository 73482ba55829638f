package asyncapi

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// Authorizer is who may call an AsyncApi, and where the tenant id of a caller
// comes from. A caller without one is refused (403). A tenant id may have at
// most 96 bytes, and 47 with a FIFO queue, since SQS limits what is made of it.
type Authorizer struct {
	kind   authorizerKind
	tenant string // the VTL expression of the tenant id
	// logged is the same for an access log, which knows variables only.
	logged string

	pool    awscognito.IUserPool
	scopes  []string
	handler awslambda.IFunction
	plan    Plan
	err     error
}

type authorizerKind int

const (
	undecided authorizerKind = iota
	byIAM
	byUserPool
	byLambda
	byAPIKey
	byNothing
)

// IAMTenant is a property of an AWS identity that serves as the tenant id.
type IAMTenant string

// Properties of an AWS identity.
const (
	// TenantAccount is the caller's AWS account: one tenant per account.
	TenantAccount IAMTenant = "$context.identity.accountId"
	// TenantPrincipal is the unique id of the calling user, or of the role
	// with the session's name, which whoever assumes the role chooses.
	TenantPrincipal IAMTenant = "$context.identity.caller"
	// TenantCognitoIdentity is the id from a Cognito identity pool.
	TenantCognitoIdentity IAMTenant = "$context.identity.cognitoIdentityId"
)

// IAM admits AWS identities that may execute-api:Invoke the method; see
// [AsyncApi.GrantInvoke].
func IAM(tenant IAMTenant) Authorizer {
	a := Authorizer{kind: byIAM, tenant: string(tenant), logged: string(tenant)}
	switch tenant {
	case TenantAccount, TenantPrincipal, TenantCognitoIdentity:
	default:
		a.err = fmt.Errorf("IAM tenant must be TenantAccount, TenantPrincipal or TenantCognitoIdentity, got %q", tenant)
	}
	return a
}

var (
	claimPattern   = regexp.MustCompile(`^[A-Za-z0-9_:-]+$`)
	contextPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	scopePattern   = regexp.MustCompile(`^[!#-\[\]-~]+$`)
	tenantPattern  = regexp.MustCompile(`^[A-Za-z0-9._@:-]{1,47}$`)
)

// CognitoUserPool admits users of a pool by the token in the Authorization
// header. The tenant id is a claim of the token, "sub" if claim is "". Let it
// be a claim that users cannot write: "sub", or a custom attribute
// ("custom:tenant") for which no app client has write access.
//
// Without scopes the token must be an ID token. With scopes it must be an
// access token that has one of them, and the claim must be in there.
func CognitoUserPool(pool awscognito.IUserPool, claim string, scopes ...string) Authorizer {
	if claim == "" {
		claim = "sub"
	}
	a := Authorizer{
		kind:   byUserPool,
		pool:   pool,
		scopes: scopes,
		tenant: "$context.authorizer.claims." + claim,
	}
	if strings.ContainsAny(claim, ":-") {
		a.tenant = "$context.authorizer.claims['" + claim + "']"
	}
	a.logged = a.tenant
	var errs []error
	if pool == nil {
		errs = append(errs, errors.New("user pool must be given, got nil"))
	}
	if !claimPattern.MatchString(claim) {
		errs = append(errs, fmt.Errorf("tenant claim must be letters, digits, underscores, colons and hyphens, got %q", claim))
	}
	for _, scope := range scopes {
		if !scopePattern.MatchString(scope) {
			errs = append(errs, fmt.Errorf("scope must be an OAuth 2.0 scope, got %q", scope))
		}
	}
	a.err = errors.Join(errs...)
	return a
}

// LambdaAuthorizer admits whom a token authorizer of yours admits: a function
// that gets the Authorization header and returns a policy. The tenant id is
// the value of key in the context that it returns, or the principalId if key
// is "". API Gateway remembers the answer for five minutes, for all methods:
// the policy has to cover them all.
func LambdaAuthorizer(handler awslambda.IFunction, key string) Authorizer {
	if key == "" {
		key = "principalId"
	}
	expression := "$context.authorizer." + key
	a := Authorizer{kind: byLambda, handler: handler, tenant: expression, logged: expression}
	var errs []error
	if handler == nil {
		errs = append(errs, errors.New("authorizer function must be given, got nil"))
	}
	if !contextPattern.MatchString(key) {
		errs = append(errs, fmt.Errorf("context key must be letters, digits and underscores, got %q", key))
	}
	a.err = errors.Join(errs...)
	return a
}

// Plan limits what each API key may do.
type Plan struct {
	// Throttle limits each key.
	// Default: the zero value, only the API's own throttle.
	Throttle Throttle
	// PerDay is the most requests a day, polls included.
	// Default: 0, no quota.
	PerDay int
}

// APIKey admits callers with an API key of the plan ([AsyncApi.AddKey]); the
// tenant id is the key's id. AWS means keys for metering rather than as the
// only protection: they are long-lived and cannot be scoped.
func APIKey(plan Plan) Authorizer {
	a := Authorizer{kind: byAPIKey, plan: plan, tenant: "$context.identity.apiKeyId", logged: "$context.identity.apiKeyId"}
	if plan.PerDay < 0 || plan.Throttle.Rate < 0 || plan.Throttle.Burst < 0 {
		a.err = fmt.Errorf("plan's limits must not be negative, got %+v", plan)
	}
	if (plan.Throttle.Rate == 0) != (plan.Throttle.Burst == 0) {
		a.err = fmt.Errorf("plan's throttle needs both a rate and a burst, got %+v", plan.Throttle)
	}
	return a
}

// Unauthenticated admits everybody as one and the same tenant. It is for
// development only, and synthesis warns of it.
func Unauthenticated(tenant string) Authorizer {
	a := Authorizer{kind: byNothing, tenant: `"` + tenant + `"`, logged: tenant}
	if !tenantPattern.MatchString(tenant) {
		a.err = fmt.Errorf("tenant must be 1–47 letters, digits, dots, at signs, colons, underscores and hyphens, got %q", tenant)
	}
	return a
}

func (a Authorizer) validate() error {
	if a.kind == undecided {
		return errors.New("authorizer must be given: IAM, CognitoUserPool, LambdaAuthorizer, APIKey or Unauthenticated")
	}
	return a.err
}

// instead is what authorizes a caller, if it is not a user pool; "" if nothing does.
func (a Authorizer) instead() string {
	switch a.kind {
	case byIAM:
		return "AWS IAM"
	case byLambda:
		return "a Lambda authorizer"
	default:
		return ""
	}
}

// unknownRoute is the status of MISSING_AUTHENTICATION_TOKEN, which API
// Gateway answers both to an unsigned request, where IAM is asked for, and to
// a route that does not exist, whatever the authorizer. Where IAM may be meant
// it stays 403; elsewhere it can only be the route.
func (a Authorizer) unknownRoute() string {
	if a.kind == byIAM {
		return "403"
	}
	return "404"
}

// methodOptions makes the authorizer's resources, and what every method needs.
func (a Authorizer) methodOptions(api *AsyncApi) *awsapigateway.MethodOptions {
	options := &awsapigateway.MethodOptions{AuthorizationType: awsapigateway.AuthorizationType_NONE}
	switch a.kind {
	case byIAM:
		options.AuthorizationType = awsapigateway.AuthorizationType_IAM
	case byUserPool:
		options.AuthorizationType = awsapigateway.AuthorizationType_COGNITO
		options.Authorizer = awsapigateway.NewCognitoUserPoolsAuthorizer(api, jsii.String("Authorizer"),
			&awsapigateway.CognitoUserPoolsAuthorizerProps{CognitoUserPools: &[]awscognito.IUserPool{a.pool}})
		if len(a.scopes) > 0 {
			options.AuthorizationScopes = jsii.Strings(a.scopes...)
		}
	case byLambda:
		options.AuthorizationType = awsapigateway.AuthorizationType_CUSTOM
		options.Authorizer = awsapigateway.NewTokenAuthorizer(api, jsii.String("Authorizer"),
			&awsapigateway.TokenAuthorizerProps{Handler: a.handler})
	case byAPIKey:
		options.ApiKeyRequired = jsii.Bool(true)
	case byNothing:
		awscdk.Annotations_Of(api).AddWarningV2(jsii.String("orderflow:unauthenticated"),
			jsii.String("anyone on the internet may call this API; choose an authorizer before real orders arrive"))
	}
	return options
}
