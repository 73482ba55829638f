package statusnotifier

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/mapping"
	"github.com/orderflow-cdk/orderflow/constructs/record"
)

//go:embed *.vtl
var templates embed.FS

const (
	problemJSON = "'application/problem+json'"
	plainJSON   = "'application/json'"
)

// skew is how far in the future an order id's time may be: the hosts of API
// Gateway do not share one clock.
const skew = time.Minute

// statusFields are the attributes that tell a client of an order's status.
var statusFields = []string{
	record.Status, record.Sequence, record.AcceptedAt, record.UpdatedAt, record.Reason, record.Detail,
	record.Conflicts, record.CancelRequested,
}

// makeGetStatus makes GET /{orderId}/status: one GetItem.
func (n *StatusNotifier) makeGetStatus() {
	projection, names := project(statusFields...)
	request := mapping.Join(n.reference(), n.file("getstatus.vtl", "projection", projection, "names", names))
	response := mapping.Join(n.reference(), n.match(), "#set($item = $input.path('$.Item'))",
		n.state(), n.file("serve.vtl"), n.file("redirect.vtl"),
		"#if($shown){", n.file("fields.vtl"), "}#elseif($problem)", mapping.Shared(mapping.Problem), "#end")
	n.GetStatus = n.method(n.Status, "GET", "GetStatus", "GetItem", n.ReadRole, request,
		[]string{"200", "303", "304", "400", "403", "404", "500", "503"},
		n.outcomes("200", response, n.failed()))
}

// makeGetOrder makes GET /{orderId}: one Query for both items.
func (n *StatusNotifier) makeGetOrder() {
	projection, names := project(append([]string{record.SortKey, record.History, record.Results, record.Body}, statusFields...)...)
	names = `{"#pk":"` + record.PartitionKey + `",` + names[1:]
	request := mapping.Join(n.reference(), n.file("getorder.vtl", "projection", projection, "names", names))
	response := mapping.Join(n.reference(), n.match(), n.file("items.vtl"),
		n.state(), n.file("serve.vtl"),
		"#if($shown){", n.file("fields.vtl"), n.file("result.vtl"), "}#elseif($problem)", mapping.Shared(mapping.Problem), "#end")
	n.GetOrder = n.method(n.Order, "GET", "GetOrder", "Query", n.ReadRole, request,
		[]string{"200", "304", "400", "403", "404", "500", "503"},
		n.outcomes("200", response, n.failed()))
}

// makeCancel makes DELETE /{orderId}/status: one conditional UpdateItem.
func (n *StatusNotifier) makeCancel() {
	finalNames := make([]string, len(n.props.Final))
	finalValues := make([]string, len(n.props.Final))
	for i, status := range n.props.Final {
		finalNames[i] = fmt.Sprintf(":final%d", i)
		finalValues[i] = fmt.Sprintf(`":final%d":{"S":%q}`, i, status)
	}
	names := fmt.Sprintf(`{"#status":%q,"#cancel":%q,"#tenant":%q,"#orderId":%q}`,
		record.Status, record.CancelRequested, record.Tenant, record.OrderID)
	request := mapping.Join(n.reference(), n.file("cancel.vtl", "names", names,
		"finalNames", strings.Join(finalNames, ", "), "finalValues", strings.Join(finalValues, ",")))
	response := mapping.Join(n.reference(), "#set($item = $input.path('$.Attributes'))",
		n.state(), "{", n.file("fields.vtl"), "}")
	refused := mapping.Join(n.reference(), n.file("notcancelled.vtl"), n.file("failed.vtl"), "#end",
		mapping.Shared(mapping.Problem))
	n.Cancel = n.method(n.Status, "DELETE", "Cancel", "UpdateItem", n.CancelRole, request,
		[]string{"202", "400", "403", "404", "409", "500", "503"},
		n.outcomes("202", response, refused))
}

// method adds a method that is one call of DynamoDB.
func (n *StatusNotifier) method(resource awsapigateway.Resource, verb, operation, action string, role awsiam.IRole,
	request string, statuses []string, outcomes *[]*awsapigateway.IntegrationResponse) awsapigateway.Method {
	integration := awsapigateway.NewAwsIntegration(&awsapigateway.AwsIntegrationProps{
		Service:               jsii.String("dynamodb"),
		Action:                &action,
		IntegrationHttpMethod: jsii.String("POST"),
		Options: &awsapigateway.IntegrationOptions{
			CredentialsRole:      role,
			PassthroughBehavior:  awsapigateway.PassthroughBehavior_NEVER,
			RequestTemplates:     &map[string]*string{"application/json": &request},
			IntegrationResponses: outcomes,
		},
	})
	return n.props.API.AddMethod(resource, verb, integration, &awsapigateway.MethodOptions{
		OperationName:   &operation,
		MethodResponses: n.props.API.MethodResponses(statuses...),
		RequestParameters: &map[string]*bool{
			"method.request.path.orderId": jsii.Bool(true),
		},
	})
}

// outcomes map every answer of DynamoDB; what is no answer of it is the
// pattern-less default, an error.
func (n *StatusNotifier) outcomes(status, answered, refused string) *[]*awsapigateway.IntegrationResponse {
	unavailable := func(status, title string) string {
		return mapping.Join(n.file("unavailable.vtl", "status", status, "title", title), mapping.Shared(mapping.Problem))
	}
	api := n.props.API
	// An answer may be kept, but has to be checked by its ETag before it is used.
	headers := []string{"Cache-Control", "private, no-cache"}
	if status == "202" {
		headers = []string{"Retry-After", n.retryAfter()}
	}
	return &[]*awsapigateway.IntegrationResponse{
		api.Outcome(status, `2\d{2}`, plainJSON, answered, headers...),
		api.Outcome("400", `4\d{2}`, problemJSON, refused),
		api.Outcome("503", `5\d{2}`, problemJSON, unavailable("503", "Service Unavailable"), "Retry-After", n.retryAfter()),
		api.Outcome("500", "", problemJSON, unavailable("500", "Internal Server Error")),
	}
}

// Fragments of the templates.

func (n *StatusNotifier) reference() string {
	return mapping.Join(n.props.API.CallerTemplate(), mapping.Shared(mapping.Reference,
		"acceptanceMillis", millis(n.props.AcceptanceWindow), "skewMillis", millis(skew)))
}

func (n *StatusNotifier) match() string {
	return mapping.Shared(mapping.Header, "variable", "match", "header", "if-none-match")
}

func (n *StatusNotifier) state() string {
	return n.file("state.vtl", "finals", " "+strings.Join(n.props.Final, " ")+" ")
}

func (n *StatusNotifier) failed() string {
	return mapping.Join(n.file("failed.vtl"), mapping.Shared(mapping.Problem))
}

// file is a template with the placeholders that several have.
func (n *StatusNotifier) file(name string, values ...string) string {
	return mapping.File(templates, name, append(values,
		"table", *n.props.Table.TableName(),
		"pk", record.PartitionKey, "sk", record.SortKey,
		"statusItem", record.StatusItem, "bodyItem", record.BodyItem,
		"retryAfter", n.retryAfter(),
	)...)
}

func (n *StatusNotifier) retryAfter() string {
	return strconv.Itoa(int(n.props.API.RetryAfter().Seconds()))
}

// project is a projection expression of attributes and the JSON of its
// expression attribute names, which spare us DynamoDB's reserved words.
func project(attributes ...string) (expression, names string) {
	placeholders := make([]string, len(attributes))
	byPlaceholder := make(map[string]string, len(attributes))
	for i, name := range attributes {
		placeholders[i] = "#" + name
		byPlaceholder["#"+name] = name
	}
	b, err := json.Marshal(byPlaceholder)
	if err != nil {
		panic(err) // Not with strings.
	}
	return strings.Join(placeholders, ", "), string(b)
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
