package cost

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/dynamo"
	"github.com/orderflow-cdk/orderflow/internal/handler"
	"github.com/orderflow-cdk/orderflow/internal/order"
	"github.com/orderflow-cdk/orderflow/local"
)

// synchronousHandler is the Handler of the function that does everything while its client waits.
const synchronousHandler = "synchronous"

// Synchronous is a template of the reference app in which one function behind POST /orders does what the queue, intake, the workflow
// and its steps do, and answers with the end of the order. Nobody else is told of the order, and nothing is tried again: a function that
// ends half-way leaves stock reserved, or a card charged, for nobody.
func Synchronous(template []byte) ([]byte, error) {
	variables := map[string]any{}
	collect := func(r *resource) error {
		if handlers := []any{handler.Intake, handler.Reserve, handler.Charge, handler.Refund, handler.Release, handler.Ship}; r.Type == "AWS::Lambda::Function" &&
			slices.Contains(handlers, r.Properties["Handler"]) {
			if environment, ok := r.Properties["Environment"].(map[string]any); ok {
				all, _ := environment["Variables"].(map[string]any)
				maps.Copy(variables, all)
			}
		}
		return nil
	}
	if _, err := edit(template, collect); err != nil {
		return nil, err
	}
	function := ""
	out, err := edit(template, func(r *resource) error {
		switch {
		case r.Type == "AWS::Lambda::Function" && r.Properties["Handler"] == handler.Intake:
			function = r.ID
			r.Properties["Handler"], r.Properties["Timeout"] = synchronousHandler, 29
			r.Properties["Environment"] = map[string]any{"Variables": variables}
		case r.Type == "AWS::Lambda::EventSourceMapping":
			r.Properties["Enabled"] = false
		}
		return nil
	})
	if err != nil || function == "" {
		return nil, errors.Join(err, errors.New("the template is not one of the reference app"))
	}
	return edit(out, func(r *resource) error {
		if r.Type == "AWS::ApiGateway::Method" && r.Properties["OperationName"] == "Submit" {
			r.Properties["Integration"] = map[string]any{
				"Type": "AWS_PROXY", "IntegrationHttpMethod": http.MethodPost,
				"Uri": map[string]any{"Fn::Join": []any{"", []any{
					"arn:aws:apigateway:", map[string]any{"Ref": "AWS::Region"}, ":lambda:path/2015-03-31/functions/",
					map[string]any{"Fn::GetAtt": []any{function, "Arn"}}, "/invocations",
				}}},
			}
		}
		return nil
	})
}

// synchronous does an order at once, by the code of the app's own functions.
type synchronous struct {
	r      local.Runtime
	orders *dynamo.Orders
	table  *dynamodb.Client
	steps  map[string]lambda.Handler
}

func newSynchronous(r local.Runtime) (local.Handler, error) {
	s := &synchronous{r: r, table: dynamodb.NewFromConfig(r.AWS), steps: map[string]lambda.Handler{}}
	s.orders = &dynamo.Orders{Client: s.table, Table: r.Getenv(config.OrdersTableName), Retention: 400 * 24 * time.Hour}
	for _, f := range handler.Functions() {
		if !slices.Contains([]string{handler.Reserve, handler.Charge, handler.Ship, handler.Release, handler.Refund}, f.Name) {
			continue
		}
		h, err := f.New(handler.Env{
			Getenv: r.Getenv, AWS: r.AWS, Now: r.Now, Log: r.Log, HTTP: r.HTTP, Public: r.HTTP, Parallel: r.Parallel, WithTimeout: r.WithTimeout,
		})
		if err != nil {
			return nil, err
		}
		s.steps[f.Name] = h
	}
	return s, nil
}

// Invoke implements local.Handler.
func (s *synchronous) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in events.APIGatewayProxyRequest
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	claims, _ := in.RequestContext.Authorizer["claims"].(map[string]any)
	tenant, _ := claims[record.TenantClaim].(string)
	tag := base64.RawURLEncoding.EncodeToString([]byte(tenant))
	id := in.RequestContext.RequestID + "-" + tag
	status, err := s.do(ctx, tag+"#"+id, tenant, id, []byte(in.Body))
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{"orderId": id, "status": status})
	if err != nil {
		return nil, err
	}
	return json.Marshal(events.APIGatewayProxyResponse{StatusCode: http.StatusOK, Headers: map[string]string{"Content-Type": "application/json"}, Body: string(body)})
}

func (s *synchronous) do(ctx context.Context, key, tenant, id string, body []byte) (order.Status, error) {
	o, err := order.Parse(body)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if _, _, err := s.orders.PutBody(ctx, key, dynamo.Body{Text: body, Hash: hash}, s.r.Now()); err != nil {
		return "", err
	}
	if _, _, err := s.orders.Record(ctx, dynamo.Entry{
		Key: key, Tenant: tenant, OrderID: id, Status: order.Accepted, PayloadHash: hash, AcceptedAt: s.r.Now(), Now: s.r.Now(),
	}); err != nil {
		return "", err
	}
	results := map[string]json.RawMessage{}
	document := func(step string) []byte {
		b, err := json.Marshal(map[string]any{"pk": key, "tenant": tenant, "orderId": id, "order": o.Compact(), "step": step, "results": results})
		if err != nil {
			panic(err) // it was read from JSON
		}
		return b
	}
	for i, step := range []struct {
		name, function, undo string
		status               order.Status
	}{
		{"Reserve", handler.Reserve, handler.Release, order.Reserved}, {"Charge", handler.Charge, handler.Refund, order.Paid}, {"Ship", handler.Ship, "", order.Completed},
	} {
		out, err := s.steps[step.function].Invoke(ctx, document(step.name))
		if err != nil {
			if i > 0 { // what was reserved is given back; that is all there can be before the last step
				if _, undone := s.steps[handler.Release].Invoke(ctx, document("Reserve")); undone != nil {
					return "", undone
				}
			}
			return order.Rejected, s.mark(ctx, key, order.Rejected, i+2)
		}
		results[step.name] = out
		if err := s.mark(ctx, key, step.status, i+2); err != nil {
			return "", err
		}
	}
	return order.Completed, nil
}

// mark writes a status as the workflow does.
func (s *synchronous) mark(ctx context.Context, key string, status order.Status, sequence int) error {
	text := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	number := func(n int) types.AttributeValue { return &types.AttributeValueMemberN{Value: fmt.Sprint(n)} }
	at := text(dynamo.Timestamp(s.r.Now()))
	entry := map[string]types.AttributeValue{record.Sequence: number(sequence), record.Status: text(string(status)), record.At: at}
	_, err := s.table.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           &s.orders.Table,
		Key:                 map[string]types.AttributeValue{record.PartitionKey: text(key), record.SortKey: text(record.StatusItem)},
		ConditionExpression: aws.String("#sequence = :last"),
		UpdateExpression:    aws.String("SET #status = :to, #sequence = :next, #updatedAt = :at, #history = list_append(#history, :entry)"),
		ExpressionAttributeNames: map[string]string{
			"#status": record.Status, "#sequence": record.Sequence, "#updatedAt": record.UpdatedAt, "#history": record.History,
		},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":last": number(sequence - 1), ":next": number(sequence), ":to": text(string(status)), ":at": at,
			":entry": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberM{Value: entry}}},
		},
	})
	return err
}
