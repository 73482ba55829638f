package statusnotifier_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
)

func TestGraphQLAPI(t *testing.T) {
	template := synthChannels(t, nil, nil)
	api := template.One(t, "AWS::AppSync::GraphQLApi", "StatusGraphQL")
	for property, want := range map[string]any{
		"AuthenticationType": "AMAZON_COGNITO_USER_POOLS", "IntrospectionConfig": "DISABLED", "QueryDepthLimit": 3.0, "ResolverCountLimit": 20.0,
		"XrayEnabled": true, "Name": "Stack-Status", "AdditionalAuthenticationProviders": []any{map[string]any{"AuthenticationType": "AWS_IAM"}},
	} {
		equal(t, property, api.Get(property), want)
	}
	equal(t, "pool", api.Text("UserPoolConfig", "UserPoolId"), "{"+template.One(t, "AWS::Cognito::UserPool", "").ID+"}")
	equal(t, "log", []string{api.Text("LogConfig", "FieldLogLevel"), api.Text("LogConfig", "ExcludeVerboseContent")}, []string{"ERROR", "true"})
	group := template.One(t, "AWS::Logs::LogGroup", "StatusGraphQLLog")
	equal(t, "group", []string{group.Text("LogGroupName"), group.Text("RetentionInDays"), group.DeletionPolicy},
		[]string{"/aws/appsync/apis/{" + api.ID + ".ApiId}", "30", "Retain"})
	// A custom resource would be one more function.
	equal(t, "functions", len(template.All("AWS::Lambda::Function", "")), 3)

	opened := synthChannels(t, func(c *channels) { c.props.WebSocket.Introspection, c.props.WebSocket.NoTracing = true, true }, nil)
	api = opened.One(t, "AWS::AppSync::GraphQLApi", "StatusGraphQL")
	equal(t, "opened", []any{api.Get("IntrospectionConfig"), api.Get("XrayEnabled")}, []any{"ENABLED", false})
}

func TestGraphQLRolesAreNarrow(t *testing.T) {
	template := synthChannels(t, func(c *channels) {
		c.props.Table = awsdynamodb.NewTable(c.stack, jsii.String("Keyed"), &awsdynamodb.TableProps{
			PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("pk"), Type: awsdynamodb.AttributeType_STRING},
			Stream:       awsdynamodb.StreamViewType_NEW_AND_OLD_IMAGES, EncryptionKey: awskms.NewKey(c.stack, jsii.String("Key"), nil),
		})
	}, nil)
	group := "{" + template.One(t, "AWS::Logs::LogGroup", "StatusGraphQLLog").ID + ".Arn}"
	equal(t, "log", allowed(t, template, "StatusGraphQLLogRole"), map[string][]string{"logs:CreateLogStream": {group}, "logs:PutLogEvents": {group}})
	equal(t, "read", allowed(t, template, "StatusGraphQLReadRole"), map[string][]string{
		"dynamodb:GetItem": {"{" + template.One(t, "AWS::DynamoDB::Table", "Keyed").ID + ".Arn}"},
		"kms:Decrypt":      {"{" + template.One(t, "AWS::KMS::Key", "Key").ID + ".Arn}"},
	})
	for _, role := range []string{"StatusGraphQLLogRole", "StatusGraphQLReadRole"} {
		equal(t, role+" managed policies", template.One(t, "AWS::IAM::Role", role).Get("ManagedPolicyArns"), nil)
		contains(t, role, template.One(t, "AWS::IAM::Role", role).Text("AssumeRolePolicyDocument"), "appsync.amazonaws.com")
	}
}

var graphQLAuthorizers = []struct {
	name      string
	of        func(*channels) statusnotifier.GraphQLAuthorizer
	mode      string
	directive string
	tenant    string
}{
	{"user pool", func(c *channels) statusnotifier.GraphQLAuthorizer { return statusnotifier.GraphQLUserPool(c.pool, "") },
		"AMAZON_COGNITO_USER_POOLS", "aws_cognito_user_pools", "ctx.identity.claims['sub']"},
	{"Lambda", func(c *channels) statusnotifier.GraphQLAuthorizer {
		return statusnotifier.GraphQLLambda(newFunction(c.stack, "Authorize"), "tenant")
	}, "AWS_LAMBDA", "aws_lambda", "ctx.identity.resolverContext.tenant"},
	{"IAM account", func(*channels) statusnotifier.GraphQLAuthorizer {
		return statusnotifier.GraphQLIAM(asyncapi.TenantAccount)
	}, "AWS_IAM", "aws_iam", "ctx.identity.accountId"},
	{"IAM identity pool", func(*channels) statusnotifier.GraphQLAuthorizer {
		return statusnotifier.GraphQLIAM(asyncapi.TenantCognitoIdentity)
	}, "AWS_IAM", "aws_iam", "ctx.identity.cognitoIdentityId"},
}

// directives are the names of the authorization directives of a definition.
func directives(list ast.DirectiveList) string {
	var found []string
	for _, d := range list {
		if d.Name != "aws_subscribe" {
			found = append(found, d.Name)
		}
	}
	return strings.Join(found, " ")
}

func TestWhoMayUseWhichField(t *testing.T) {
	for _, a := range graphQLAuthorizers {
		t.Run(a.name, func(t *testing.T) {
			template := synthChannels(t, func(c *channels) { c.props.WebSocket.Authorizer = a.of(c) }, nil)
			api := template.One(t, "AWS::AppSync::GraphQLApi", "StatusGraphQL")
			equal(t, "mode", api.Get("AuthenticationType"), any(a.mode))
			equal(t, "IAM besides", api.Get("AdditionalAuthenticationProviders") != nil, a.mode != "AWS_IAM")
			document, err := parser.ParseSchema(&ast.Source{Input: template.One(t, "AWS::AppSync::GraphQLSchema", "Status").Text("Definition")})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, d := range document.Definitions {
				switch d.Name {
				case "OrderStatus", "OrderStatusEvent":
					got[d.Name] = directives(d.Directives)
				case "Query", "Mutation", "Subscription":
					for _, f := range d.Fields {
						got[f.Name] = directives(f.Directives)
					}
				}
			}
			published := "aws_iam " + a.directive
			if a.directive == "aws_iam" {
				published = "aws_iam"
			}
			equal(t, "directives", got, map[string]string{"OrderStatus": a.directive, "OrderStatusEvent": published, "order": a.directive,
				"publishOrderStatus": "aws_iam", "onOrderStatus": a.directive, "onMyOrders": a.directive})
			for field, code := range resolvers(t, template) {
				if field != "publishOrderStatus" {
					contains(t, field, code, "const tenant = "+a.tenant+";")
				}
			}
		})
	}
}

func TestSubscribersByIAM(t *testing.T) {
	template := synthChannels(t, func(c *channels) { c.props.WebSocket.Authorizer = statusnotifier.GraphQLIAM(asyncapi.TenantAccount) },
		func(c *channels, n *statusnotifier.StatusNotifier) {
			n.GrantSubscribe(awsiam.NewRole(c.stack, jsii.String("Subscriber"), &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()}))
		})
	var fields []string
	for _, arn := range allowed(t, template, "Subscriber")["appsync:GraphQL"] {
		fields = append(fields, arn[strings.Index(arn, "/types/"):])
	}
	equal(t, "fields", fields, []string{"/types/Query/fields/order", "/types/Subscription/fields/onOrderStatus", "/types/Subscription/fields/onMyOrders"})
}

func TestAcceptanceWindowOfTheQuery(t *testing.T) {
	template := synthChannels(t, nil, nil)
	contains(t, "order", resolvers(t, template)["order"], "sent >= `${now - 1555200000}`") // 18 days, as with GET
}
