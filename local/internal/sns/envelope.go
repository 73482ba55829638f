package sns

import (
	"encoding/base64"
	"strconv"
)

const timeFormat = "2006-01-02T15:04:05.000Z"

// envelope is the JSON document that an endpoint gets without raw delivery, laid
// out as SNS lays it out. Source: SNS Developer Guide, "HTTP/HTTPS notification JSON
// format" and its neighbours; queues get the same document.
func (m *message) envelope(sub *Subscription) []byte {
	s, body, timestamp := m.topic.s, m.bodyFor(sub.Protocol), m.at.Format(timeFormat)
	subscribeURL := ""
	if m.kind != kindNotification {
		subscribeURL = s.BaseURL + "/?Action=ConfirmSubscription&TopicArn=" + m.topic.ARN + "&Token=" + m.token
	}
	b := make([]byte, 0, 1400+len(body)+len(body)/8)
	add := func(name, value string) {
		b = append(b, ",\n  \""...)
		b = append(b, name...)
		b = append(b, `" : `...)
		b = appendString(b, value)
	}
	b = append(b, "{\n  \"Type\" : \""...)
	b = append(b, m.kind...)
	b = append(b, '"')
	add("MessageId", m.id)
	if m.kind != kindNotification {
		add("Token", m.token)
	}
	add("TopicArn", m.topic.ARN)
	if m.subject != "" {
		add("Subject", m.subject)
	}
	add("Message", body)
	if m.kind != kindNotification {
		add("SubscribeURL", subscribeURL)
	}
	add("Timestamp", timestamp)
	add("SignatureVersion", strconv.Itoa(m.topic.signature))
	add("Signature", m.signature(body, subscribeURL, timestamp))
	add("SigningCertURL", s.BaseURL+signer().path)
	if m.kind == kindNotification {
		add("UnsubscribeURL", sub.unsubscribeURL())
		if len(m.attributes) > 0 {
			b = append(b, ",\n  \"MessageAttributes\" : {"...)
			for i := range m.attributes {
				if i > 0 {
					b = append(b, ',')
				}
				b = append(b, "\n    "...)
				b = m.attributes[i].appendEnvelope(b)
			}
			b = append(b, "\n  }"...)
		}
	}
	return append(b, "\n}"...)
}

// appendEnvelope appends the attribute as a member of MessageAttributes.
func (a *attribute) appendEnvelope(b []byte) []byte {
	b = appendString(b, a.name)
	b = append(b, `:{"Type":`...)
	b = appendString(b, a.dataType)
	b = append(b, `,"Value":`...)
	if a.isBinary() {
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, a.binary)
		b = append(b, '"')
	} else {
		b = appendString(b, a.text)
	}
	return append(b, '}')
}

func (sub *Subscription) unsubscribeURL() string {
	return sub.topic.s.BaseURL + "/?Action=Unsubscribe&SubscriptionArn=" + sub.ARN
}

// invocation is the input of the call that invokes a function with the message.
// Source: Lambda Developer Guide, "Using AWS Lambda with Amazon SNS".
func (m *message) invocation(sub *Subscription) []byte {
	s, body, timestamp := m.topic.s, m.bodyFor(sub.Protocol), m.at.Format(timeFormat)
	b := make([]byte, 0, 1600+len(body)+len(body)/8)
	b = append(b, `{"FunctionName":`...)
	b = appendString(b, sub.Endpoint)
	b = append(b, `,"InvocationType":"Event","Payload":{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":`...)
	b = appendString(b, sub.ARN)
	b = append(b, `,"Sns":{"Type":"Notification"`...)
	add := func(name, value string) {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(b, `":`...)
		b = appendString(b, value)
	}
	add("MessageId", m.id)
	add("TopicArn", m.topic.ARN)
	if m.subject != "" {
		add("Subject", m.subject)
	} else {
		b = append(b, `,"Subject":null`...)
	}
	add("Message", body)
	add("Timestamp", timestamp)
	add("SignatureVersion", strconv.Itoa(m.topic.signature))
	add("Signature", m.signature(body, "", timestamp))
	add("SigningCertUrl", s.BaseURL+signer().path)
	add("UnsubscribeUrl", sub.unsubscribeURL())
	b = append(b, `,"MessageAttributes":{`...)
	for i := range m.attributes {
		if i > 0 {
			b = append(b, ',')
		}
		b = m.attributes[i].appendEnvelope(b)
	}
	return append(b, "}}}]}}"...)
}

// sending is the input of the call that sends the message to a queue, from the
// body on: with raw delivery the text and the attributes, else the envelope.
func (m *message) sending(sub *Subscription) []byte {
	if !sub.raw {
		return m.appendGroup(appendString([]byte(`"MessageBody":`), string(m.envelope(sub))))
	}
	body := m.bodyFor(sub.Protocol)
	if b, ok := m.raw[body]; ok {
		return b
	}
	b := make([]byte, 0, 128+len(body)+len(body)/8+128*len(m.attributes))
	b = appendString(append(b, `"MessageBody":`...), body)
	if len(m.attributes) > 0 {
		b = append(b, `,"MessageAttributes":{`...)
		for i := range m.attributes {
			if i > 0 {
				b = append(b, ',')
			}
			b = m.attributes[i].appendSending(b)
		}
		b = append(b, '}')
	}
	b = m.appendGroup(b)
	if m.raw == nil {
		m.raw = map[string][]byte{}
	}
	m.raw[body] = b
	return b
}

func (m *message) appendGroup(b []byte) []byte {
	if m.groupID != "" {
		b = appendString(append(b, `,"MessageGroupId":`...), m.groupID)
	}
	return append(b, '}')
}

func (a *attribute) appendSending(b []byte) []byte {
	b = appendString(b, a.name)
	b = append(b, `:{"DataType":`...)
	b = appendString(b, a.dataType)
	if a.isBinary() {
		b = append(b, `,"BinaryValue":"`...)
		b = base64.StdEncoding.AppendEncode(b, a.binary)
		b = append(b, '"')
	} else {
		b = append(b, `,"StringValue":`...)
		b = appendString(b, a.text)
	}
	return append(b, '}')
}
