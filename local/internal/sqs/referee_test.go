package sqs_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/referee"
	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

// The referee for wire shapes and validation is moto (PyPI, 5.2.5), in a process
// of its own.
//
// Its known faults, by the key that marks a step. What the service does is known
// from answers of its own that a public suite of tests has recorded.
var motoFaults = map[string]string{
	"crash":   "it fails with an internal error",
	"lax":     "it accepts what the service refuses",
	"ids":     "it does not check the characters of group ids",
	"order":   "it looks at the entries of a batch before it counts them",
	"trace":   "it sends no digest of system attributes",
	"wording": "its message is not the service's",
}

// step is one call, made of both sides. In its input $q and $f are the URLs of
// a standard and a FIFO queue, $d of the dead-letter queue of $q, $e of a queue
// for what must be refused, and $h is the first receipt handle of the last receive.
type step struct {
	name, fault, action, input string
}

var steps = []step{
	{"send", "", "SendMessage", `{"QueueUrl":"$q","MessageBody":"hello <&>"}`},
	{"send with attributes", "", "SendMessage", `{"QueueUrl":"$q","MessageBody":"a","MessageAttributes":{
		"s":{"DataType":"String","StringValue":"ü"},"n":{"DataType":"Number","StringValue":"7"},"b":{"DataType":"Binary","BinaryValue":"AQI="},"c":{"DataType":"String.label","StringValue":"x"}}}`},
	{"send with trace header", "trace", "SendMessage", `{"QueueUrl":"$q","MessageBody":"a","MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":"Root=1-5759e988-bd862e3fe1be46a994272793"}}}`},
	{"receive one", "", "ReceiveMessage", `{"QueueUrl":"$q","VisibilityTimeout":60}`},
	{"delete", "", "DeleteMessage", `{"QueueUrl":"$q","ReceiptHandle":"$h"}`},
	{"receive with attributes", "", "ReceiveMessage", `{"QueueUrl":"$q","MessageAttributeNames":["All"],"VisibilityTimeout":60}`},
	{"change visibility", "", "ChangeMessageVisibility", `{"QueueUrl":"$q","ReceiptHandle":"$h","VisibilityTimeout":0}`},
	{"receive with some attributes", "", "ReceiveMessage", `{"QueueUrl":"$q","MessageAttributeNames":["s","none"],"AttributeNames":["ApproximateReceiveCount"],"VisibilityTimeout":60}`},
	{"receive the trace header", "", "ReceiveMessage", `{"QueueUrl":"$q","AttributeNames":["All"],"VisibilityTimeout":60}`},
	{"receive nothing", "", "ReceiveMessage", `{"QueueUrl":"$q"}`},
	{"purge", "", "PurgeQueue", `{"QueueUrl":"$q"}`},
	{"no body", "crash", "SendMessage", `{"QueueUrl":"$q"}`},
	{"empty body", "lax", "SendMessage", `{"QueueUrl":"$e","MessageBody":""}`},
	{"control character", "lax", "SendMessage", `{"QueueUrl":"$e","MessageBody":"\u0001"}`},
	{"delay", "", "SendMessage", `{"QueueUrl":"$q","MessageBody":"a","DelaySeconds":901}`},
	{"attribute without type", "crash", "SendMessage", `{"QueueUrl":"$q","MessageBody":"a","MessageAttributes":{"A":{"StringValue":"x"}}}`},
	{"attribute of another type", "", "SendMessage", `{"QueueUrl":"$q","MessageBody":"a","MessageAttributes":{"A":{"DataType":"Float","StringValue":"x"}}}`},
	{"empty attribute", "lax", "SendMessage", `{"QueueUrl":"$e","MessageBody":"a","MessageAttributes":{"A":{"DataType":"String","StringValue":""}}}`},
	{"group with a space", "ids", "SendMessage", `{"QueueUrl":"$e","MessageBody":"a","MessageGroupId":"a b"}`},
	{"purge again", "", "PurgeQueue", `{"QueueUrl":"$q"}`},
	{"receive too many", "wording", "ReceiveMessage", `{"QueueUrl":"$q","MaxNumberOfMessages":11}`},
	{"wait too long", "wording", "ReceiveMessage", `{"QueueUrl":"$q","WaitTimeSeconds":21}`},
	{"garbage handle", "wording", "DeleteMessage", `{"QueueUrl":"$q","ReceiptHandle":"garbage"}`},
	{"no queue", "", "SendMessage", `{"QueueUrl":"https://sqs.eu-central-1.amazonaws.com/123456789012/none","MessageBody":"a"}`},
	{"batch", "", "SendMessageBatch", `{"QueueUrl":"$q","Entries":[{"Id":"a","MessageBody":"1"},{"Id":"b","MessageBody":"2"}]}`},
	{"empty batch", "", "SendMessageBatch", `{"QueueUrl":"$q","Entries":[]}`},
	{"batch of eleven", "order", "DeleteMessageBatch", `{"QueueUrl":"$q","Entries":[{"Id":"1","ReceiptHandle":"x"},{"Id":"2","ReceiptHandle":"x"},{"Id":"3","ReceiptHandle":"x"},{"Id":"4","ReceiptHandle":"x"},{"Id":"5","ReceiptHandle":"x"},{"Id":"6","ReceiptHandle":"x"},{"Id":"7","ReceiptHandle":"x"},{"Id":"8","ReceiptHandle":"x"},{"Id":"9","ReceiptHandle":"x"},{"Id":"10","ReceiptHandle":"x"},{"Id":"11","ReceiptHandle":"x"}]}`},
	{"batch id", "", "SendMessageBatch", `{"QueueUrl":"$q","Entries":[{"Id":"a:b","MessageBody":"1"}]}`},
	{"batch id twice", "", "SendMessageBatch", `{"QueueUrl":"$q","Entries":[{"Id":"a","MessageBody":"1"},{"Id":"a","MessageBody":"1"}]}`},
	{"receive from the batch", "", "ReceiveMessage", `{"QueueUrl":"$q","VisibilityTimeout":60}`},
	{"delete batch", "", "DeleteMessageBatch", `{"QueueUrl":"$q","Entries":[{"Id":"x","ReceiptHandle":"$h"}]}`},
	{"fifo send", "", "SendMessage", `{"QueueUrl":"$f","MessageBody":"1","MessageGroupId":"g","MessageDeduplicationId":"d1"}`},
	{"fifo repeat", "", "SendMessage", `{"QueueUrl":"$f","MessageBody":"1","MessageGroupId":"g","MessageDeduplicationId":"d1"}`},
	{"fifo second", "", "SendMessage", `{"QueueUrl":"$f","MessageBody":"2","MessageGroupId":"g","MessageDeduplicationId":"d2"}`},
	{"fifo without group", "", "SendMessage", `{"QueueUrl":"$f","MessageBody":"1","MessageDeduplicationId":"d1"}`},
	{"fifo without deduplication", "", "SendMessage", `{"QueueUrl":"$f","MessageBody":"1","MessageGroupId":"g"}`},
	{"fifo with delay", "", "SendMessage", `{"QueueUrl":"$f","MessageBody":"1","MessageGroupId":"g","MessageDeduplicationId":"d9","DelaySeconds":2}`},
	{"fifo receive", "", "ReceiveMessage", `{"QueueUrl":"$f","MaxNumberOfMessages":1,"AttributeNames":["All"],"VisibilityTimeout":60}`},
	{"fifo blocked", "", "ReceiveMessage", `{"QueueUrl":"$f","MaxNumberOfMessages":10}`},
	{"fifo delete", "", "DeleteMessage", `{"QueueUrl":"$f","ReceiptHandle":"$h"}`},
	{"fifo next", "", "ReceiveMessage", `{"QueueUrl":"$f","MaxNumberOfMessages":10,"VisibilityTimeout":60}`},
	{"attributes", "", "GetQueueAttributes", `{"QueueUrl":"$q","AttributeNames":["QueueArn","VisibilityTimeout","DelaySeconds","MaximumMessageSize","MessageRetentionPeriod","ReceiveMessageWaitTimeSeconds","ApproximateNumberOfMessages","ApproximateNumberOfMessagesNotVisible"]}`},
	{"fifo attributes", "", "GetQueueAttributes", `{"QueueUrl":"$f","AttributeNames":["FifoQueue","ContentBasedDeduplication","DeduplicationScope","FifoThroughputLimit"]}`},
	{"unknown attribute", "", "GetQueueAttributes", `{"QueueUrl":"$q","AttributeNames":["X"]}`},
	{"queue url", "", "GetQueueUrl", `{"QueueName":"q"}`},
	{"no queue url", "", "GetQueueUrl", `{"QueueName":"none"}`},
	{"sources", "", "ListDeadLetterSourceQueues", `{"QueueUrl":"$d"}`},
	{"list", "", "ListQueues", `{"QueueNamePrefix":"q"}`},
}

// side is one of the two that are compared.
type side struct {
	urls   map[string]string
	handle string
	do     func(action, input string) (body string, code string)
}

func TestRefereeMoto(t *testing.T) {
	ours, theirs := newOurs(t), newMoto(t)
	for _, s := range steps {
		got, want := ours.run(t, s), theirs.run(t, s)
		switch {
		case s.fault != "" && motoFaults[s.fault] == "":
			t.Errorf("%s: no fault is called %s", s.name, s.fault)
		case s.fault != "" && got == want:
			t.Errorf("%s: marked %s, but both answer %s", s.name, s.fault, got)
		case s.fault == "" && got != want:
			t.Errorf("%s\nours   %s\ntheirs %s", s.name, got, want)
		}
	}
}

func (s *side) run(t *testing.T, st step) string {
	t.Helper()
	in := strings.ReplaceAll(st.input, "$h", s.handle)
	for name, u := range s.urls {
		in = strings.ReplaceAll(in, `"$`+name+`"`, `"`+u+`"`)
	}
	body, code := s.do(st.action, in)
	var v any
	if body != "" {
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			return "not JSON: " + body
		}
	}
	if messages, ok := path(v, "Messages").([]any); ok && len(messages) > 0 {
		s.handle, _ = path(messages[0], "ReceiptHandle").(string)
	}
	if code != "" {
		message, _ := path(v, "message").(string)
		if message == "" {
			message, _ = path(v, "Message").(string)
		}
		return code + ": " + message
	}
	out, err := json.Marshal(mask(v, ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func path(v any, key string) any {
	o, _ := v.(map[string]any)
	return o[key]
}

// mask hides what two servers cannot have in common.
func mask(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if list, ok := e.([]any); e == nil || ok && len(list) == 0 {
				delete(v, k) // the service leaves out what is empty
				continue
			}
			v[k] = mask(e, k)
		}
	case []any:
		for i, e := range v {
			v[i] = mask(e, key)
		}
	case string:
		switch key {
		case "MessageId", "ReceiptHandle", "SequenceNumber", "SenderId", "SentTimestamp", "ApproximateFirstReceiveTimestamp":
			return "*"
		case "QueueUrl", "QueueUrls", "queueUrls":
			return v[strings.LastIndexByte(v, '/')+1:]
		}
	}
	if v == nil {
		return map[string]any{}
	}
	return v
}

func newOurs(t *testing.T) *side {
	k := sim.New(start, 1)
	svc := sqs.NewService(k, "eu-central-1", "123456789012")
	create := func(name string, p sqs.QueueProperties) string {
		q, err := svc.CreateQueue(name, p)
		if err != nil {
			t.Fatal(err)
		}
		return q.URL
	}
	s := &side{urls: map[string]string{}}
	s.urls["d"] = create("d", sqs.QueueProperties{})
	s.urls["q"] = create("q", sqs.QueueProperties{RedrivePolicy: &sqs.RedrivePolicy{DeadLetterTargetArn: "arn:aws:sqs:eu-central-1:123456789012:d", MaxReceiveCount: 5}})
	s.urls["e"] = create("e", sqs.QueueProperties{})
	s.urls["f"] = create("q.fifo", sqs.QueueProperties{FifoQueue: cfn.Bool(true)})
	s.do = func(action, input string) (string, string) {
		var out []byte
		var err error
		svc.Do(api.Call{Action: action, Input: []byte(input)}, func(o []byte, e error) { out, err = o, e })
		var e *api.Error
		if errors.As(err, &e) {
			return string(e.Body(sqs.TypePrefix(e.Code))), sqs.QueryCode(e.Code)
		}
		if err != nil {
			t.Fatal(err)
		}
		return string(out), ""
	}
	return s
}

func newMoto(t *testing.T) *side {
	base := referee.Moto(t)
	s := &side{urls: map[string]string{}}
	s.do = func(action, input string) (string, string) {
		req, err := http.NewRequest("POST", base, strings.NewReader(input))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amz-Target", "AmazonSQS."+action)
		req.Header.Set("Content-Type", "application/x-amz-json-1.0")
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20260301/eu-central-1/sqs/aws4_request, SignedHeaders=host, Signature=00")
		res, err := referee.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case res.StatusCode >= 500:
			return "", res.Status
		case res.StatusCode >= 400:
			code, _, _ := strings.Cut(res.Header.Get("x-amzn-query-error"), ";")
			if code == "" {
				var v any
				_ = json.Unmarshal(body, &v)
				code, _ = path(v, "__type").(string)
				code = code[strings.LastIndexByte(code, '#')+1:]
			}
			return string(body), code
		}
		return string(body), ""
	}
	for _, c := range []struct{ name, queue, attributes string }{
		{"d", "d", `{}`},
		{"e", "e", `{}`},
		{"q", "q", `{"RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:eu-central-1:123456789012:d\",\"maxReceiveCount\":5}"}`},
		{"f", "q.fifo", `{"FifoQueue":"true"}`},
	} {
		body, code := s.do("CreateQueue", `{"QueueName":"`+c.queue+`","Attributes":`+c.attributes+`}`)
		var out struct{ QueueUrl string }
		if err := json.Unmarshal([]byte(body), &out); err != nil || code != "" {
			t.Fatalf("create %s: %s %s", c.name, code, body)
		}
		s.urls[c.name] = out.QueueUrl
	}
	return s
}
