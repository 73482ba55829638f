package document

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/orderflow-cdk/orderflow/constructs/record"
)

type intake struct {
	Env
	table     string
	machine   string
	documents *dynamodb.Client
	workflows *sfn.Client
}

// NewIntake makes the function that takes requests off the queue: it records each, as package record
// describes, and starts its workflow. Each part does no harm when it is done again.
func NewIntake(env Env) lambda.Handler {
	f := &intake{env, env.Getenv(TableName), env.Getenv(MachineARN), dynamodb.NewFromConfig(env.AWS), sfn.NewFromConfig(env.AWS)}
	return lambda.NewHandler(f.handle)
}

func (f *intake) handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	var failed events.SQSEventResponse
	log := slog.New(slog.NewJSONHandler(f.Log, nil))
	for _, m := range batch.Records {
		if err := f.take(ctx, m); err != nil {
			log.Error("not taken", "messageId", m.MessageId, "cause", err.Error())
			failed.BatchItemFailures = append(failed.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return failed, nil
}

// entry is what a message tells of a document, and the status in which it is recorded.
type entry struct {
	key, id, tenant, hash string
	acceptedAt            time.Time
	status                string
	reason, detail        string
}

func (f *intake) take(ctx context.Context, m events.SQSMessage) error {
	text := func(name string) string {
		if a := m.MessageAttributes[name]; a.StringValue != nil {
			return *a.StringValue
		}
		return ""
	}
	accepted, err := strconv.ParseInt(text(record.MessageAcceptedAt), 10, 64)
	if err != nil {
		return fmt.Errorf("the message does not come from the gateway: %w", err)
	}
	sum := sha256.Sum256([]byte(m.Body))
	e := entry{
		key: text(record.MessageKey), id: text(record.MessageOrderID), tenant: text(record.MessageTenant),
		hash: hex.EncodeToString(sum[:]), acceptedAt: time.UnixMilli(accepted), status: Received,
	}
	request, invalid := Parse([]byte(m.Body))
	if invalid != nil {
		e.status, e.reason, e.detail = Refused, "InvalidRequest", invalid.Error()
	}
	if err := f.keepBody(ctx, e, m.Body); err != nil {
		return err
	}
	status, err := f.record(ctx, e)
	if err == nil && status == "" { // cancelled before it got here
		e.status, e.reason, e.detail = Cancelled, "CancelRequested", "cancelled before it was taken"
		status, err = f.record(ctx, e)
	}
	if err != nil || status != Received {
		return err
	}
	return f.start(ctx, e, request)
}

func (f *intake) keepBody(ctx context.Context, e entry, body string) error {
	_, err := f.documents.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &f.table,
		Item: map[string]types.AttributeValue{
			record.PartitionKey: s(e.key), record.SortKey: s(record.BodyItem), record.Body: s(body), record.PayloadHash: s(e.hash),
		},
		ConditionExpression: aws.String("attribute_not_exists(pk)"), // the first one counts
	})
	var exists *types.ConditionalCheckFailedException
	if errors.As(err, &exists) {
		return nil
	}
	return err
}

// record writes a document's first status. It returns the status that the document has then: "" if it
// was cancelled and has none.
func (f *intake) record(ctx context.Context, e entry) (string, error) {
	const stamp = "2006-01-02T15:04:05.000Z"
	now := s(f.Now().UTC().Format(stamp))
	first := map[string]types.AttributeValue{record.Sequence: n(1), record.Status: s(e.status), record.At: now}
	values := map[string]types.AttributeValue{
		":status": s(e.status), ":one": n(1), ":tenant": s(e.tenant), ":id": s(e.id), ":hash": s(e.hash), ":now": now,
		":accepted": s(e.acceptedAt.UTC().Format(stamp)), ":none": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}},
		":history": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberM{Value: first}}},
	}
	update := "SET #status = :status, #sequence = :one, tenant = :tenant, orderId = :id, payloadHash = :hash, updatedAt = :now, " +
		"acceptedAt = :accepted, history = :history, results = :none"
	condition := "attribute_not_exists(#status)"
	if e.reason != "" {
		first[record.Reason], values[":reason"], values[":detail"] = s(e.reason), s(e.reason), s(e.detail)
		update += ", reason = :reason, detail = :detail"
	}
	if e.status != Cancelled {
		condition += " AND attribute_not_exists(cancelRequested)"
	}
	_, err := f.documents.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &f.table,
		Key:                                 map[string]types.AttributeValue{record.PartitionKey: s(e.key), record.SortKey: s(record.StatusItem)},
		UpdateExpression:                    &update,
		ConditionExpression:                 &condition,
		ExpressionAttributeNames:            map[string]string{"#status": record.Status, "#sequence": record.Sequence},
		ExpressionAttributeValues:           values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var exists *types.ConditionalCheckFailedException
	if errors.As(err, &exists) {
		if status, ok := exists.Item[record.Status].(*types.AttributeValueMemberS); ok {
			return status.Value, nil
		}
		return "", nil
	}
	return e.status, err
}

// start starts the workflow. Its name is a function of the document, so that a second start is none.
func (f *intake) start(ctx context.Context, e entry, r Request) error {
	in, err := json.Marshal(map[string]any{"pk": e.key, "tenant": e.tenant, "orderId": e.id, "order": r})
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(e.key))
	_, err = f.workflows.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &f.machine, Name: aws.String(hex.EncodeToString(sum[:])), Input: aws.String(string(in)),
	})
	var exists *sfntypes.ExecutionAlreadyExists
	if errors.As(err, &exists) {
		return nil
	}
	return err
}

func s(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }

func n(number int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.Itoa(number)}
}
