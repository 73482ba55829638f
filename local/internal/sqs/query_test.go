package sqs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

func TestFromQuery(t *testing.T) {
	tests := []struct{ name, form, action, want string }{
		{"message", "Action=SendMessage&MessageBody=a%26b%3Cc&DelaySeconds=3", "SendMessage", `{"DelaySeconds":3,"MessageBody":"a&b<c"}`},
		{"second action and second body lose", "Action=SendMessage&MessageBody=a&Action=DeleteQueue&MessageBody=b", "SendMessage", `{"MessageBody":"a"}`},
		{"unknown fields", "Action=SendMessage&MessageBody=a&Version=2012-11-05&Foo.1.Bar=x&Attribute.1.Name=x", "SendMessage", `{"MessageBody":"a"}`},
		{"attributes", "Action=SendMessage&MessageBody=a&MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=v" +
			"&MessageAttribute.2.Name=b&MessageAttribute.2.Value.DataType=Binary&MessageAttribute.2.Value.BinaryValue=AQI%3D",
			"SendMessage", `{"MessageAttributes":{"b":{"DataType":"Binary","BinaryValue":"AQI="},"n":{"DataType":"String","StringValue":"v"}},"MessageBody":"a"}`},
		{"lists", "Action=ReceiveMessage&AttributeName.2=SentTimestamp&AttributeName.1=SenderId&MessageAttributeName=All&MaxNumberOfMessages=10", "ReceiveMessage",
			`{"AttributeNames":["SenderId","SentTimestamp"],"MaxNumberOfMessages":10,"MessageAttributeNames":["All"]}`},
		{"batch", "Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=x&SendMessageBatchRequestEntry.1.MessageBody=1&SendMessageBatchRequestEntry.10.Id=z&SendMessageBatchRequestEntry.10.MessageBody=3&SendMessageBatchRequestEntry.2.Id=y&SendMessageBatchRequestEntry.2.MessageBody=2" +
			"&SendMessageBatchRequestEntry.2.MessageAttribute.1.Name=n&SendMessageBatchRequestEntry.2.MessageAttribute.1.Value.DataType=String&SendMessageBatchRequestEntry.2.MessageAttribute.1.Value.StringValue=v", "SendMessageBatch",
			`{"Entries":[{"Id":"x","MessageBody":"1"},{"Id":"y","MessageAttributes":{"n":{"DataType":"String","StringValue":"v"}},"MessageBody":"2"},{"Id":"z","MessageBody":"3"}]}`},
		{"map", "Action=SetQueueAttributes&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&QueueUrl=u", "SetQueueAttributes", `{"Attributes":{"DelaySeconds":"5"},"QueueUrl":"u"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			form, err := url.ParseQuery(tt.form)
			if err != nil {
				t.Fatal(err)
			}
			action, input, err := sqs.FromQuery(form)
			if err != nil {
				t.Fatal(err)
			}
			if action != tt.action || string(input) != tt.want {
				t.Errorf("got  %s %s\nwant %s %s", action, input, tt.action, tt.want)
			}
		})
	}
}

func TestFromQueryRefuses(t *testing.T) {
	tests := []struct{ form, code string }{
		{"MessageBody=a", "MissingAction"},
		{"Action=FooBar", "InvalidAction"},
		{"Action=SendMessage&DelaySeconds=soon", "MalformedInput"},
		{"Action=SendMessage&MessageAttribute.1.Name=a&MessageAttribute.2.Name=a", "InvalidParameterValueException"},
	}
	for _, tt := range tests {
		form, err := url.ParseQuery(tt.form)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = sqs.FromQuery(form)
		if e := (*api.Error)(nil); !errors.As(err, &e) || e.Code != tt.code {
			t.Errorf("%s: got %v, want %s", tt.form, err, tt.code)
		}
	}
}

func TestFromQueryDoesNotPretend(t *testing.T) {
	_, _, err := sqs.FromQuery(url.Values{"Action": {"DeleteQueue"}})
	var refused *api.Error
	if err == nil || errors.As(err, &refused) || err.Error() != "sqs: action DeleteQueue is not simulated" {
		t.Errorf("got %v", err)
	}
}

func TestQueryResponse(t *testing.T) {
	f := newFixture(t, "q", sqs.QueueProperties{})
	do := func(form string) (int, string) {
		t.Helper()
		values, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		if !values.Has("QueueUrl") {
			values.Set("QueueUrl", f.q.URL)
		}
		action, in, err := sqs.FromQuery(values)
		var out []byte
		if err == nil {
			f.s.Do(api.Call{Action: action, Input: in}, func(o []byte, e error) { out, err = o, e })
		}
		status, body := sqs.QueryResponse(action, out, err, "req-1")
		if !json.Valid(body) {
			t.Errorf("not JSON: %s", body)
		}
		return status, string(body)
	}
	var sent struct {
		SendMessageResponse struct{ SendMessageResult struct{ MessageId string } }
	}
	status, body := do("Action=SendMessage&MessageBody=hello")
	if err := json.Unmarshal([]byte(body), &sent); err != nil {
		t.Fatal(err)
	}
	id := sent.SendMessageResponse.SendMessageResult.MessageId
	want := `{"SendMessageResponse":{"ResponseMetadata":{"RequestId":"req-1"},"SendMessageResult":{"MD5OfMessageAttributes":null,"MD5OfMessageBody":"5d41402abc4b2a76b9719d911017c592","MD5OfMessageSystemAttributes":null,"MessageId":"` + id + `","SequenceNumber":null}}}`
	if status != 200 || body != want {
		t.Errorf("got  %d %s\nwant 200 %s", status, body, want)
	}

	status, body = do("Action=SendMessage")
	want = `{"Error":{"Code":"MissingParameter","Message":"The request must contain the parameter MessageBody.","Type":"Sender"},"RequestId":"req-1"}`
	if status != 400 || body != want {
		t.Errorf("got  %d %s\nwant 400 %s", status, body, want)
	}

	status, body = do("Action=SendMessage&MessageBody=a&QueueUrl=https://sqs.eu-central-1.amazonaws.com/111122223333/none")
	want = `{"Error":{"Code":"AWS.SimpleQueueService.NonExistentQueue","Message":"The specified queue does not exist for this wsdl version.","Type":"Sender"},"RequestId":"req-1"}`
	if status != 400 || body != want {
		t.Errorf("got  %d %s\nwant 400 %s", status, body, want)
	}

	_, body = do("Action=GetQueueAttributes&AttributeName.1=DelaySeconds")
	want = `{"GetQueueAttributesResponse":{"ResponseMetadata":{"RequestId":"req-1"},"GetQueueAttributesResult":{"Attributes":[{"Name":"DelaySeconds","Value":"0"}]}}}`
	if body != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}

	_, body = do("Action=ReceiveMessage&AttributeName=ApproximateReceiveCount")
	var received struct {
		ReceiveMessageResponse struct {
			ReceiveMessageResult struct{ Messages []m }
		}
	}
	if err := json.Unmarshal([]byte(body), &received); err != nil {
		t.Fatal(err)
	}
	msg := received.ReceiveMessageResponse.ReceiveMessageResult.Messages[0]
	handle := msg["ReceiptHandle"].(string)
	delete(msg, "ReceiptHandle")
	if diff := cmp.Diff(m{
		"Attributes": []any{m{"Name": "ApproximateReceiveCount", "Value": "1"}}, "Body": "hello", "MD5OfBody": "5d41402abc4b2a76b9719d911017c592",
		"MD5OfMessageAttributes": nil, "MessageAttributes": nil, "MessageId": id,
	}, msg); diff != "" {
		t.Error(diff)
	}
	_, body = do("Action=DeleteMessage&ReceiptHandle=" + url.QueryEscape(handle))
	if want = `{"DeleteMessageResponse":{"ResponseMetadata":{"RequestId":"req-1"}}}`; body != want {
		t.Errorf("got  %s\nwant %s", body, want)
	}
	status, raw := sqs.QueryResponse("SendMessage", nil, fmt.Errorf("broken"), "r")
	body = string(raw)
	if want = `{"Error":{"Code":"InternalFailure","Message":"broken","Type":"Receiver"},"RequestId":"r"}`; status != 500 || body != want {
		t.Errorf("got  %d %s\nwant 500 %s", status, body, want)
	}
}
