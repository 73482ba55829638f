package sqs

import (
	"crypto/md5"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/msgattr"
)

// maxMessageSize is the largest message and the largest batch, in bytes: 1 MiB
// since August 2025.
const maxMessageSize = 1 << 20

// maxAttributes is how many attributes a message may have.
const maxAttributes = 10

// Attribute is a message attribute that the sender set.
type Attribute struct {
	Name string
	// DataType is "String", "Number" or "Binary", each with an optional label
	// after a dot.
	DataType    string
	StringValue string
	BinaryValue []byte
}

// Binary says whether the value is BinaryValue instead of StringValue.
func (a *Attribute) Binary() bool { return strings.HasPrefix(a.DataType, "Binary") }

// Message is a message in a queue. Its fields are for reading only.
type Message struct {
	ID         string
	Body       string
	MD5OfBody  string
	Attributes []Attribute // sorted by name
	// MD5OfAttributes is empty if there are none.
	MD5OfAttributes string
	// TraceHeader is the system attribute AWSTraceHeader; empty if not sent.
	TraceHeader    string
	MD5OfSystem    string
	SenderID       string
	GroupID        string // empty if none was given (standard queues only)
	DedupID        string // only FIFO
	SequenceNumber uint64 // only FIFO
	// DeadLetterSource is the ARN of the queue that the message failed in.
	DeadLetterSource string
	// Sent is when the message was first sent, to the millisecond.
	Sent time.Time

	size          int
	retained      time.Time // start of the retention period
	firstReceived time.Time
	received      time.Time // last receive
	receives      int       // ApproximateReceiveCount

	queue     *Queue
	group     *group
	ordinal   uint64 // place in the queue's order of arrival
	state     state
	receipt   uint32 // number of the receipt handle that is valid
	visibleAt time.Time
	held      bool   // in flight with an event source mapping that is not done with it
	index     int    // place in the heap that holds it
	key       string // of its record, once it was asked for
}

type state uint8

const (
	stateGone state = iota
	stateDelayed
	stateReady
	stateInFlight
)

// Delivery is a message as one receive got it.
type Delivery struct {
	*Message
	ReceiptHandle string
	// ReceiveCount is ApproximateReceiveCount at this receive.
	ReceiveCount int
	// FirstReceived is ApproximateFirstReceiveTimestamp.
	FirstReceived time.Time
}

func md5Hex[T string | []byte](v T) string {
	sum := md5.Sum([]byte(v))
	return hex.EncodeToString(sum[:])
}

// md5OfAttributes is the digest that SDKs verify: for each attribute in order
// of name the length-prefixed name and type, a byte that says string (1) or
// binary (2), and the length-prefixed value.
// Source: SQS Developer Guide, "Calculating the MD5 message digest for message attributes".
func md5OfAttributes(attrs []Attribute) string {
	if len(attrs) == 0 {
		return ""
	}
	var buf []byte
	for i := range attrs {
		a := &attrs[i]
		buf = appendSized(buf, a.Name)
		buf = appendSized(buf, a.DataType)
		if a.Binary() {
			buf = append(buf, 2)
			buf = appendSized(buf, a.BinaryValue)
		} else {
			buf = append(buf, 1)
			buf = appendSized(buf, a.StringValue)
		}
	}
	return md5Hex(buf)
}

func appendSized[T string | []byte](buf []byte, v T) []byte {
	n := len(v)
	return append(append(buf, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)), v...)
}

// attributesSize is what attributes count against the message size: their
// names, types and values.
func attributesSize(attrs []Attribute) int {
	n := 0
	for i := range attrs {
		n += len(attrs[i].Name) + len(attrs[i].DataType) + len(attrs[i].StringValue) + len(attrs[i].BinaryValue)
	}
	return n
}

// attributeValue is an attribute in the JSON protocol.
type attributeValue struct {
	DataType         string   `json:"DataType"`
	StringValue      *string  `json:"StringValue,omitempty"`
	BinaryValue      *[]byte  `json:"BinaryValue,omitempty"`
	StringListValues []string `json:"StringListValues,omitempty"`
	BinaryListValues [][]byte `json:"BinaryListValues,omitempty"`
}

// attributes checks a message's attributes and sorts them by name.
func attributes(in map[string]attributeValue) ([]Attribute, error) {
	if len(in) == 0 {
		return nil, nil
	}
	if len(in) > maxAttributes {
		return nil, errInvalid("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(in), maxAttributes)
	}
	out := make([]Attribute, 0, len(in))
	for name, v := range in {
		a := Attribute{Name: name, DataType: v.DataType}
		if v.StringValue != nil {
			a.StringValue = *v.StringValue
		}
		if v.BinaryValue != nil {
			a.BinaryValue = *v.BinaryValue
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b Attribute) int { return strings.Compare(a.Name, b.Name) })
	for i := range out {
		if err := checkAttribute(&out[i], in[out[i].Name]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func checkAttribute(a *Attribute, v attributeValue) error {
	if err := checkAttributeName(a.Name); err != nil {
		return err
	}
	base, _, _ := strings.Cut(a.DataType, ".")
	switch {
	case a.DataType == "":
		return errInvalid("The message attribute '%s' must contain non-empty message attribute type.", a.Name)
	case base != "String" && base != "Number" && base != "Binary":
		return errInvalid("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", a.Name)
	case len(a.DataType) > 256:
		return errInvalid("Length of message attribute type must be less than 256 bytes.")
	case len(v.StringListValues) > 0 || len(v.BinaryListValues) > 0:
		return api.Errorf("UnsupportedOperation", "Message attribute list values in SendMessage operation are not supported.")
	}
	value := a.StringValue
	if base == "Binary" {
		value = string(a.BinaryValue)
		if v.StringValue != nil {
			return errInvalid("The message attribute '%s' with type 'Binary' must use field 'Binary'.", a.Name)
		}
	} else if v.BinaryValue != nil {
		return errInvalid("The message attribute '%s' with type '%s' must use field 'String'.", a.Name, base)
	}
	if value == "" {
		return errInvalid("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", a.Name, base)
	}
	switch base {
	case "String":
		if c, ok := invalidChar(a.StringValue); ok {
			return errInvalid("Invalid binary character '#x%X' was found in the message attribute '%s' value, the set of allowed characters is %s", c, a.Name, allowedChars)
		}
	case "Number":
		if !msgattr.IsNumber(a.StringValue) {
			return errInvalid("Can't cast the value of message (user) attribute '%s' to a number.", a.Name)
		}
	}
	return nil
}

func checkAttributeName(name string) error {
	switch lower := strings.ToLower(name); {
	case name == "" || len(name) > 256:
		return errInvalid("Message (user) attribute names must be shorter than 256 Bytes")
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon."):
		return errInvalid("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'.")
	case name[0] == '.' || name[len(name)-1] == '.' || strings.Contains(name, ".."):
		return errInvalid("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'.")
	}
	for i := range len(name) {
		if c := name[i]; c != '.' && !msgattr.IsNameByte(c) {
			return errInvalid("Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens and underscores. ")
		}
	}
	return nil
}

const allowedChars = "#x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF]."

// invalidChar finds the first character that SQS refuses: those outside the
// Char production of XML 1.0. SQS still does so in the JSON protocol.
func invalidChar(s string) (rune, bool) {
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < utf8.RuneSelf || c == '\n' || c == '\r' || c == '\t' {
			i++
			continue
		}
		if c < 0x20 {
			return rune(c), true
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == 0xFFFE || r == 0xFFFF || r == utf8.RuneError && n == 1 {
			return r, true
		}
		i += n
	}
	return 0, false
}

func checkBody(body string) error {
	if body == "" {
		return errMissing("MessageBody")
	}
	if c, ok := invalidChar(body); ok {
		return api.Errorf("InvalidMessageContents", "Invalid binary character '#x%X' was found in the message body, the set of allowed characters is %s", c, allowedChars)
	}
	return nil
}

// checkID holds the rule of MessageGroupId and MessageDeduplicationId: 1 to 128
// letters, digits and ASCII punctuation.
func checkID(parameter, id string) error {
	bad := id == "" || len(id) > 128
	for i := 0; i < len(id) && !bad; i++ {
		bad = id[i] <= ' ' || id[i] > '~'
	}
	if bad {
		return errInvalid("Value %s for parameter %s is invalid. Reason: %s can only include alphanumeric and punctuation characters. 1 to 128 in length.", id, parameter, parameter)
	}
	return nil
}

// Received is when the message was received last.
func (m *Message) Received() time.Time { return m.received }

// Size is what the message counts against size limits: body and attributes, in bytes.
func (m *Message) Size() int { return m.size }
