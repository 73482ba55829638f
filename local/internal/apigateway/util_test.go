package apigateway

import (
	"net/url"
	"testing"
)

func TestUtil(t *testing.T) {
	for _, c := range []struct {
		function, in string
		want         any
	}{
		{"escapeJavaScript", `plain`, `plain`},
		{"escapeJavaScript", `it's "q" \ /`, `it\'s \"q\" \\ \/`},
		{"escapeJavaScript", "\b\t\n\f\r\x00\x1f\x7f", `\b\t\n\f\r\u0000\u001F` + "\x7f"},
		{"escapeJavaScript", "é€😀\u2028", `\u00E9\u20AC\uD83D\uDE00\u2028`},
		{"urlEncode", "aZ09.-*_ ~+&=%/é😀\n", "aZ09.-*_+%7E%2B%26%3D%25%2F%C3%A9%F0%9F%98%80%0A"},
		{"urlDecode", "a+b%20c%C3%A9%2B", "a b cé+"},
		{"urlDecode", "%ff", "\ufffd"},
		{"base64Encode", "ü?>", "w7w/Pg=="},
		{"base64Decode", "w7w/Pg==", "ü?>"},
		{"base64Decode", "w7w/Pg", "ü?>"},
		{"parseJson", `7`, int32(7)},
	} {
		got, ok, err := utilObject{}.Call(c.function, []any{c.in})
		if got != c.want || !ok || err != nil {
			t.Errorf("%s(%q): got %q, %v, %v, want %q", c.function, c.in, got, ok, err, c.want)
		}
	}
	for _, c := range []struct{ function, in string }{{"urlDecode", "%"}, {"urlDecode", "%zz"}, {"parseJson", "{"}, {"base64Decode", "*"}} {
		if _, ok, err := (utilObject{}).Call(c.function, []any{c.in}); !ok || err == nil {
			t.Errorf("%s(%q): no error", c.function, c.in)
		}
	}
	if _, ok, _ := (utilObject{}).Call("toJson", []any{"x"}); ok {
		t.Error("API Gateway's $util has no toJson")
	}
	if v, ok, err := (utilObject{}).Call("urlEncode", []any{nil}); v != nil || !ok || err != nil {
		t.Errorf("of null: got %v %v %v", v, ok, err)
	}
}

func FuzzURLEncode(f *testing.F) {
	f.Add("a b&c=d%é\x00")
	f.Fuzz(func(t *testing.T, s string) {
		got := urlEncode(s)
		form, err := url.ParseQuery("x=" + got + "&y=1")
		if err != nil || len(form) != 2 || form.Get("x") != s {
			t.Errorf("%q encodes to %q, which decodes to %q (%v)", s, got, form, err)
		}
		back, err := urlDecode(got)
		if err != nil || back != javaString([]byte(s)) {
			t.Errorf("%q came back as %q, %v", s, back, err)
		}
	})
}

func FuzzEscapeJavaScript(f *testing.F) {
	f.Add(`a'b"c\d/é` + "\n\x00😀")
	f.Fuzz(func(t *testing.T, s string) {
		got := escapeJavaScript(s)
		for i := 0; i < len(got); i++ {
			if got[i] < 0x20 || got[i] > 0x7f {
				t.Fatalf("%q escapes to %q, which has the byte %#x", s, got, got[i])
			}
			if got[i] == '"' || got[i] == '\'' {
				t.Fatalf("%q escapes to %q, which has a bare quote", s, got)
			}
			if got[i] == '\\' {
				i++
			}
		}
	})
}
