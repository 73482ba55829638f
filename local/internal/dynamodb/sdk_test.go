package dynamodb_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// RoundTrip lets the AWS SDK call the world's service.
func (w *world) RoundTrip(req *http.Request) (*http.Response, error) {
	input, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	action := strings.TrimPrefix(req.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")
	res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Request: req}
	body, err := w.call(action, string(input))
	if err != nil {
		var refused *api.Error
		if !errors.As(err, &refused) {
			return nil, err
		}
		res.StatusCode = refused.HTTPStatus()
		body = refused.Body("com.amazonaws.dynamodb.v20120810#")
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

func TestSDK(t *testing.T) {
	w := newWorld(t)
	client := sdk.New(sdk.Options{
		Region:     "eu-west-1",
		HTTPClient: &http.Client{Transport: w},
		Retryer:    aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		}),
	})
	ctx := context.Background()
	s := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	n := func(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }
	item := map[string]types.AttributeValue{
		"id": s("a"), "n": n("1"), "b": &types.AttributeValueMemberB{Value: []byte{1, 2, 3}}, "u": s("Zürich \u0001 😀"),
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberBOOL{Value: true}, &types.AttributeValueMemberNULL{Value: true}}},
	}
	put := &sdk.PutItemInput{
		TableName: aws.String("plain"), Item: item, ConditionExpression: aws.String("attribute_not_exists(id)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if _, err := client.PutItem(ctx, put); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetItem(ctx, &sdk.GetItemInput{TableName: aws.String("plain"), Key: map[string]types.AttributeValue{"id": s("a")}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
	if err != nil {
		t.Fatal(err)
	}
	if u := got.Item["u"].(*types.AttributeValueMemberS).Value; u != "Zürich \u0001 😀" {
		t.Errorf("text came back as %q", u)
	}
	if b := got.Item["b"].(*types.AttributeValueMemberB).Value; !bytes.Equal(b, []byte{1, 2, 3}) {
		t.Errorf("bytes came back as %v", b)
	}
	if c := aws.ToFloat64(got.ConsumedCapacity.CapacityUnits); c != 0.5 {
		t.Errorf("%v units", c)
	}

	_, err = client.PutItem(ctx, put)
	var conditional *types.ConditionalCheckFailedException
	if !errors.As(err, &conditional) || conditional.Item["n"].(*types.AttributeValueMemberN).Value != "1" {
		t.Errorf("a failed condition arrives as %v", err)
	}

	_, err = client.TransactWriteItems(ctx, &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("plain"), Item: map[string]types.AttributeValue{"id": s("b")}}},
		{ConditionCheck: &types.ConditionCheck{
			TableName: aws.String("plain"), Key: map[string]types.AttributeValue{"id": s("a")}, ConditionExpression: aws.String("n > :n"),
			ExpressionAttributeValues:           map[string]types.AttributeValue{":n": n("5")},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}},
	}})
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) || len(canceled.CancellationReasons) != 2 {
		t.Fatalf("a cancelled transaction arrives as %v", err)
	}
	if r := canceled.CancellationReasons[1]; aws.ToString(r.Code) != "ConditionalCheckFailed" || r.Item["id"].(*types.AttributeValueMemberS).Value != "a" {
		t.Errorf("the reason is %+v", r)
	}

	_, err = client.GetItem(ctx, &sdk.GetItemInput{TableName: aws.String("nosuchtable"), Key: map[string]types.AttributeValue{"id": s("a")}})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) {
		t.Errorf("an unknown table arrives as %v", err)
	}
}
