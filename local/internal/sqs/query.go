package sqs

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// shape says how a parameter of the query protocol becomes a member of the
// JSON protocol's input.
type shape uint8

const (
	text       shape = iota
	number           // an integer
	list             // Name.1, Name.2, …
	attributeM       // Name.1.Name, Name.1.Value.DataType, …
	nameValueM       // Name.1.Name, Name.1.Value
	entries          // Name.1.<member>, with members of their own
)

type parameter struct {
	query, json string
	shape       shape
	members     []parameter
}

var sendParameters = []parameter{
	{query: "MessageBody", json: "MessageBody"},
	{query: "DelaySeconds", json: "DelaySeconds", shape: number},
	{query: "MessageAttribute", json: "MessageAttributes", shape: attributeM},
	{query: "MessageSystemAttribute", json: "MessageSystemAttributes", shape: attributeM},
	{query: "MessageDeduplicationId", json: "MessageDeduplicationId"},
	{query: "MessageGroupId", json: "MessageGroupId"},
}

var (
	queueURL      = parameter{query: "QueueUrl", json: "QueueUrl"}
	receiptHandle = parameter{query: "ReceiptHandle", json: "ReceiptHandle"}
	visibility    = parameter{query: "VisibilityTimeout", json: "VisibilityTimeout", shape: number}
	entryIDField  = parameter{query: "Id", json: "Id"}
	nextToken     = parameter{query: "NextToken", json: "NextToken"}
	maxResults    = parameter{query: "MaxResults", json: "MaxResults", shape: number}
)

func with(first parameter, rest ...parameter) []parameter { return append([]parameter{first}, rest...) }

// queryParameters are the parameters of each action. Whatever else a form
// holds is ignored, as SQS ignores it.
var queryParameters = map[string][]parameter{
	"SendMessage": with(queueURL, sendParameters...),
	"SendMessageBatch": {queueURL, {query: "SendMessageBatchRequestEntry", json: "Entries", shape: entries,
		members: with(entryIDField, sendParameters...)}},
	"ReceiveMessage": {queueURL, visibility,
		{query: "MaxNumberOfMessages", json: "MaxNumberOfMessages", shape: number},
		{query: "WaitTimeSeconds", json: "WaitTimeSeconds", shape: number},
		{query: "ReceiveRequestAttemptId", json: "ReceiveRequestAttemptId"},
		{query: "AttributeName", json: "AttributeNames", shape: list},
		{query: "MessageSystemAttributeName", json: "MessageSystemAttributeNames", shape: list},
		{query: "MessageAttributeName", json: "MessageAttributeNames", shape: list}},
	"DeleteMessage": {queueURL, receiptHandle},
	"DeleteMessageBatch": {queueURL, {query: "DeleteMessageBatchRequestEntry", json: "Entries", shape: entries,
		members: []parameter{entryIDField, receiptHandle}}},
	"ChangeMessageVisibility": {queueURL, receiptHandle, visibility},
	"ChangeMessageVisibilityBatch": {queueURL, {query: "ChangeMessageVisibilityBatchRequestEntry", json: "Entries", shape: entries,
		members: []parameter{entryIDField, receiptHandle, visibility}}},
	"GetQueueAttributes":         {queueURL, {query: "AttributeName", json: "AttributeNames", shape: list}},
	"SetQueueAttributes":         {queueURL, {query: "Attribute", json: "Attributes", shape: nameValueM}},
	"GetQueueUrl":                {{query: "QueueName", json: "QueueName"}, {query: "QueueOwnerAWSAccountId", json: "QueueOwnerAWSAccountId"}},
	"ListQueues":                 {{query: "QueueNamePrefix", json: "QueueNamePrefix"}, nextToken, maxResults},
	"PurgeQueue":                 {queueURL},
	"ListDeadLetterSourceQueues": {queueURL, nextToken, maxResults},
	"StartMessageMoveTask": {{query: "SourceArn", json: "SourceArn"}, {query: "DestinationArn", json: "DestinationArn"},
		{query: "MaxNumberOfMessagesPerSecond", json: "MaxNumberOfMessagesPerSecond", shape: number}},
	"ListMessageMoveTasks":  {{query: "SourceArn", json: "SourceArn"}, maxResults},
	"CancelMessageMoveTask": {{query: "TaskHandle", json: "TaskHandle"}},
}

// notSimulated are the actions that SQS has and this package does not.
var notSimulated = []string{
	"AddPermission", "CreateQueue", "DeleteQueue", "ListQueueTags", "RemovePermission", "TagQueue", "UntagQueue",
}

// FromQuery turns the form of a call in the query protocol into the action and
// the input of the JSON protocol.
//
// Of a field that occurs more than once the first counts, so that text which
// smuggles in a second Action or MessageBody changes nothing. Fields that the
// action does not have are ignored. QueueUrl may be missing, since the path
// of the URL names the queue: a caller that has such a path adds it to form as
// QueueUrl unless form has one, which wins over the path in SQS. An error that is
// not an *api.Error says that the action is not simulated.
func FromQuery(form url.Values) (action string, input []byte, err error) {
	action = form.Get("Action")
	if action == "" {
		return "", nil, api.Errorf("MissingAction", "The request must contain the parameter Action.")
	}
	parameters, ok := queryParameters[action]
	if slices.Contains(notSimulated, action) {
		return action, nil, fmt.Errorf("sqs: action %s is not simulated", action)
	}
	if !ok {
		return action, nil, api.Errorf("InvalidAction", "The action %s is not valid for this endpoint.", action)
	}
	in, err := fromForm(index(form), "", parameters)
	if err != nil {
		return action, nil, err
	}
	input, err = jsontext.Marshal(in)
	return action, input, err
}

// formIndex knows the numbers that occur after each "Name." prefix.
type formIndex struct {
	form    url.Values
	numbers map[string][]int
}

func index(form url.Values) formIndex {
	x := formIndex{form, map[string][]int{}}
	for key := range form {
		for at, part := 0, ""; ; {
			i := strings.IndexByte(key[at:], '.')
			if i < 0 {
				part = key[at:]
			} else {
				part = key[at : at+i]
			}
			if n, err := strconv.Atoi(part); err == nil && at > 0 {
				x.numbers[key[:at]] = append(x.numbers[key[:at]], n)
			}
			if i < 0 {
				break
			}
			at += i + 1
		}
	}
	for name, n := range x.numbers {
		slices.Sort(n)
		x.numbers[name] = slices.Compact(n)
	}
	return x
}

func fromForm(x formIndex, prefix string, parameters []parameter) (map[string]any, error) {
	out := map[string]any{}
	for _, p := range parameters {
		name := prefix + p.query
		switch p.shape {
		case text:
			if x.form.Has(name) {
				out[p.json] = x.form.Get(name)
			}
		case number:
			if !x.form.Has(name) {
				continue
			}
			n, err := strconv.ParseInt(x.form.Get(name), 10, 64)
			if err != nil {
				return nil, api.Errorf("MalformedInput", "Value %s for parameter %s is invalid. Reason: Must be an integer.", x.form.Get(name), p.query)
			}
			out[p.json] = n
		case list:
			var l []string
			if x.form.Has(name) {
				l = append(l, x.form.Get(name))
			}
			for _, n := range x.numbers[name+"."] {
				l = append(l, x.form.Get(name+"."+strconv.Itoa(n)))
			}
			if l != nil {
				out[p.json] = l
			}
		case nameValueM:
			m := map[string]string{}
			for _, n := range append([]int{-1}, x.numbers[name+"."]...) {
				at := name + "." + strconv.Itoa(n) + "."
				if n < 0 {
					at = name + "."
				}
				if k := x.form.Get(at + "Name"); k != "" {
					m[k] = x.form.Get(at + "Value")
				}
			}
			if len(m) > 0 {
				out[p.json] = m
			}
		case attributeM:
			m, err := attributesFromForm(x, name)
			if err != nil {
				return nil, err
			}
			if len(m) > 0 {
				out[p.json] = m
			}
		case entries:
			var l []map[string]any
			for _, n := range x.numbers[name+"."] {
				e, err := fromForm(x, name+"."+strconv.Itoa(n)+".", p.members)
				if err != nil {
					return nil, err
				}
				l = append(l, e)
			}
			out[p.json] = l
		}
	}
	return out, nil
}

func attributesFromForm(x formIndex, name string) (map[string]attributeValue, error) {
	m := map[string]attributeValue{}
	for _, n := range x.numbers[name+"."] {
		at := name + "." + strconv.Itoa(n) + "."
		attr := x.form.Get(at + "Name")
		if _, twice := m[attr]; twice {
			return nil, errInvalid("Message (user) attribute name '%s' already exists.", attr)
		}
		v := attributeValue{DataType: x.form.Get(at + "Value.DataType")}
		if k := at + "Value.StringValue"; x.form.Has(k) {
			s := x.form.Get(k)
			v.StringValue = &s
		}
		if k := at + "Value.BinaryValue"; x.form.Has(k) {
			b, err := base64.StdEncoding.DecodeString(x.form.Get(k))
			if err != nil {
				return nil, errInvalid("The value of the message (user) attribute '%s' is not valid base64.", attr)
			}
			v.BinaryValue = &b
		}
		m[attr] = v
	}
	return m, nil
}

// QueryResponse is the answer of a call in the query protocol as API Gateway
// gets it: in JSON, wrapped as the XML would be, with the members in
// alphabetical order and null for those that have no value.
func QueryResponse(action string, out []byte, err error, requestID string) (status int, body []byte) {
	if err != nil {
		return queryError(err, requestID)
	}
	b := append([]byte(nil), `{"`...)
	b = append(b, action...)
	b = append(b, `Response":{"ResponseMetadata":{"RequestId":`...)
	b = jsontext.AppendString(b, requestID)
	b = append(b, '}')
	if result := queryResult(action, out); result != nil {
		b = append(b, `,"`...)
		b = append(b, action...)
		b = append(b, `Result":`...)
		b = append(b, result...)
	}
	return 200, append(b, "}}"...)
}

// queryResult is the JSON protocol's output as a result of the query protocol;
// nil if the action has none. The protocols differ in the members' names and in
// that the query protocol spells maps as lists.
func queryResult(action string, out []byte) []byte {
	switch action {
	case "DeleteMessage", "ChangeMessageVisibility", "SetQueueAttributes", "PurgeQueue":
		return nil
	case "SendMessage":
		var r struct {
			MD5OfMessageAttributes       *string
			MD5OfMessageBody             *string
			MD5OfMessageSystemAttributes *string
			MessageId                    *string
			SequenceNumber               *string
		}
		return convert(out, &r, &r)
	case "ReceiveMessage":
		var in struct{ Messages []receivedMessage }
		var r struct {
			Messages []queryMessage `json:"messages"`
		}
		if json.Unmarshal(out, &in) != nil {
			return out
		}
		for _, m := range in.Messages {
			r.Messages = append(r.Messages, queryMessage{
				Attributes: nameValues(m.Attributes), Body: m.Body, MD5OfBody: m.MD5OfBody,
				MD5OfMessageAttributes: m.MD5OfMessageAttributes,
				MessageAttributes:      nameValues(m.MessageAttributes),
				MessageId:              m.MessageId, ReceiptHandle: m.ReceiptHandle,
			})
		}
		return convert(nil, nil, &r)
	case "GetQueueAttributes":
		var in struct{ Attributes map[string]string }
		if json.Unmarshal(out, &in) != nil {
			return out
		}
		return convert(nil, nil, struct{ Attributes []nameValue[string] }{nameValues(in.Attributes)})
	case "ListQueues":
		var in struct{ QueueUrls []string }
		return convert(out, &in, &struct {
			NextToken *string
			QueueUrls *[]string `json:"queueUrls"`
		}{nil, &in.QueueUrls})
	}
	return out
}

type receivedMessage struct {
	MessageId, ReceiptHandle, MD5OfBody, Body string
	Attributes                                map[string]string
	MD5OfMessageAttributes                    *string
	MessageAttributes                         map[string]attributeValue
}

type queryMessage struct {
	Attributes             []nameValue[string]
	Body                   string
	MD5OfBody              string
	MD5OfMessageAttributes *string
	MessageAttributes      []nameValue[attributeValue]
	MessageId              string
	ReceiptHandle          string
}

type nameValue[T any] struct {
	Name  string
	Value T
}

func nameValues[T any](m map[string]T) (l []nameValue[T]) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		l = append(l, nameValue[T]{name, m[name]})
	}
	return l
}

// convert reads out into in, if given, and writes result.
func convert(out []byte, in, result any) []byte {
	if in != nil && json.Unmarshal(out, in) != nil {
		return out
	}
	b, err := jsontext.Marshal(result)
	if err != nil {
		return out
	}
	return b
}

func queryError(err error, requestID string) (int, []byte) {
	var e *api.Error
	if !errors.As(err, &e) {
		e = &api.Error{Code: "InternalFailure", Message: err.Error(), Status: 500}
	}
	kind, message := "Sender", e.Message
	if e.HTTPStatus() >= 500 {
		kind = "Receiver"
	}
	if e.Code == codeNoQueue {
		message = "The specified queue does not exist for this wsdl version."
	}
	b := append([]byte(nil), `{"Error":{"Code":`...)
	b = jsontext.AppendString(b, QueryCode(e.Code))
	b = append(b, `,"Message":`...)
	b = jsontext.AppendString(b, message)
	b = append(b, `,"Type":"`...)
	b = append(b, kind...)
	b = append(b, `"},"RequestId":`...)
	b = jsontext.AppendString(b, requestID)
	return e.HTTPStatus(), append(b, '}')
}
