package apigateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostileBodies try to break out of the form, of JSON, of VTL, or of the
// gateway itself.
var hostileBodies = map[string]string{
	"form field":         `{"a":"b"}&Action=DeleteQueue`,
	"form field first":   `&Action=DeleteQueue&QueueUrl=https://sqs/1/other`,
	"form attribute":     `x&MessageAttribute.1.Value.StringValue=other-tenant`,
	"encoded ampersand":  `%26Action%3DDeleteQueue`,
	"semicolon":          `x;Action=DeleteQueue`,
	"plus and percent":   `100%+1 %zz %`,
	"single quotes":      `it's 'quoted'`,
	"double quotes":      `"}, {"x": "\"`,
	"backslashes":        `\\\" \u0022 \n`,
	"util":               `$util.urlDecode('%26') $util $!util ${util.base64Encode("x")}`,
	"input":              `$input.body $input.params('x') ${input.json('$')}`,
	"context":            `#set($context.requestOverride.path.queue = "other") $context.identity.sourceIp`,
	"set":                `#set($x = 1)$x #{set}($y = 2) #stop #end #foreach($i in [1..1000000])x#end`,
	"parse and include":  `#parse("/etc/passwd") #include("/etc/passwd") #evaluate("#stop")`,
	"comments":           "## gone\n#* gone *# #[[ raw ]]#",
	"newlines":           "a\r\nb\nc\rd\n\n&Action=DeleteQueue\n",
	"header split":       "x\r\nContent-Type: text/html\r\n\r\n<script>",
	"nul":                "a\x00b",
	"controls":           "\x01\x02\x1f\x7f\u0080\u009f",
	"line separators":    "\u2028\u2029\ufeff",
	"astral":             "😀 𝒳 👩‍👩‍👧",
	"noncharacters":      "\ufffe\uffff",
	"right to left":      "\u202eabc",
	"not JSON":           `{"a":`,
	"only spaces":        "   ",
	"deep":               strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
	"250 KB":             strings.Repeat("&Action=DeleteQueue#set($x)", 250_000/27),
	"lone surrogates":    `{"a":"\ud800","b":"\udc00\ud800x"}`,
	"java class":         `$x.class.forName("java.lang.Runtime")`,
	"duplicate keys":     `{"a":1,"a":2}`,
	"number extremes":    `{"a":1e400,"b":123456789012345678901234567890,"c":-0.0}`,
	"json in a string":   `"{\"a\":\"b\"}"`,
	"dollar at the end":  `costs 5$`,
	"hash at the end":    `#`,
	"invalid UTF-8":      "a\xff\xfe&Action=DeleteQueue\xc3",
	"overlong":           "\xc0\xaf\xe0\x80\xaf",
	"encoded surrogate":  "\xed\xa0\x80",
	"truncated sequence": "ok \xf0\x9f\x98",
}

func TestNoBodyBreaksOutOfTheForm(t *testing.T) {
	w := newWorld(t)
	w.method("", "POST", queue("Action=SendMessage&MessageBody=$util.urlEncode($input.body)"+
		"&MessageAttribute.1.Name=tenant&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=$util.urlEncode($context.httpMethod)"), okOrError)
	w.replies(`{"MessageId":"id"}`, nil)
	for name, body := range hostileBodies {
		t.Run(name, func(t *testing.T) {
			w.t, w.calls = t, nil
			r := w.send("POST", "/", body)
			if r.Status != 200 || len(w.calls) != 1 {
				t.Fatalf("got %d %.200s, %d calls, log %q", r.Status, r.Body, len(w.calls), w.logs)
			}
			c := w.calls[0]
			var in struct {
				QueueUrl, MessageBody string
				MessageAttributes     map[string]struct{ StringValue string }
			}
			if err := json.Unmarshal(c.Input, &in); err != nil {
				t.Fatal(err)
			}
			want := body
			if !utf8.ValidString(body) {
				want = string([]rune(body)) // as Java decodes it: U+FFFD for each bad byte
			}
			if c.Action != "SendMessage" || in.MessageBody != want || in.MessageAttributes["tenant"].StringValue != "POST" ||
				!strings.HasSuffix(in.QueueUrl, "/123456789012/orders") {
				t.Errorf("got %s %.300s\nwant the body %.300q", c.Action, c.Input, want)
			}
		})
	}
}

func TestNoParameterBreaksOutOfAJSONTemplate(t *testing.T) {
	w := newWorld(t)
	w.method(w.resource("", "{id}"), "GET", dynamodb(`{"Key":{"pk":{"S":"$util.escapeJavaScript($input.params('q')).replaceAll("\\'", "'")"}}}`), nil)
	for name, q := range hostileBodies {
		if len(q) > 8000 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w.t, w.calls = t, nil
			r := w.send("GET", "/x?q="+escape(q))
			if r.Status != 200 || len(w.calls) != 1 {
				t.Fatalf("got %d %s, log %q", r.Status, r.Body, w.logs)
			}
			var in struct{ Key map[string]map[string]string }
			if err := json.Unmarshal(w.calls[0].Input, &in); err != nil {
				t.Fatalf("%v: %s", err, w.calls[0].Input)
			}
			want := q
			if !utf8.ValidString(q) {
				want = string([]rune(q))
			}
			if got := in.Key["pk"]["S"]; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

// A template that does not encode is open: that is the template's fault, and
// what the simulation must show.
func TestATemplateThatDoesNotEncodeIsOpen(t *testing.T) {
	w := newWorld(t)
	w.method("", "POST", queue("MessageBody=$input.body&Action=SendMessage"), okOrError)
	w.replies(`{}`, nil)
	w.send("POST", "/", "x&Action=PurgeQueue")
	if w.calls[0].Action != "PurgeQueue" {
		t.Errorf("got %s", w.calls[0].Action)
	}
}

func TestHeaderValuesCannotSplitTheResponse(t *testing.T) {
	w := newWorld(t)
	in := mock(`#set($context.responseOverride.header.Location = "/x$input.params('q')")ok`)
	w.method("", "GET", in, nil)
	r := w.send("GET", "/?q=%0D%0ASet-Cookie:%20a=b")
	if got := r.Header.Get("Location"); strings.ContainsAny(got, "\r\n") || !strings.HasPrefix(got, "/x") {
		t.Errorf("got %q", got)
	}
}
