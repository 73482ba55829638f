package awsapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// namespaces are those of the documents that the services answer in AWS Query.
var namespaces = map[string]string{
	"sqs": "http://queue.amazonaws.com/doc/2012-11-05/",
	"sts": "https://sts.amazonaws.com/doc/2011-06-15/",

	"cloudformation": "http://cloudformation.amazonaws.com/doc/2010-05-15/",
}

// elements are what the members of SQS's JSON answers are called in its XML, where that differs. Batches have
// names of their own: see batchElement.
var elements = map[string]string{
	"Messages": "Message", "Attributes": "Attribute", "MessageAttributes": "MessageAttribute", "QueueUrls": "QueueUrl", "queueUrls": "QueueUrl",
	"Results": "ListMessageMoveTasksResultEntry", "Failed": "BatchResultErrorEntry",
}

// withoutResult are the actions of SQS that have no result.
var withoutResult = []string{"DeleteMessage", "ChangeMessageVisibility", "SetQueueAttributes", "PurgeQueue"}

// encodeQuery is the answer of SQS, STS or CloudFormation in AWS Query: members are elements, a list is its elements one after the other (SQS
// has flattened lists only) or each in an element "member" (CloudFormation), and a map of SQS's one element for each entry, with Name and Value.
func encodeQuery(service, action string, out []byte, requestID string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<%sResponse xmlns="%s">`, action, namespaces[service])
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(out))
	d.UseNumber()
	if d.Decode(&doc) == nil && !(service == "sqs" && slices.Contains(withoutResult, action)) {
		fmt.Fprintf(&b, "<%sResult>", action)
		if service == "cloudformation" {
			listed(doc)
		}
		members(&b, action, doc)
		fmt.Fprintf(&b, "</%sResult>", action)
	}
	fmt.Fprintf(&b, "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>", requestID, action)
	return b.Bytes()
}

// listed puts the elements of lists into elements of their own, with the name that they have where lists are not flattened.
func listed(doc map[string]any) {
	for name, v := range doc {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				if m, ok := e.(map[string]any); ok {
					listed(m)
				}
			}
			doc[name] = map[string]any{"member": v}
		case map[string]any:
			listed(v)
		}
	}
}

func members(b *bytes.Buffer, action string, m map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		element := name
		if other, ok := elements[name]; ok {
			element = other
		} else if name == "Successful" {
			element = action + "ResultEntry"
		}
		v := m[name]
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				value(b, action, element, e)
			}
		case map[string]any:
			if name != "Attributes" && name != "MessageAttributes" {
				value(b, action, element, v)
				continue
			}
			for _, key := range slices.Sorted(maps.Keys(v)) {
				fmt.Fprintf(b, "<%s>", element)
				value(b, action, "Name", key)
				value(b, action, "Value", v[key])
				fmt.Fprintf(b, "</%s>", element)
			}
		default:
			value(b, action, element, v)
		}
	}
}

func value(b *bytes.Buffer, action, element string, v any) {
	if v == nil {
		return
	}
	fmt.Fprintf(b, "<%s>", element)
	if m, ok := v.(map[string]any); ok {
		members(b, action, m)
	} else {
		b.WriteString(strings.ReplaceAll(escaped(fmt.Sprint(v)), "\n", "&#xA;"))
	}
	fmt.Fprintf(b, "</%s>", element)
}
