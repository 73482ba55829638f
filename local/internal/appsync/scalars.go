package appsync

import (
	"bytes"
	"encoding/json"
	"math"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The scalars of AppSync: what each takes, by
// https://docs.aws.amazon.com/appsync/latest/devguide/scalars.html.

// offset is a time zone offset: Z or ±hh:mm, with seconds that AppSync takes
// although ISO 8601 has none.
const offset = `(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?)`

var (
	datePattern     = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})` + offset + `?$`)
	timePattern     = regexp.MustCompile(`^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?` + offset + `?$`)
	dateTimePattern = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2})T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?` + offset + `$`)
	phonePattern    = regexp.MustCompile(`^\+?[0-9(][0-9() .-]*[0-9]$`)
)

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// validText reports whether a string is one of a scalar that has a form.
func validText(scalar, s string) bool {
	switch scalar {
	case "AWSDate":
		m := datePattern.FindStringSubmatch(s)
		return m != nil && isDate(m[1])
	case "AWSTime":
		return timePattern.MatchString(s)
	case "AWSDateTime":
		m := dateTimePattern.FindStringSubmatch(s)
		return m != nil && isDate(m[1])
	case "AWSEmail":
		a, err := mail.ParseAddress(s)
		return err == nil && a.Address == s && a.Name == ""
	case "AWSURL":
		u, err := url.Parse(s)
		return err == nil && u.Scheme != "" && u.Host != "" && !strings.Contains(u.Path, "//")
	case "AWSPhone":
		digits := 0
		for _, r := range s {
			if r >= '0' && r <= '9' {
				digits++
			}
		}
		// E.164 has at most 15 digits; a number without a country code is a North
		// American one, of 10, or 11 with its 1.
		if !phonePattern.MatchString(s) || digits > 15 || digits < 7 {
			return false
		}
		return s[0] == '+' || digits == 10 || digits == 11
	case "AWSIPAddress":
		if _, err := netip.ParsePrefix(s); err == nil {
			return true
		}
		a, err := netip.ParseAddr(s)
		return err == nil && a.Zone() == ""
	}
	return true
}

func wholeNumber(v []byte, bits int) ([]byte, bool) {
	if n, err := strconv.ParseInt(string(v), 10, bits); err == nil {
		return strconv.AppendInt(nil, n, 10), true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= math.Ldexp(1, bits-1) {
		return nil, false
	}
	return strconv.AppendInt(nil, int64(f), 10), true
}

// parseScalar is a scalar's value of input, as resolvers see it.
func parseScalar(scalar string, v []byte) ([]byte, bool) {
	switch scalar {
	case "Int":
		if !isNumber(v) {
			return nil, false
		}
		return wholeNumber(v, 32)
	case "AWSTimestamp":
		if !isNumber(v) {
			return nil, false
		}
		return wholeNumber(v, 64)
	case "Float":
		return v, isNumber(v)
	case "Boolean":
		return v, len(v) > 0 && (v[0] == 't' || v[0] == 'f')
	case "String":
		return v, isString(v)
	case "ID":
		if isNumber(v) {
			n, ok := wholeNumber(v, 64)
			return quote(string(n)), ok
		}
		return v, isString(v)
	case "AWSJSON":
		if !isString(v) {
			return nil, false
		}
		document := bytes.TrimSpace([]byte(text(v)))
		return document, json.Valid(document)
	}
	if !isString(v) {
		return nil, false
	}
	return v, validText(scalar, text(v))
}

// serializeScalar is a scalar's value of a resolver, as clients see it.
func serializeScalar(scalar string, v []byte) ([]byte, bool) {
	switch scalar {
	case "Int":
		return wholeNumber(unquoted(v), 32)
	case "AWSTimestamp":
		return wholeNumber(unquoted(v), 64)
	case "Float":
		n := unquoted(v)
		if _, err := strconv.ParseFloat(string(n), 64); err != nil || !isNumber(n) {
			return nil, false
		}
		return n, true
	case "Boolean":
		switch {
		case v[0] == 't' || v[0] == 'f':
			return v, true
		case isNumber(v):
			f, err := strconv.ParseFloat(string(v), 64)
			return strconv.AppendBool(nil, f != 0), err == nil
		}
		return nil, false
	case "AWSJSON":
		return quote(string(compactJSON(v))), true
	}
	if !isString(v) {
		if v[0] == '{' || v[0] == '[' {
			return nil, false
		}
		v = quote(string(v)) // a number or a boolean
	}
	return v, scalar == "String" || scalar == "ID" || validText(scalar, text(v))
}

func unquoted(v []byte) []byte {
	if isString(v) {
		return []byte(text(v))
	}
	return v
}
