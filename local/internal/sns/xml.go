package sns

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

const namespace = "http://sns.amazonaws.com/doc/2010-03-31/"

// EncodeResponse is the answer of a call in the query protocol: output is what
// Service.Do gave. Members keep their order, objects that are no list's element
// (the attributes of a topic or a subscription) become maps.
func EncodeResponse(action string, output []byte) []byte {
	var w xmlWriter
	w.printf(`<%sResponse xmlns="%s">`, action, namespace)
	d := json.NewDecoder(bytes.NewReader(output))
	if members := result(d); len(members) > 0 {
		w.printf(`<%sResult>%s</%[1]sResult>`, action, members)
	} else if hasResult(action) {
		w.printf(`<%sResult/>`, action)
	}
	w.printf(`<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>`, requestID(output), action)
	return w.Bytes()
}

// EncodeError is the answer of a call that failed. Its HTTP status is err's.
func EncodeError(err *api.Error) []byte {
	kind := "Sender"
	if err.HTTPStatus() >= 500 {
		kind = "Receiver"
	}
	var w xmlWriter
	w.printf(`<ErrorResponse xmlns="%s"><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
		namespace, kind, escaped(err.Code), escaped(err.Message), requestID([]byte(err.Code+err.Message)))
	return w.Bytes()
}

// hasResult says whether the answers of an action have an element for the result.
func hasResult(action string) bool {
	switch action {
	case "Unsubscribe", "SetTopicAttributes", "SetSubscriptionAttributes":
		return false
	}
	return true
}

// requestID is an id in the shape of the service's that depends on what is answered.
func requestID(b []byte) string {
	h := fnv.New128a()
	_, _ = h.Write(b) // never fails
	sum := h.Sum(nil)
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:])
}

type xmlWriter struct{ bytes.Buffer }

func (w *xmlWriter) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(&w.Buffer, format, args...) // a Buffer never fails
}

func escaped(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a Buffer never fails
	return b.String()
}

// result is the members of the output as elements.
func result(d *json.Decoder) []byte {
	var out xmlWriter
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		return nil
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil
		}
		var v any
		if err := d.Decode(&v); err != nil {
			return nil
		}
		out.element(name.(string), v)
	}
	return out.Bytes()
}

func (w *xmlWriter) element(name string, v any) {
	w.printf("<%s>", name)
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			w.printf("<entry><key>%s</key><value>%s</value></entry>", escaped(key), escaped(fmt.Sprint(v[key])))
		}
	case []any:
		for _, e := range v {
			w.member(e)
		}
	default:
		_, _ = w.WriteString(escaped(fmt.Sprint(v)))
	}
	w.printf("</%s>", name)
}

func (w *xmlWriter) member(v any) {
	w.printf("<member>")
	if m, ok := v.(map[string]any); ok {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			w.element(key, m[key])
		}
	} else {
		_, _ = w.WriteString(escaped(fmt.Sprint(v)))
	}
	w.printf("</member>")
}
