package scenarios_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// Templates of testdata, which test/variants_test.go writes.
const (
	expressByOrder = "express-flow-of-a-FIFO-queue-by-order-with-API-keys"
	fifoByTenant   = "FIFO-queue-by-tenant-with-a-Lambda-authorizer"
	approvals      = "approval-and-notice-without-authorizer"
)

// variant starts one of these templates; functions replace the app's or stand beside them.
func variant(t testing.TB, name string, functions map[string]local.NewFunction) *local.Stack {
	t.Helper()
	template, err := os.ReadFile(filepath.Join("testdata", name+".template.json"))
	if err != nil {
		t.Fatal(err)
	}
	all := localapp.Functions()
	all["approve"], all["authorize"] = approve, authorize
	maps.Copy(all, functions)
	s, err := local.New(template, local.Options{Name: "variant", Seed: 1, Functions: all, Logs: testLog{t}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 1_000_000}); err != nil {
		t.Fatal(err)
	}
	return s
}

// caller is a client with one header that says who it is.
func caller(t testing.TB, s *local.Stack, name, value string) *client {
	c := &client{t, s, http.Header{"Content-Type": {"application/json"}}}
	return c.with(name, value)
}

type handlerFunc func(ctx context.Context, payload []byte) ([]byte, error)

// Invoke implements local.Handler.
func (f handlerFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

// authorize admits a token that is a tenant's name. It refuses "banned",
// knows no tenant of "homeless", nobody of a name with a blank, and breaks at "broken".
func authorize(local.Runtime) (local.Handler, error) {
	return handlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
		var in struct{ AuthorizationToken string }
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		if strings.Contains(in.AuthorizationToken, " ") {
			return nil, errors.New("Unauthorized") //nolint:staticcheck // API Gateway wants exactly this
		}
		effect, values := "Allow", map[string]any{"tenant": in.AuthorizationToken}
		switch in.AuthorizationToken {
		case "broken":
			panic("the authorizer is broken")
		case "banned":
			effect = "Deny"
		case "homeless":
			values = nil
		}
		return json.Marshal(map[string]any{
			"principalId": "user-of-" + in.AuthorizationToken,
			"context":     values,
			"policyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{
				map[string]any{"Action": "execute-api:Invoke", "Effect": effect, "Resource": "*"},
			}},
		})
	}), nil
}

// approve puts the token of the step into the order's status, for whoever is to approve it.
func approve(r local.Runtime) (local.Handler, error) {
	table := dynamodb.NewFromConfig(r.AWS)
	return handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var in struct {
			Key       string `json:"pk"`
			TaskToken string `json:"taskToken"`
		}
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		_, err := table.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: aws.String(r.Getenv(config.OrdersTableName)),
			Key: map[string]types.AttributeValue{
				record.PartitionKey: &types.AttributeValueMemberS{Value: in.Key},
				record.SortKey:      &types.AttributeValueMemberS{Value: record.StatusItem},
			},
			UpdateExpression:          aws.String("SET " + record.TaskToken + " = :token"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":token": &types.AttributeValueMemberS{Value: in.TaskToken}},
		})
		return []byte("{}"), err
	}), nil
}

// statusItem is the STATUS item of the order whose status has this path, with
// every attribute as a text; empty if there is none.
func statusItem(t testing.TB, s *local.Stack, location string) map[string]string {
	t.Helper()
	id := strings.TrimSuffix(location, "/status")
	id = id[strings.LastIndex(id, "/")+1:]
	tag := id[strings.LastIndex(id, "-")+1:]
	out := call(t, s, "dynamodb", "GetItem", map[string]any{
		"TableName": s.Outputs()["OrdersTableName"], "ConsistentRead": true,
		"Key": map[string]any{
			record.PartitionKey: map[string]string{"S": tag + "#" + id}, record.SortKey: map[string]string{"S": record.StatusItem},
		},
	})
	texts := map[string]string{}
	attributes, _ := out["Item"].(map[string]any)
	for name, value := range attributes {
		for _, v := range value.(map[string]any) {
			if text, ok := v.(string); ok {
				texts[name] = text
			}
		}
	}
	return texts
}
