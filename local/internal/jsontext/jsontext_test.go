package jsontext_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// FuzzAppendString holds AppendString against encoding/json, with its escapes of
// HTML off; encoding/json also escapes U+2028 and U+2029, which JSON does not ask for.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "<a href='&'>", "äöü €🙂 \ufffd", "bad \xff\xc3( utf8 \xed\xa0\x80", "\u2028\u2029"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(s); err != nil {
			t.Fatal(err)
		}
		expected := bytes.TrimSuffix(want.Bytes(), []byte("\n"))
		expected = bytes.ReplaceAll(bytes.ReplaceAll(expected, []byte(`\u2028`), []byte("\u2028")), []byte(`\u2029`), []byte("\u2029"))
		expected = bytes.ReplaceAll(expected, []byte(`\ufffd`), []byte("\ufffd"))
		got := jsontext.AppendString(nil, s)
		var back string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q: %s is not JSON: %v", s, got, err)
		}
		if !bytes.Contains([]byte(s), []byte(`\u`)) && !bytes.Equal(got, expected) {
			t.Errorf("%q: %s, want %s", s, got, expected)
		}
	})
}
