package statusnotifier

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsappsync"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/accept"
	"github.com/orderflow-cdk/orderflow/constructs/internal/aliased"
	"github.com/orderflow-cdk/orderflow/constructs/internal/mapping"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/suppress"
)

//go:embed graphql
var graphql embed.FS

// WebSocket is a GraphQL API of AppSync: subscriptions to the changes of the
// caller's own orders, and a query of one order's status.
type WebSocket struct {
	// Authorizer decides who may subscribe, and names where the caller's tenant
	// id comes from: [GraphQLUserPool], [GraphQLLambda] or [GraphQLIAM]. Required.
	Authorizer GraphQLAuthorizer

	// Introspection lets anybody who is admitted ask for the schema.
	// Default: false.
	Introspection bool

	// NoTracing switches AWS X-Ray off.
	// Default: false.
	NoTracing bool

	// LogRetention is how long the log is kept. It has the errors of resolvers,
	// without headers and contents.
	// Default: RetentionDays_ONE_MONTH.
	LogRetention awslogs.RetentionDays

	// RemovalPolicy is what becomes of the log when it leaves the stack.
	// Default: RemovalPolicy_RETAIN.
	RemovalPolicy awscdk.RemovalPolicy
}

const (
	// maxDepth is that of {order{status}}, and one more.
	maxDepth = 3
	// maxResolvers is how many orders one query may ask for.
	maxResolvers = 20
	// maxStatuses is how many statuses onMyOrders may choose: four groups of
	// what AppSync's operator "in" takes.
	maxStatuses, inValues = 20, 5
)

func (w WebSocket) withDefaults() *WebSocket {
	setDefault(&w.LogRetention, awslogs.RetentionDays_ONE_MONTH)
	setDefault(&w.RemovalPolicy, awscdk.RemovalPolicy_RETAIN)
	return &w
}

func (w WebSocket) validate() error { return w.Authorizer.validate() }

// makeWebSocket makes the GraphQL API, and lets the outbox publish to it.
func (n *StatusNotifier) makeWebSocket() {
	w := n.props.WebSocket
	if w == nil {
		return
	}
	introspection, depth := awsappsync.IntrospectionConfig_DISABLED, jsii.Number(maxDepth)
	if w.Introspection {
		// The usual query for a schema is deeper than any of an order.
		introspection, depth = awsappsync.IntrospectionConfig_ENABLED, nil
	}
	schema, remove := n.schemaFile()
	defer remove()
	n.GraphQL = awsappsync.NewGraphqlApi(n, jsii.String("GraphQL"), &awsappsync.GraphqlApiProps{
		// Not unique for AppSync, but figures of two APIs should be told apart.
		Name:                jsii.String(strings.ReplaceAll(*n.Node().Path(), "/", "-")),
		Definition:          awsappsync.Definition_FromFile(&schema),
		AuthorizationConfig: w.Authorizer.config(),
		IntrospectionConfig: introspection,
		QueryDepthLimit:     depth,
		ResolverCountLimit:  jsii.Number(maxResolvers),
		XrayEnabled:         jsii.Bool(!w.NoTracing),
	})
	n.makeGraphQLLog()
	n.makeResolvers()
	outbox := n.props.Outbox.tellsGraphQL()
	n.GraphQL.GrantMutation(outbox, jsii.String("publishOrderStatus"))
	aliased.Function(outbox).AddEnvironment(jsii.String(config.GraphQLEndpoint), n.GraphQL.GraphqlUrl(), nil)
}

// schemaFile writes the schema where the CDK can read it, which takes it from a
// file only, and returns what removes it.
func (n *StatusNotifier) schemaFile() (string, func()) {
	client := n.props.WebSocket.Authorizer.directive()
	published := iamDirective
	if client != iamDirective {
		published += " " + client
	}
	text, err := graphql.ReadFile("graphql/schema.graphql")
	if err != nil {
		panic(err) // It is embedded.
	}
	dir, err := os.MkdirTemp("", "orderflow-schema-")
	if err != nil {
		panic(fmt.Sprintf("statusnotifier: %s: %v", *n.Node().Path(), err))
	}
	file := filepath.Join(dir, "schema.graphql")
	if err := os.WriteFile(file, []byte(mapping.Fill(file, string(text), "client", client, "event", published)), 0o600); err != nil {
		panic(fmt.Sprintf("statusnotifier: %s: %v", *n.Node().Path(), err))
	}
	return file, func() { _ = os.RemoveAll(dir) } // A leftover harms nobody.
}

// makeGraphQLLog makes the log group, under the name that AppSync writes to,
// and the role with which it may. The CDK's own way to a retention is a custom
// resource with a function, and a managed policy for every group there is.
func (n *StatusNotifier) makeGraphQLLog() {
	w := n.props.WebSocket
	n.GraphQLLog = awslogs.NewLogGroup(n, jsii.String("GraphQLLog"), &awslogs.LogGroupProps{
		LogGroupName:  awscdk.Fn_Join(jsii.String(""), &[]*string{jsii.String("/aws/appsync/apis/"), n.GraphQL.ApiId()}),
		Retention:     w.LogRetention,
		RemovalPolicy: w.RemovalPolicy,
	})
	role := n.appsyncRole("GraphQLLogRole", "Lets AppSync write its log.")
	n.GraphQLLog.GrantWrite(role)
	n.cfnGraphQL().SetLogConfig(&awsappsync.CfnGraphQLApi_LogConfigProperty{
		CloudWatchLogsRoleArn: role.RoleArn(),
		FieldLogLevel:         jsii.String("ERROR"),
		ExcludeVerboseContent: jsii.Bool(true),
	})
	accept.On(n.GraphQL, suppress.Rule{ID: "AwsSolutions-ASC3", Reason: "requests and the errors of resolvers are logged; the verbose content that is left out is callers' tokens and their orders"})
}

func (n *StatusNotifier) cfnGraphQL() awsappsync.CfnGraphQLApi {
	return n.GraphQL.Node().DefaultChild().(awsappsync.CfnGraphQLApi)
}

// GraphQLRealtimeURL is where clients connect with a websocket. It panics
// without WebSocket.
func (n *StatusNotifier) GraphQLRealtimeURL() *string {
	n.needs("GraphQLRealtimeURL", "WebSocket", n.GraphQL != nil)
	return n.cfnGraphQL().AttrRealtimeUrl()
}

func (n *StatusNotifier) appsyncRole(id, description string) awsiam.Role {
	return awsiam.NewRole(n, &id, &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("appsync.amazonaws.com"), nil),
		Description: &description,
	})
}

// makeResolvers makes the data sources and one resolver for each field.
func (n *StatusNotifier) makeResolvers() {
	n.GraphQLReadRole = n.appsyncRole("GraphQLReadRole", "Lets AppSync read orders.")
	awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Grantee:      n.GraphQLReadRole,
		Actions:      jsii.Strings("dynamodb:GetItem"),
		ResourceArns: &[]*string{n.props.Table.TableArn()},
	})
	if key := n.props.Table.EncryptionKey(); key != nil {
		key.GrantDecrypt(n.GraphQLReadRole)
	}
	orders := awsappsync.NewDynamoDbDataSource(n.GraphQL, jsii.String("Orders"), &awsappsync.DynamoDbDataSourceProps{
		Api:   n.GraphQL,
		Table: n.props.Table,
		// The CDK would let it read the whole table, by Scan for one.
		ServiceRole: n.GraphQLReadRole.WithoutPolicyUpdates(nil),
	})
	none := n.GraphQL.AddNoneDataSource(jsii.String("None"), nil)

	for _, r := range []struct {
		source         awsappsync.BaseDataSource
		id, typ, field string
		imports, files []string
	}{
		{source: orders, id: "OrderResolver", typ: "Query", field: "order", imports: []string{"util"}, files: []string{"caller.js", "order.js"}},
		{source: none, id: "PublishResolver", typ: "Mutation", field: "publishOrderStatus", files: []string{"publish.js"}},
		{source: none, id: "OnOrderStatusResolver", typ: "Subscription", field: "onOrderStatus", imports: []string{"extensions", "util"}, files: []string{"caller.js", "onorderstatus.js"}},
		{source: none, id: "OnMyOrdersResolver", typ: "Subscription", field: "onMyOrders", imports: []string{"extensions", "util"}, files: []string{"caller.js", "onmyorders.js"}},
	} {
		r.source.CreateResolver(&r.id, &awsappsync.BaseResolverProps{
			TypeName:  &r.typ,
			FieldName: &r.field,
			Runtime:   awsappsync.FunctionRuntime_JS_1_0_0(),
			Code:      awsappsync.Code_FromInline(jsii.String(n.code(r.imports, r.files))),
		})
	}
}

// code joins files of JavaScript to a resolver's code.
func (n *StatusNotifier) code(imports, files []string) string {
	var starts []string
	for from := 0; from < maxStatuses; from += inValues {
		starts = append(starts, strconv.Itoa(from))
	}
	var b strings.Builder
	if len(imports) > 0 {
		fmt.Fprintf(&b, "import { %s } from '@aws-appsync/utils';\n\n", strings.Join(imports, ", "))
	}
	for i, name := range files {
		text, err := graphql.ReadFile("graphql/" + name)
		if err != nil {
			panic(err) // It is embedded.
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(mapping.Fill(name, string(text),
			"tenant", n.props.WebSocket.Authorizer.tenant,
			"acceptanceMillis", millis(n.props.AcceptanceWindow), "skewMillis", millis(skew),
			"maxStatuses", strconv.Itoa(maxStatuses), "inValues", strconv.Itoa(inValues), "starts", strings.Join(starts, ", "),
			"pk", record.PartitionKey, "sk", record.SortKey, "statusItem", record.StatusItem,
			"status", record.Status, "sequence", record.Sequence, "acceptedAt", record.AcceptedAt, "updatedAt", record.UpdatedAt,
			"reason", record.Reason, "detail", record.Detail, "conflicts", record.Conflicts, "cancelRequested", record.CancelRequested,
		))
	}
	return b.String()
}

// GrantSubscribe lets an identity ask for its orders and subscribe to them; for
// [GraphQLIAM]. It panics without WebSocket.
func (n *StatusNotifier) GrantSubscribe(grantee awsiam.IGrantable) awsiam.Grant {
	n.needs("GrantSubscribe", "WebSocket", n.GraphQL != nil)
	n.GraphQL.GrantQuery(grantee, jsii.String("order"))
	return n.GraphQL.GrantSubscription(grantee, jsii.String("onOrderStatus"), jsii.String("onMyOrders"))
}
