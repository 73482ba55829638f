package lambda

import (
	"encoding/base64"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

// maxRecordOverhead is more than a record takes beside its body and its
// message attributes.
const maxRecordOverhead = 1600

// appendEvent appends the event that Lambda makes of a batch of messages. It
// is built by hand because every message of the stack passes here.
func appendEvent(b []byte, batch []sqs.Delivery, arn, region string) []byte {
	b = append(b, `{"Records":[`...)
	for i := range batch {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendRecord(b, &batch[i], arn, region)
	}
	return append(b, "]}"...)
}

func appendRecord(b []byte, d *sqs.Delivery, arn, region string) []byte {
	b = append(b, `{"messageId":"`...)
	b = append(b, d.ID...)
	b = append(b, `","receiptHandle":"`...)
	b = append(b, d.ReceiptHandle...)
	b = append(b, `","body":`...)
	b = jsontext.AppendString(b, d.Body)
	b = append(b, `,"attributes":`...)
	b = d.AppendSystemAttributes(b, nil)
	b = append(b, `,"messageAttributes":{`...)
	for i := range d.Attributes {
		a := &d.Attributes[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = jsontext.AppendString(b, a.Name)
		if a.Binary() {
			b = append(b, `:{"binaryValue":"`...)
			b = base64.StdEncoding.AppendEncode(b, a.BinaryValue)
			b = append(b, '"')
		} else {
			b = append(b, `:{"stringValue":`...)
			b = jsontext.AppendString(b, a.StringValue)
		}
		b = append(b, `,"stringListValues":[],"binaryListValues":[],"dataType":`...)
		b = jsontext.AppendString(b, a.DataType)
		b = append(b, '}')
	}
	b = append(b, `},"md5OfMessageAttributes":`...)
	if d.MD5OfAttributes == "" {
		b = append(b, "null"...)
	} else {
		b = append(b, '"')
		b = append(b, d.MD5OfAttributes...)
		b = append(b, '"')
	}
	b = append(b, `,"md5OfBody":"`...)
	b = append(b, d.MD5OfBody...)
	b = append(b, `","eventSource":"aws:sqs","eventSourceARN":"`...)
	b = append(b, arn...)
	b = append(b, `","awsRegion":"`...)
	b = append(b, region...)
	return append(b, `"}`...)
}

// recordSize is an upper bound of what a message takes in an event.
func recordSize(m *sqs.Message) int {
	n := maxRecordOverhead + escapedSize(m.Body)
	for i := range m.Attributes {
		a := &m.Attributes[i]
		n += 100 + len(a.Name) + len(a.DataType) + escapedSize(a.StringValue) + base64.StdEncoding.EncodedLen(len(a.BinaryValue))
	}
	return n
}

func escapedSize(s string) int {
	n := len(s)
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
			n++
		case c < 0x20:
			n += 5
		}
	}
	return n
}
