package statusnotifier

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsappsync"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
)

// GraphQLAuthorizer is who may use the GraphQL API, and where the tenant id of
// a caller comes from: it must tell the same as the AsyncApi's authorizer. A caller
// without one is refused.
type GraphQLAuthorizer struct {
	mode   awsappsync.AuthorizationType
	tenant string // the JavaScript expression of the tenant id

	pool    awscognito.IUserPool
	handler awslambda.IFunction
	err     error
}

var (
	claimPattern   = regexp.MustCompile(`^[A-Za-z0-9_:-]+$`)
	contextPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
)

// GraphQLUserPool admits users of a pool by their token. The tenant id is a claim
// of it, "sub" if claim is "": one that users cannot write. A custom attribute
// ("custom:tenant") is in ID tokens only.
func GraphQLUserPool(pool awscognito.IUserPool, claim string) GraphQLAuthorizer {
	if claim == "" {
		claim = "sub"
	}
	a := GraphQLAuthorizer{
		mode: awsappsync.AuthorizationType_USER_POOL, pool: pool,
		tenant: fmt.Sprintf("ctx.identity.claims['%s']", claim),
	}
	var c checks
	c.bad(pool == nil, "web socket's user pool must be given, got nil")
	c.bad(!claimPattern.MatchString(claim), "web socket's tenant claim must be letters, digits, underscores, colons and hyphens, got %q", claim)
	a.err = c.err()
	return a
}

// GraphQLLambda admits whom a function of yours admits: AppSync gives it the
// token, it answers isAuthorized and a resolverContext. The tenant id is the
// value of key in there.
func GraphQLLambda(handler awslambda.IFunction, key string) GraphQLAuthorizer {
	a := GraphQLAuthorizer{
		mode: awsappsync.AuthorizationType_LAMBDA, handler: handler,
		tenant: "ctx.identity.resolverContext." + key,
	}
	var c checks
	c.bad(handler == nil, "web socket's authorizer function must be given, got nil")
	c.bad(!contextPattern.MatchString(key), "web socket's context key must be letters, digits and underscores, got %q", key)
	a.err = c.err()
	return a
}

// GraphQLIAM admits AWS identities with a grant; see
// [StatusNotifier.GrantSubscribe]. AppSync knows the account and the Cognito
// identity of a caller.
func GraphQLIAM(tenant asyncapi.IAMTenant) GraphQLAuthorizer {
	a := GraphQLAuthorizer{mode: awsappsync.AuthorizationType_IAM}
	switch tenant {
	case asyncapi.TenantAccount:
		a.tenant = "ctx.identity.accountId"
	case asyncapi.TenantCognitoIdentity:
		a.tenant = "ctx.identity.cognitoIdentityId"
	default:
		// The unique id that API Gateway calls the caller is nowhere in AppSync's
		// identity by that name, and two channels must not disagree about a tenant.
		a.err = fmt.Errorf("web socket's IAM tenant must be TenantAccount or TenantCognitoIdentity, got %q", tenant)
	}
	return a
}

func (a GraphQLAuthorizer) validate() error {
	if a.mode == "" {
		return errors.New("web socket's authorizer must be given: GraphQLUserPool, GraphQLLambda or GraphQLIAM")
	}
	return a.err
}

// config is the API's: clients' mode as the default, and IAM for the outbox.
func (a GraphQLAuthorizer) config() *awsappsync.AuthorizationConfig {
	mode := &awsappsync.AuthorizationMode{AuthorizationType: a.mode}
	switch a.mode {
	case awsappsync.AuthorizationType_USER_POOL:
		mode.UserPoolConfig = &awsappsync.UserPoolConfig{UserPool: a.pool}
	case awsappsync.AuthorizationType_LAMBDA:
		mode.LambdaAuthorizerConfig = &awsappsync.LambdaAuthorizerConfig{Handler: a.handler}
	}
	config := &awsappsync.AuthorizationConfig{DefaultAuthorization: mode}
	if a.mode != awsappsync.AuthorizationType_IAM {
		config.AdditionalAuthorizationModes = &[]*awsappsync.AuthorizationMode{{AuthorizationType: awsappsync.AuthorizationType_IAM}}
	}
	return config
}

// directive marks what clients may use.
func (a GraphQLAuthorizer) directive() string {
	switch a.mode {
	case awsappsync.AuthorizationType_USER_POOL:
		return "@aws_cognito_user_pools"
	case awsappsync.AuthorizationType_LAMBDA:
		return "@aws_lambda"
	}
	return iamDirective
}

const iamDirective = "@aws_iam"
