package sns

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/eventpattern"
	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
	"github.com/orderflow-cdk/orderflow/local/internal/msgattr"
)

// message is a message that was published.
type message struct {
	topic      *Topic
	id         string
	kind       string // Type: one of the kinds
	subject    string
	body       string
	bodies     map[string]string // by protocol, with MessageStructure json
	attributes []attribute       // sorted by name
	groupID    string
	at         time.Time
	token      string // of a request to confirm

	number   uint64 // orders messages by when they were made
	users    int    // deliveries under way, and the fan-out
	accepted bool   // it has not been fanned out

	// What more than one delivery needs is made once.
	signed     map[string]string // signatures by text
	raw        map[string][]byte // ends of the input of SendMessage by text
	filterable map[string]eventpattern.Attribute
}

const (
	kindNotification = "Notification"
	kindSubscribe    = "SubscriptionConfirmation"
	kindUnsubscribe  = "UnsubscribeConfirmation"
)

// attribute is a message attribute.
type attribute struct {
	name, dataType string
	text           string
	binary         []byte
}

func (a *attribute) isBinary() bool { return strings.HasPrefix(a.dataType, "Binary") }

// attributeValue is an attribute as the API's input has it.
type attributeValue struct {
	DataType    *string
	StringValue *string
	BinaryValue *[]byte
}

// publishInput is a message to publish, as Publish and an entry of PublishBatch
// describe it.
type publishInput struct {
	Id                     string
	Message                string
	Subject                *string
	MessageStructure       string
	MessageAttributes      map[string]attributeValue
	MessageDeduplicationId *string
	MessageGroupId         *string
}

// prepare checks a message and makes it, without an id. at says where in the input
// it stands, for messages about it.
func (t *Topic) prepare(in *publishInput, at string) (*message, error) {
	m := &message{topic: t, kind: kindNotification, body: in.Message, at: t.s.k.Now().Truncate(time.Millisecond)}
	if in.Subject != nil {
		if !validSubject(*in.Subject) {
			return nil, errInvalid("Subject")
		}
		m.subject = *in.Subject
	}
	if in.Message == "" {
		return nil, errInvalid("Empty message")
	}
	var err error
	if m.attributes, err = attributes(in.MessageAttributes, at); err != nil {
		return nil, err
	}
	if in.MessageDeduplicationId != nil {
		return nil, errInvalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	}
	if in.MessageGroupId != nil {
		if !validGroupID(*in.MessageGroupId) {
			return nil, errInvalid("MessageGroupId Reason: The MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length")
		}
		m.groupID = *in.MessageGroupId
	}
	switch in.MessageStructure {
	case "":
	case "json":
		if err := m.structure(); err != nil {
			return nil, err
		}
	default:
		return nil, errInvalid("MessageStructure")
	}
	return m, nil
}

// structure takes the message apart that has a text for each protocol. Source:
// SNS API Reference, Publish: keys whose value is no string are ignored.
func (m *message) structure() error {
	var all map[string]any
	if err := json.Unmarshal([]byte(m.body), &all); err != nil {
		return errInvalid("Message Structure - JSON message body failed to parse")
	}
	m.bodies = make(map[string]string, len(all))
	for key, value := range all {
		if s, ok := value.(string); ok {
			m.bodies[key] = s
		}
	}
	var ok bool
	if m.body, ok = m.bodies["default"]; !ok {
		return errInvalid("Message Structure - No default entry in JSON message body")
	}
	return nil
}

// bodyFor is the text for one protocol.
func (m *message) bodyFor(protocol string) string {
	if b, ok := m.bodies[protocol]; ok {
		return b
	}
	return m.body
}

// size is what a message counts against the limits: its text, and its attributes'
// names, types and values.
func (in *publishInput) size() int {
	n := len(in.Message)
	for name, a := range in.MessageAttributes {
		n += len(name)
		if a.DataType != nil {
			n += len(*a.DataType)
		}
		if a.StringValue != nil {
			n += len(*a.StringValue)
		}
		if a.BinaryValue != nil {
			n += len(*a.BinaryValue)
		}
	}
	return n
}

// validSubject holds the rules for subjects. Source: SNS API Reference, Publish: no
// line breaks or control characters, and less than 100 characters long (which the
// service takes as up to 100).
func validSubject(s string) bool {
	n := 0
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			return false
		}
		n++
	}
	return n > 0 && n <= 100
}

func validGroupID(id string) bool {
	return id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

// attributes checks a message's attributes and sorts them by name.
func attributes(in map[string]attributeValue, at string) ([]attribute, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := make([]attribute, 0, len(in))
	for name := range in {
		out = append(out, attribute{name: name})
	}
	slices.SortFunc(out, func(a, b attribute) int { return strings.Compare(a.name, b.name) })
	for i := range out {
		if err := out[i].fill(in[out[i].name], at); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fill checks an attribute and takes its value over.
func (a *attribute) fill(v attributeValue, at string) error {
	if err := checkAttributeName(a.name); err != nil {
		return err
	}
	if v.DataType == nil {
		return api.Errorf("ValidationError", "1 validation error detected: Value null at '%smessageAttributes.%s.member.dataType' failed to satisfy constraint: Member must not be null", at, a.name)
	}
	a.dataType = *v.DataType
	base, label, labelled := strings.Cut(a.dataType, ".")
	if base != "String" && base != "Number" && base != "Binary" || labelled && label == "" || len(a.dataType) > 256 {
		return errValue("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", a.name)
	}
	missing := errValue("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", a.name, a.dataType)
	switch {
	case v.StringValue == nil && v.BinaryValue == nil:
		return missing
	case base == "Binary":
		if v.BinaryValue == nil {
			return errValue("The message attribute '%s' with type '%s' must use field 'Binary'.", a.name, a.dataType)
		}
		if a.binary = *v.BinaryValue; len(a.binary) == 0 {
			return missing
		}
	default:
		if v.StringValue == nil {
			return errValue("The message attribute '%s' with type '%s' must use field 'String'.", a.name, a.dataType)
		}
		if a.text = *v.StringValue; a.text == "" {
			return missing
		}
	}
	switch {
	case base == "Number" && !msgattr.IsNumber(a.text):
		return errValue("Could not cast message attribute '%s' value to number.", a.name)
	case a.dataType == "String.Array" && !isArray(a.text):
		return errValue("The message attribute '%s' of type 'String.Array' must be a JSON array of strings, numbers, booleans and null.", a.name)
	}
	return nil
}

// isArray says whether s is a JSON array of scalars. Source: SNS Developer Guide,
// "Message attributes", String.Array.
func isArray(s string) bool {
	var list []any
	if json.Unmarshal([]byte(s), &list) != nil || list == nil {
		return false
	}
	return !slices.ContainsFunc(list, func(v any) bool {
		switch v.(type) {
		case map[string]any, []any:
			return true
		}
		return false
	})
}

func checkAttributeName(name string) error {
	switch {
	case name == "" || len(name) > 256:
		return errValue("Length of message attribute name must be less than 256 bytes.")
	case name[0] == '.':
		return errValue("Invalid message attribute name starting with character '.' was found.")
	case name[len(name)-1] == '.':
		return errValue("Invalid message attribute name ending with character '.' was found.")
	case strings.HasPrefix(strings.ToLower(name), "aws.") || strings.HasPrefix(strings.ToLower(name), "amazon."):
		return errValue("Invalid message attribute name starting with the reserved prefix 'AWS.' or 'Amazon.' was found.")
	}
	for i, r := range name {
		if r != '.' && (r > 127 || !msgattr.IsNameByte(byte(r))) {
			return errValue("Invalid non-alphanumeric character '#x%X' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.", r)
		}
		if r == '.' && name[i-1] == '.' {
			return errValue("Message attribute name can not have successive '.' character.")
		}
	}
	return nil
}

func appendString(b []byte, s string) []byte { return jsontext.AppendString(b, s) }
