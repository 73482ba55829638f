package dynamodb

import (
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// decoder reads JSON directly into requests: these are the calls an order
// makes most of, and reflection would be most of their cost.
type decoder struct {
	buf []byte
	pos int
	// names interns attribute names, which repeat from call to call.
	names map[string]string
	depth int
	// scratch is where lists and maps grow; they are copied out of it to size.
	scratch *scratch
}

const maxJSONDepth = 512

func serializationError(msg string) *api.Error {
	return &api.Error{Code: "SerializationException", Message: msg, Status: 400}
}

var errMalformed = serializationError("The request body is not valid JSON")

func (d *decoder) space() byte {
	for d.pos < len(d.buf) {
		switch c := d.buf[d.pos]; c {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return c
		}
	}
	return 0
}

func (d *decoder) expect(c byte) bool {
	if d.space() != c {
		return false
	}
	d.pos++
	return true
}

// rawString reads a string and returns its bytes, valid until the next call.
func (d *decoder) rawString() ([]byte, bool) {
	if !d.expect('"') {
		return nil, false
	}
	start := d.pos
	ascii := true
	for ; d.pos < len(d.buf); d.pos++ {
		switch c := d.buf[d.pos]; {
		case c == '"':
			s := d.buf[start:d.pos]
			d.pos++
			if !ascii && !utf8.Valid(s) {
				s = []byte(string([]rune(string(s))))
			}
			return s, true
		case c == '\\':
			return d.escapedString(start)
		case c < ' ':
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false
}

func (d *decoder) escapedString(start int) ([]byte, bool) {
	out := append([]byte(nil), d.buf[start:d.pos]...)
	for d.pos < len(d.buf) {
		c := d.buf[d.pos]
		d.pos++
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				out = []byte(string([]rune(string(out))))
			}
			return out, true
		case c < ' ':
			return nil, false
		case c != '\\':
			out = append(out, c)
			continue
		}
		if d.pos == len(d.buf) {
			return nil, false
		}
		c = d.buf[d.pos]
		d.pos++
		switch c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := d.hex4()
			if !ok {
				return nil, false
			}
			if utf16.IsSurrogate(r) {
				save := d.pos
				second := rune(-1)
				if d.pos+1 < len(d.buf) && d.buf[d.pos] == '\\' && d.buf[d.pos+1] == 'u' {
					d.pos += 2
					if second, ok = d.hex4(); !ok {
						return nil, false
					}
				}
				if r = utf16.DecodeRune(r, second); r == utf8.RuneError {
					d.pos = save
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			return nil, false
		}
	}
	return nil, false
}

func (d *decoder) hex4() (rune, bool) {
	if d.pos+4 > len(d.buf) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(d.buf[d.pos:d.pos+4]), 16, 32)
	d.pos += 4
	return rune(n), err == nil
}

// name reads a string that is likely to have been read before.
func (d *decoder) name() (string, error) {
	raw, ok := d.rawString()
	if !ok {
		return "", errMalformed
	}
	if s, ok := d.names[string(raw)]; ok {
		return s, nil
	}
	s := string(raw)
	if d.names != nil && len(d.names) < 10_000 && len(s) <= 255 {
		d.names[s] = s
	}
	return s, nil
}

// found names what stands at the cursor as DynamoDB's messages do.
func (d *decoder) found() string {
	switch c := d.space(); c {
	case '"':
		return "STRING_VALUE"
	case 't':
		return "TRUE_VALUE"
	case 'f':
		return "FALSE_VALUE"
	default:
		end := d.pos
		for end < len(d.buf) && (d.buf[end] >= '0' && d.buf[end] <= '9' || d.buf[end] == '-') {
			end++
		}
		if end < len(d.buf) && (d.buf[end] == '.' || d.buf[end] == 'e' || d.buf[end] == 'E') {
			return "DECIMAL_VALUE"
		}
		return "NUMBER_VALUE"
	}
}

// scalar refuses a list or an object where a scalar of the given Java type belongs.
func (d *decoder) scalar(javaType string) error {
	switch d.space() {
	case '{':
		return serializationError("Start of structure or map found where not expected")
	case '[':
		return serializationError("Unrecognized collection type class java.lang." + javaType)
	}
	return nil
}

// text reads a String member.
func (d *decoder) text() (string, error) {
	if err := d.scalar("String"); err != nil {
		return "", err
	}
	if d.space() != '"' {
		return "", serializationError(d.found() + " cannot be converted to String")
	}
	raw, ok := d.rawString()
	if !ok {
		return "", errMalformed
	}
	return string(raw), nil
}

// boolean reads a Boolean member.
func (d *decoder) boolean() (bool, error) {
	if err := d.scalar("Boolean"); err != nil {
		return false, err
	}
	switch d.space() {
	case 't':
		return true, d.literal("true")
	case 'f':
		return false, d.literal("false")
	case '"':
		s, err := d.name()
		switch s {
		case "true", "TRUE", "True", "1", "yes", "YES":
			return true, err
		case "false", "FALSE", "False", "0", "no", "NO":
			return false, err
		}
		return false, serializationError("Unexpected token received from parser")
	}
	return false, serializationError(d.found() + " cannot be converted to Boolean")
}

func (d *decoder) literal(s string) error {
	if d.pos+len(s) > len(d.buf) || string(d.buf[d.pos:d.pos+len(s)]) != s {
		return errMalformed
	}
	d.pos += len(s)
	return nil
}

// null consumes a null, which stands for an absent member.
func (d *decoder) null() bool {
	if d.space() != 'n' {
		return false
	}
	return d.literal("null") == nil
}

// integer reads an Integer member; fractions are cut off, as the service does.
func (d *decoder) integer() (int, error) {
	if err := d.scalar("Integer"); err != nil {
		return 0, err
	}
	c := d.space()
	if c == '"' || c == 't' || c == 'f' {
		return 0, serializationError(d.found() + " cannot be converted to Integer")
	}
	start := d.pos
	if err := d.skipNumber(); err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(string(d.buf[start:d.pos]), 64)
	if err != nil || math.Abs(f) > 1<<31 {
		return 0, errMalformed
	}
	return int(math.Floor(f)), nil
}

func (d *decoder) skipNumber() error {
	start := d.pos
	for d.pos < len(d.buf) {
		switch c := d.buf[d.pos]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
			d.pos++
			continue
		}
		break
	}
	if start == d.pos {
		return errMalformed
	}
	return nil
}

// object calls member for each member of an object, which must consume it.
// what is the Java type that messages name, "" for the request itself.
func (d *decoder) object(what string, member func(name string) error) error {
	switch d.space() {
	case '{':
		d.pos++
	case '[':
		if what == "" {
			return errMalformed
		}
		return serializationError("Unrecognized collection type " + what)
	default:
		if what == "" {
			return errMalformed
		}
		return serializationError("Unexpected field type")
	}
	if d.depth++; d.depth > maxJSONDepth {
		return errMalformed
	}
	defer func() { d.depth-- }()
	if d.expect('}') {
		return nil
	}
	for {
		name, err := d.name()
		if err != nil {
			return err
		}
		if !d.expect(':') {
			return errMalformed
		}
		if !d.null() {
			if err := member(name); err != nil {
				return err
			}
		}
		if d.expect(',') {
			continue
		}
		if d.expect('}') {
			return nil
		}
		return errMalformed
	}
}

// array calls element for each element of a list.
func (d *decoder) array(element func() error) error {
	switch d.space() {
	case '[':
		d.pos++
	case '{':
		return serializationError("Start of structure or map found where not expected")
	default:
		return serializationError("Unexpected field type")
	}
	if d.depth++; d.depth > maxJSONDepth {
		return errMalformed
	}
	defer func() { d.depth-- }()
	if d.expect(']') {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if d.expect(',') {
			continue
		}
		if d.expect(']') {
			return nil
		}
		return errMalformed
	}
}

// skip passes over any value.
func (d *decoder) skip() error {
	switch d.space() {
	case '{':
		return d.object("", func(string) error { return d.skip() })
	case '[':
		return d.array(d.skip)
	case '"':
		if _, ok := d.rawString(); !ok {
			return errMalformed
		}
		return nil
	case 't':
		return d.literal("true")
	case 'f':
		return d.literal("false")
	case 'n':
		return d.literal("null")
	}
	return d.skipNumber()
}

// end checks that nothing follows.
func (d *decoder) end() error {
	if d.space() != 0 || d.pos != len(d.buf) {
		return errMalformed
	}
	return nil
}
