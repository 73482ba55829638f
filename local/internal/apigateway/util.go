package apigateway

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

// utilObject is $util.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html#util-template-reference
type utilObject struct{}

func (utilObject) TypeName() string { return "$util" }

func (utilObject) Property(string) (any, bool, error) { return nil, false, nil }

func (utilObject) Call(name string, args []any) (any, bool, error) {
	if len(args) != 1 {
		return nil, false, nil
	}
	switch name {
	case "escapeJavaScript", "parseJson", "urlEncode", "urlDecode", "base64Encode", "base64Decode":
	default:
		return nil, false, nil
	}
	if args[0] == nil {
		return nil, true, nil
	}
	s, err := vtl.ToString(args[0])
	if err != nil {
		return nil, true, err
	}
	switch name {
	case "escapeJavaScript":
		return escapeJavaScript(s), true, nil
	case "urlEncode":
		return urlEncode(s), true, nil
	case "base64Encode":
		return base64.StdEncoding.EncodeToString([]byte(s)), true, nil
	case "parseJson":
		v, err := vtl.FromJSON([]byte(s))
		return v, true, err
	case "urlDecode":
		v, err := urlDecode(s)
		return v, true, err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		b, err = base64.RawStdEncoding.DecodeString(s)
	}
	return javaString(b), true, err
}

const upperHex = "0123456789ABCDEF"

// escapeJavaScript is commons-lang 2's StringEscapeUtils.escapeJavaScript:
// single quotes become \' (which is not JSON: AWS tells authors to take it
// back with replaceAll), slashes \/, and everything beyond ASCII a \u escape.
func escapeJavaScript(s string) string {
	clean := true
	for i := 0; i < len(s) && clean; i++ {
		c := s[i]
		clean = c >= 32 && c < 128 && c != '\'' && c != '"' && c != '\\' && c != '/'
	}
	if clean {
		return s
	}
	b := make([]byte, 0, len(s)+len(s)/4+8)
	unit := func(u uint16) {
		b = append(b, '\\', 'u', upperHex[u>>12], upperHex[u>>8&15], upperHex[u>>4&15], upperHex[u&15])
	}
	for _, r := range s {
		switch {
		case r > 0xFFFF:
			hi, lo := utf16.EncodeRune(r)
			unit(uint16(hi))
			unit(uint16(lo))
		case r > 0x7F:
			unit(uint16(r))
		case r == '\'' || r == '"' || r == '\\' || r == '/':
			b = append(b, '\\', byte(r))
		case r >= 32:
			b = append(b, byte(r))
		case r == '\b':
			b = append(b, '\\', 'b')
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\t':
			b = append(b, '\\', 't')
		case r == '\f':
			b = append(b, '\\', 'f')
		case r == '\r':
			b = append(b, '\\', 'r')
		default:
			unit(uint16(r))
		}
	}
	return string(b)
}

// urlEncode is java.net.URLEncoder with UTF-8.
func urlEncode(s string) string {
	n := 0
	for i := 0; i < len(s); i++ {
		if !formSafe(s[i]) && s[i] != ' ' {
			n++
		}
	}
	b := make([]byte, 0, len(s)+2*n)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case formSafe(c):
			b = append(b, c)
		case c == ' ':
			b = append(b, '+')
		default:
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(b)
}

func formSafe(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '*' || c == '_'
}

// urlDecode is java.net.URLDecoder with UTF-8: a bad escape is an exception.
func urlDecode(s string) (string, error) {
	if !strings.ContainsAny(s, "%+") {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			b = append(b, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", fmt.Errorf("urlDecode: incomplete escape at the end")
			}
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi < 0 || lo < 0 {
				return "", fmt.Errorf("urlDecode: bad escape %q", s[i:i+3])
			}
			b = append(b, byte(hi<<4|lo))
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return javaString(b), nil
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// javaString decodes UTF-8 as Java does, with U+FFFD for what is malformed.
func javaString(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return string([]rune(string(b)))
}
