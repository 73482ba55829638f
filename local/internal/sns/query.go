package sns

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// shape says how a parameter of the query protocol becomes a member of the input.
type shape uint8

const (
	textShape      shape = iota
	boolShape            // true, false
	mapShape             // Name.entry.1.key, Name.entry.1.value
	attributeShape       // Name.entry.1.Name, Name.entry.1.Value.DataType, …
	entryShape           // Name.member.1.<member>, with members of their own
)

type parameter struct {
	name    string
	shape   shape
	members []parameter
}

func texts(names ...string) []parameter {
	out := make([]parameter, len(names))
	for i, name := range names {
		out[i] = parameter{name: name}
	}
	return out
}

var messageParameters = append(texts("Message", "Subject", "MessageStructure", "MessageDeduplicationId", "MessageGroupId"),
	parameter{name: "MessageAttributes", shape: attributeShape})

// queryParameters are the parameters of each action. Whatever else a form holds
// is ignored.
var queryParameters = map[string][]parameter{
	"Publish": slices.Concat(texts("TopicArn", "TargetArn", "PhoneNumber"), messageParameters),
	"PublishBatch": append(texts("TopicArn"), parameter{name: "PublishBatchRequestEntries", shape: entryShape,
		members: slices.Concat(texts("Id"), messageParameters)}),
	"Subscribe": append(texts("TopicArn", "Protocol", "Endpoint"),
		parameter{name: "Attributes", shape: mapShape}, parameter{name: "ReturnSubscriptionArn", shape: boolShape}),
	"ConfirmSubscription":       texts("TopicArn", "Token", "AuthenticateOnUnsubscribe"),
	"Unsubscribe":               texts("SubscriptionArn"),
	"ListSubscriptions":         texts("NextToken"),
	"ListSubscriptionsByTopic":  texts("TopicArn", "NextToken"),
	"ListTopics":                texts("NextToken"),
	"GetTopicAttributes":        texts("TopicArn"),
	"SetTopicAttributes":        texts("TopicArn", "AttributeName", "AttributeValue"),
	"GetSubscriptionAttributes": texts("SubscriptionArn"),
	"SetSubscriptionAttributes": texts("SubscriptionArn", "AttributeName", "AttributeValue"),
}

// notSimulated are the actions that SNS has and this package does not.
var notSimulated = strings.Fields(`AddPermission CheckIfPhoneNumberIsOptedOut CreatePlatformApplication CreatePlatformEndpoint
	CreateSMSSandboxPhoneNumber CreateTopic DeleteEndpoint DeletePlatformApplication DeleteSMSSandboxPhoneNumber DeleteTopic
	GetDataProtectionPolicy GetEndpointAttributes GetPlatformApplicationAttributes GetSMSAttributes GetSMSSandboxAccountStatus
	ListEndpointsByPlatformApplication ListOriginationNumbers ListPhoneNumbersOptedOut ListPlatformApplications
	ListSMSSandboxPhoneNumbers ListTagsForResource OptInPhoneNumber PutDataProtectionPolicy RemovePermission SetEndpointAttributes
	SetPlatformApplicationAttributes SetSMSAttributes TagResource UntagResource VerifySMSSandboxPhoneNumber`)

// DecodeQuery turns the form of a call in the query protocol into the action and
// the input that Service.Do takes. An error that is not an *api.Error says that the
// action is not simulated.
func DecodeQuery(form url.Values) (action string, input []byte, err error) {
	action = form.Get("Action")
	if action == "" {
		return "", nil, api.Errorf("MissingAction", "The request must contain the parameter Action.")
	}
	if slices.Contains(notSimulated, action) {
		return action, nil, fmt.Errorf("sns: action %s is not simulated", action)
	}
	parameters, ok := queryParameters[action]
	if !ok {
		return action, nil, api.Errorf("InvalidAction", "The action %s is not valid for this endpoint.", action)
	}
	f := formReader{form: form}
	size := 0
	for name, values := range form {
		size += len(name) + len(values[0]) + len(values[0])/4 // JSON escapes quotes again
	}
	input = f.object(make([]byte, 0, size), "", parameters)
	return action, input, f.err
}

// formReader writes the parameters of a form as JSON. It keeps the first error.
type formReader struct {
	form url.Values
	err  error
}

func (f *formReader) fail(format string, args ...any) {
	if f.err == nil {
		f.err = api.Errorf("MalformedInput", format, args...)
	}
}

// numbers are those that stand after a prefix: the places of a list or a map.
func (f *formReader) numbers(prefix string) []int {
	var out []int
	for key := range f.form {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			part, _, _ := strings.Cut(rest, ".")
			if n, err := strconv.Atoi(part); err == nil {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// object appends a JSON object with the parameters that the form has.
func (f *formReader) object(b []byte, prefix string, parameters []parameter) []byte {
	b = append(b, '{')
	first := true
	for _, p := range parameters {
		before := len(b)
		if !first {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), p.name...), `":`...)
		value := len(b)
		if b = f.value(b, prefix+p.name, p); len(b) == value {
			b = b[:before]
			continue
		}
		first = false
	}
	return append(b, '}')
}

// value appends a parameter's value, or nothing if the form has none.
func (f *formReader) value(b []byte, name string, p parameter) []byte {
	switch p.shape {
	case textShape:
		if f.form.Has(name) {
			b = appendString(b, f.form.Get(name))
		}
	case boolShape:
		switch v := f.form.Get(name); v {
		case "":
		case "true", "false":
			b = append(b, v...)
		default:
			f.fail("Value %s for parameter %s is invalid. Reason: Must be true or false.", v, name)
		}
	case mapShape:
		b = f.each(b, name+".entry.", '{', '}', func(b []byte, at string) []byte {
			b = append(appendString(b, f.form.Get(at+"key")), ':')
			return appendString(b, f.form.Get(at+"value"))
		})
	case attributeShape:
		b = f.each(b, name+".entry.", '{', '}', func(b []byte, at string) []byte {
			b = append(appendString(b, f.form.Get(at+"Name")), ':')
			return f.attribute(b, at+"Value.")
		})
	case entryShape:
		b = f.each(b, name+".member.", '[', ']', func(b []byte, at string) []byte {
			return f.object(b, at, p.members)
		})
	}
	return b
}

func (f *formReader) each(b []byte, prefix string, open, close byte, element func(b []byte, at string) []byte) []byte {
	numbers := f.numbers(prefix)
	if numbers == nil {
		return b
	}
	for i, n := range numbers {
		if i == 0 {
			b = append(b, open)
		} else {
			b = append(b, ',')
		}
		b = element(b, prefix+strconv.Itoa(n)+".")
	}
	return append(b, close)
}

func (f *formReader) attribute(b []byte, at string) []byte {
	b = append(b, '{')
	for _, member := range []string{"DataType", "StringValue", "BinaryValue"} {
		if !f.form.Has(at + member) {
			continue
		}
		v := f.form.Get(at + member)
		if _, err := base64.StdEncoding.DecodeString(v); err != nil && member == "BinaryValue" {
			f.fail("%s%s is not valid base64.", at, member)
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), member...), `":`...)
		b = appendString(b, v)
	}
	return append(b, '}')
}
