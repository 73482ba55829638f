package cfn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// Int is a whole number that a template may spell as a number or as a string:
// CloudFormation accepts both for every scalar property.
type Int int64

// UnmarshalJSON implements json.Unmarshaler.
func (i *Int) UnmarshalJSON(b []byte) error {
	s := string(unquote(b))
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(s, 64)
		if ferr != nil || f != float64(int64(f)) {
			return fmt.Errorf("%s is not a whole number", b)
		}
		n = int64(f)
	}
	*i = Int(n)
	return nil
}

// Float is a number that a template may spell as a number or as a string.
type Float float64

// UnmarshalJSON implements json.Unmarshaler.
func (f *Float) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseFloat(string(unquote(b)), 64)
	if err != nil {
		return fmt.Errorf("%s is not a number", b)
	}
	*f = Float(n)
	return nil
}

// Bool is a boolean that a template may spell as a boolean or as a string.
type Bool bool

// UnmarshalJSON implements json.Unmarshaler.
func (v *Bool) UnmarshalJSON(b []byte) error {
	switch string(unquote(b)) {
	case "true", "True":
		*v = true
	case "false", "False":
		*v = false
	default:
		return fmt.Errorf("%s is not a boolean", b)
	}
	return nil
}

func unquote(b []byte) []byte {
	b = bytes.TrimSpace(b)
	var s string
	if len(b) > 0 && b[0] == '"' && json.Unmarshal(b, &s) == nil {
		return []byte(s)
	}
	return b
}
