package localtest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// Value is a JSON document that came back.
type Value struct {
	Body []byte
	t    testing.TB
}

// String is the document's text.
func (v Value) String() string { return string(v.Body) }

// Decode is json.Unmarshal into to.
func (v Value) Decode(to any) {
	v.t.Helper()
	if err := json.Unmarshal(v.Body, to); err != nil {
		v.t.Fatalf("localtest: %v\n%s", err, v.Body)
	}
}

// At is what stands at a path of member names and indexes, joined by dots: "history.0.status". It
// is nil if there is nothing; an empty path is the whole. Numbers are json.Number.
func (v Value) At(path string) any {
	v.t.Helper()
	var at any
	d := json.NewDecoder(strings.NewReader(string(v.Body)))
	d.UseNumber()
	if err := d.Decode(&at); err != nil {
		v.t.Fatalf("localtest: this is no JSON: %v\n%s", err, v.Body)
	}
	if path == "" {
		return at
	}
	for name := range strings.SplitSeq(path, ".") {
		switch in := at.(type) {
		case map[string]any:
			at = in[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			at = in[i]
		default:
			return nil
		}
	}
	return at
}

// Text is At as a text: "" if there is nothing, JSON if it is an object or an array.
func (v Value) Text(path string) string {
	v.t.Helper()
	switch at := v.At(path).(type) {
	case nil:
		return ""
	case string:
		return at
	case map[string]any, []any:
		b, err := json.Marshal(at)
		if err != nil {
			v.t.Fatalf("localtest: %v", err)
		}
		return string(b)
	default:
		return fmt.Sprint(at)
	}
}

// Len is how many members or elements At has.
func (v Value) Len(path string) int {
	v.t.Helper()
	switch at := v.At(path).(type) {
	case map[string]any:
		return len(at)
	case []any:
		return len(at)
	}
	return 0
}
