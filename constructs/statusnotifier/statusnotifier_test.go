package statusnotifier_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
)

func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

func TestFirst(t *testing.T) {
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Stack"), nil)
	pool := awscognito.NewUserPool(stack, jsii.String("Pool"), nil)
	table := awsdynamodb.NewTableV2(stack, jsii.String("Table"), &awsdynamodb.TablePropsV2{
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("pk"), Type: awsdynamodb.AttributeType_STRING},
		SortKey:      &awsdynamodb.Attribute{Name: jsii.String("sk"), Type: awsdynamodb.AttributeType_STRING},
	})
	api := asyncapi.New(stack, "Orders", asyncapi.Props{Authorizer: asyncapi.CognitoUserPool(pool, "custom:tenant"), WebACL: &asyncapi.WebACL{}})
	statusnotifier.New(stack, "Status", statusnotifier.Props{API: api, Table: table})
	b, _ := json.MarshalIndent(assertions.Template_FromStack(stack, nil).ToJSON(), "", " ")
	os.WriteFile("/tmp/first.json", b, 0o600)
}
