package statusnotifier_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/internal/cdktest"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
)

// newFunction is a function with a timeout of 30 s.
func newFunction(stack awscdk.Stack, id string) awslambda.Function {
	return newFunctionOf(stack, id, 30)
}

func newFunctionOf(stack awscdk.Stack, id string, timeout int) awslambda.Function {
	return awslambda.NewFunction(stack, &id, &awslambda.FunctionProps{
		Runtime: awslambda.Runtime_NODEJS_22_X(),
		Handler: jsii.String("index.handler"),
		Code:    awslambda.Code_FromInline(jsii.String("-")),
		Timeout: awscdk.Duration_Seconds(jsii.Number(timeout)),
	})
}

func newStreamTable(stack awscdk.Stack, view awsdynamodb.StreamViewType) awsdynamodb.ITable {
	return awsdynamodb.NewTable(stack, jsii.String("Table"), &awsdynamodb.TableProps{
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String(record.PartitionKey), Type: awsdynamodb.AttributeType_STRING},
		SortKey:      &awsdynamodb.Attribute{Name: jsii.String(record.SortKey), Type: awsdynamodb.AttributeType_STRING},
		Stream:       view,
	})
}

// channels is a stack with a StatusNotifier that has every channel.
type channels struct {
	stack                   awscdk.Stack
	api                     *asyncapi.AsyncApi
	notify, deliver, manage awslambda.Function
	pool                    awscognito.UserPool
	props                   statusnotifier.Props
}

func newChannels() *channels {
	stack := cdktest.Stack()
	c := &channels{
		stack: stack, pool: awscognito.NewUserPool(stack, jsii.String("Pool"), nil),
		notify: newFunction(stack, "Notify"), deliver: newFunction(stack, "Deliver"), manage: newFunctionOf(stack, "Manage", 10),
	}
	c.api = asyncapi.New(stack, "Orders", asyncapi.Props{Authorizer: asyncapi.CognitoUserPool(c.pool, "custom:tenant")})
	c.props = statusnotifier.Props{
		API: c.api, Table: newStreamTable(stack, awsdynamodb.StreamViewType_NEW_AND_OLD_IMAGES),
		Outbox:         &statusnotifier.Outbox{Function: c.notify},
		Topic:          &statusnotifier.Topic{},
		SignedWebhooks: &statusnotifier.SignedWebhooks{Deliver: c.deliver, Manage: c.manage},
		WebSocket:      &statusnotifier.WebSocket{Authorizer: statusnotifier.GraphQLUserPool(c.pool, "custom:tenant")},
	}
	return c
}

func (c *channels) add() *statusnotifier.StatusNotifier {
	return statusnotifier.New(c.stack, "Status", c.props)
}

// synthChannels is the template of a stack with all channels, changed.
func synthChannels(t *testing.T, change func(*channels), then func(*channels, *statusnotifier.StatusNotifier)) cdktest.Template {
	t.Helper()
	c := newChannels()
	if change != nil {
		change(c)
	}
	n := c.add()
	if then != nil {
		then(c, n)
	}
	return cdktest.Synth(t, c.stack)
}

// allowed is what the policies of a role allow, by action.
func allowed(t *testing.T, template cdktest.Template, role string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	id := template.One(t, "AWS::IAM::Role", role).ID
	for _, p := range template.All("AWS::IAM::Policy", "") {
		if p.Text("Roles", 0) != "{"+id+"}" {
			continue
		}
		for _, s := range p.Get("PolicyDocument", "Statement").([]any) {
			for _, action := range list(cdktest.Get(s, "Action")) {
				for _, on := range list(cdktest.Get(s, "Resource")) {
					found[action.(string)] = append(found[action.(string)], cdktest.Text(on))
				}
			}
		}
	}
	return found
}

func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

// panics is what f panics with.
func panics(f func()) (message any) {
	defer func() { message = recover() }()
	f()
	return nil
}
