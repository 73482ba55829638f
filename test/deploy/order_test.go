package deploy

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/orderflow-cdk/orderflow/constructs/record"
)

const (
	apiID      = "ApiCD79AAA0"
	queueID    = "ApiQueueC4D64474"
	intakeID   = "IntakeFunction1A6D016E"
	reserveID  = "ReserveFunction7E2CD0B4"
	mappingID  = "IntakeFunctionSqsEventSourceorderflowdevApiQueueBCD50EAC087E7870"
	logGroupID = "IntakeLogGroup59B552A0"
	tenant     = "acme"
	sku        = "NB-A5"
)

// body is an order of two of sku.
const body = `{"currency":"EUR","items":[{"sku":"` + sku + `","quantity":2,"unitPrice":650}],"payment":{"method":"card","token":"tok_visa"},` +
	`"shipTo":{"name":"Ada Lovelace","line1":"12 St James Square","city":"London","postalCode":"SW1Y 4JH","country":"GB"}}`

// text is an attribute value.
func text(v string) dynamodbtypes.AttributeValue {
	return &dynamodbtypes.AttributeValueMemberS{Value: v}
}

// valueOf is an attribute's string or number.
func valueOf(item map[string]dynamodbtypes.AttributeValue, name string) string {
	switch v := item[name].(type) {
	case *dynamodbtypes.AttributeValueMemberS:
		return v.Value
	case *dynamodbtypes.AttributeValueMemberN:
		return v.Value
	}
	return ""
}

// stock puts goods on the shelf.
func (s *stack) stock(t *testing.T, quantity int) {
	t.Helper()
	_, err := s.tables.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String(s.outputs["InventoryTableName"]),
		Item:      map[string]dynamodbtypes.AttributeValue{"pk": text(sku), "available": &dynamodbtypes.AttributeValueMemberN{Value: strconv.Itoa(quantity)}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// submit sends the message that the gateway makes of a POST, into the deployed queue, and returns the order's id.
func (s *stack) submit(t *testing.T, body string) (orderID, pk string) {
	t.Helper()
	tag := base64.RawURLEncoding.EncodeToString([]byte(tenant))
	now := time.Now().UnixMilli()
	orderID = fmt.Sprintf("%d-%s-%s", now, strings.ToLower(t.Name()), tag)
	pk = tag + "#" + orderID
	attribute := func(v string) sqstypes.MessageAttributeValue {
		return sqstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: &v}
	}
	_, err := s.queues.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl:       aws.String(s.id(t, queueID)),
		MessageBody:    aws.String(body),
		MessageGroupId: &tag,
		MessageAttributes: map[string]sqstypes.MessageAttributeValue{
			record.MessageTenant: attribute(tenant), record.MessageOrderID: attribute(orderID),
			record.MessageKey: attribute(pk), record.MessageAcceptedAt: attribute(strconv.FormatInt(now, 10)),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return orderID, pk
}

func (s *stack) order(t *testing.T, pk, sort string) map[string]dynamodbtypes.AttributeValue {
	t.Helper()
	return s.item(t, s.outputs["OrdersTableName"], map[string]dynamodbtypes.AttributeValue{
		record.PartitionKey: text(pk), record.SortKey: text(sort),
	})
}

// history are the statuses that an order has had.
func history(item map[string]dynamodbtypes.AttributeValue) string {
	var all []string
	if l, ok := item[record.History].(*dynamodbtypes.AttributeValueMemberL); ok {
		for _, e := range l.Value {
			if m, ok := e.(*dynamodbtypes.AttributeValueMemberM); ok {
				all = append(all, valueOf(m.Value, record.Status))
			}
		}
	}
	return strings.Join(all, " → ")
}

// execution is the order's, nil if it has not started.
func (s *stack) execution(t *testing.T, name string) *sfn.DescribeExecutionOutput {
	t.Helper()
	arn := strings.Replace(s.outputs["StateMachineArn"], ":stateMachine:", ":execution:", 1) + ":" + name
	got, err := s.machines.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		var none *sfntypes.ExecutionDoesNotExist
		if errors.As(err, &none) {
			return nil
		}
		t.Fatal(err)
	}
	return got
}

// flow sends an order through the deployed stack.
func (s *stack) flow(l *log, e *emulator) (orderID, pk string) {
	l.t.Helper()
	return s.process(l, e, body, "ACCEPTED → RESERVED → PAID → COMPLETED")
}

// refusal sends an order of what is not sold: the reserve function's error is the execution's.
func (s *stack) refusal(l *log, e *emulator) {
	l.t.Helper()
	_, pk := s.process(l, e, strings.ReplaceAll(body, sku, "NOT-SOLD"), "ACCEPTED → REJECTED")
	if got := valueOf(s.order(l.t, pk, record.StatusItem), record.Reason); got != "UnknownSku" {
		l.t.Errorf("an order of what is not sold is rejected for %q, want UnknownSku", got)
	}
}

func (s *stack) process(l *log, e *emulator, body, want string) (orderID, pk string) {
	t := l.t
	t.Helper()
	orderID, pk = s.submit(t, body)
	l.printf("sent to the queue: order %s", orderID)
	eventually(t, e, "the intake function records the order", func() bool { return s.order(t, pk, record.StatusItem) != nil })
	if got := valueOf(s.order(t, pk, record.BodyItem), record.Body); got != body {
		t.Errorf("the intake function recorded %q, sent was %q", got, body)
	}
	l.printf("the intake function recorded its two items, body as it was sent")
	var execution *sfn.DescribeExecutionOutput
	eventually(t, e, "the intake function starts the execution", func() bool {
		execution = s.execution(t, orderID)
		return execution != nil
	})
	l.printf("the intake function started the execution %s", orderID)
	eventually(t, e, "the execution ends", func() bool {
		execution = s.execution(t, orderID)
		return execution.Status != sfntypes.ExecutionStatusRunning
	})
	status := s.order(t, pk, record.StatusItem)
	l.printf("the execution %s after %s: %s", execution.Status, execution.StopDate.Sub(*execution.StartDate), history(status))
	if got := history(status); got != want {
		t.Errorf("the order went %s, want %s; reason %q", got, want, valueOf(status, record.Reason))
	}
	return orderID, pk
}

// refusesStrangers asks the gateway for something without credentials.
func (s *stack) refusesStrangers(l *log, e *emulator) {
	t := l.t
	t.Helper()
	res, err := http.Post(fmt.Sprintf("%s/restapis/%s/live/_user_request_/orders", e.url, s.id(t, apiID)), "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var problem struct{ Code string }
	if err := json.NewDecoder(res.Body).Decode(&problem); err != nil {
		t.Fatalf("the gateway's answer: %v", err)
	}
	if res.StatusCode != http.StatusUnauthorized || problem.Code != "unauthorized" {
		t.Errorf("an order without credentials is answered %d %q, want 401 and the code unauthorized", res.StatusCode, problem.Code)
	}
	l.printf("POST /orders without credentials is answered %d, %s", res.StatusCode, res.Header.Get("Content-Type"))
}
