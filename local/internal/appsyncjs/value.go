package appsyncjs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strconv"

	"github.com/dop251/goja"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// maxNesting is how deep JSON may nest in either direction.
const maxNesting = 500

// object makes an object of keys and values.
func (rt *Runtime) object(pairs ...any) *goja.Object {
	o := rt.vm.NewObject()
	for i := 0; i < len(pairs); i += 2 {
		rt.set(o, pairs[i].(string), pairs[i+1].(goja.Value))
	}
	return o
}

// set gives an object an own property.
func (rt *Runtime) set(o *goja.Object, key string, value goja.Value) {
	if err := o.Set(key, value); err != nil {
		panic(err)
	}
}

func (rt *Runtime) array(list []goja.Value) *goja.Object {
	items := make([]any, len(list))
	for i, v := range list {
		items[i] = v
	}
	return rt.vm.NewArray(items...)
}

func (rt *Runtime) strings(m map[string]string) *goja.Object {
	o := rt.vm.NewObject()
	for _, key := range sortedKeys(m) {
		rt.set(o, key, rt.vm.ToValue(m[key]))
	}
	return o
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// value makes a value of JavaScript out of one of Go. What is no JSON ends the call.
func (rt *Runtime) value(v any) goja.Value {
	switch v := v.(type) {
	case nil:
		return goja.Null()
	case string:
		return rt.vm.ToValue(v)
	case bool:
		return rt.vm.ToValue(v)
	case float64:
		return rt.vm.ToValue(v)
	case int:
		return rt.vm.ToValue(v)
	case int64:
		return rt.vm.ToValue(v)
	case json.RawMessage:
		return rt.mustDecode(v)
	case map[string]string:
		return rt.strings(v)
	case map[string]any:
		o := rt.vm.NewObject()
		for _, key := range sortedKeys(v) {
			rt.set(o, key, rt.value(v[key]))
		}
		return o
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = rt.value(v[i])
		}
		return rt.vm.NewArray(list...)
	}
	text, err := json.Marshal(v)
	if err != nil {
		rt.fail("the context: %w", err)
	}
	return rt.mustDecode(text)
}

func (rt *Runtime) mustDecode(text []byte) goja.Value {
	if len(text) == 0 {
		return goja.Null()
	}
	v, err := rt.decode(text)
	if err != nil {
		rt.fail("the context: %w: %.100s", err, text)
	}
	return v
}

// decode reads JSON straight into values, keys in their order.
func (rt *Runtime) decode(text []byte) (goja.Value, error) {
	d := decoder{rt: rt, text: text}
	v, err := d.value(0)
	if err == nil {
		if d.blank(); d.at < len(text) {
			err = d.fault()
		}
	}
	return v, err
}

type decoder struct {
	rt   *Runtime
	text []byte
	at   int
}

func (d *decoder) fault() error {
	if d.at >= len(d.text) {
		return fmt.Errorf("JSON ends early")
	}
	return fmt.Errorf("JSON has an unexpected %q at offset %d", d.text[d.at], d.at)
}

func (d *decoder) blank() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			return
		}
	}
}

func (d *decoder) value(depth int) (goja.Value, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("JSON nests more than %d deep", maxNesting)
	}
	d.blank()
	if d.at >= len(d.text) {
		return nil, d.fault()
	}
	switch c := d.text[d.at]; {
	case c == '{':
		return d.object(depth)
	case c == '[':
		return d.array(depth)
	case c == '"':
		s, err := d.string()
		return d.rt.vm.ToValue(s), err
	case d.word("true"):
		return d.rt.vm.ToValue(true), nil
	case d.word("false"):
		return d.rt.vm.ToValue(false), nil
	case d.word("null"):
		return goja.Null(), nil
	}
	return d.number()
}

func (d *decoder) word(w string) bool {
	if !bytes.HasPrefix(d.text[d.at:], []byte(w)) {
		return false
	}
	d.at += len(w)
	return true
}

func (d *decoder) object(depth int) (goja.Value, error) {
	o := d.rt.vm.NewObject()
	d.at++
	for d.blank(); ; d.blank() {
		if d.at < len(d.text) && d.text[d.at] == '}' && d.text[d.at-1] != ',' {
			d.at++
			return o, nil
		}
		if d.at >= len(d.text) || d.text[d.at] != '"' {
			return nil, d.fault()
		}
		key, err := d.string()
		if err != nil {
			return nil, err
		}
		if d.blank(); d.at >= len(d.text) || d.text[d.at] != ':' {
			return nil, d.fault()
		}
		d.at++
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		d.rt.set(o, key, v)
		if done, err := d.next('}'); err != nil || done {
			return o, err
		}
	}
}

func (d *decoder) array(depth int) (goja.Value, error) {
	var list []any
	d.at++
	if d.blank(); d.at < len(d.text) && d.text[d.at] == ']' {
		d.at++
		return d.rt.vm.NewArray(), nil
	}
	for {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if done, err := d.next(']'); err != nil || done {
			return d.rt.vm.NewArray(list...), err
		}
	}
}

// next takes the comma or the end behind an element.
func (d *decoder) next(end byte) (done bool, err error) {
	d.blank()
	if d.at >= len(d.text) {
		return false, d.fault()
	}
	switch d.text[d.at] {
	case end:
		d.at++
		return true, nil
	case ',':
		d.at++
		return false, nil
	}
	return false, d.fault()
}

func (d *decoder) string() (string, error) {
	for i := d.at + 1; i < len(d.text); i++ {
		switch c := d.text[i]; {
		case c == '"':
			s := string(d.text[d.at+1 : i])
			d.at = i + 1
			return s, nil
		case c == '\\':
			return d.escaped(i)
		case c < ' ':
			d.at = i
			return "", d.fault()
		}
	}
	d.at = len(d.text)
	return "", d.fault()
}

// escaped reads a string with a backslash at i.
func (d *decoder) escaped(i int) (string, error) {
	for ; i < len(d.text); i++ {
		switch d.text[i] {
		case '\\':
			i++
		case '"':
			var s string
			err := json.Unmarshal(d.text[d.at:i+1], &s)
			d.at = i + 1
			return s, err
		}
	}
	d.at = len(d.text)
	return "", d.fault()
}

func (d *decoder) number() (goja.Value, error) {
	from := d.at
	whole := true
	for d.at < len(d.text) {
		switch c := d.text[d.at]; {
		case c >= '0' && c <= '9', c == '-' && d.at == from:
		case c == '.', c == 'e', c == 'E', c == '+', c == '-':
			whole = false
		default:
			goto end
		}
		d.at++
	}
end:
	text := d.text[from:d.at]
	if len(text) == 0 {
		return nil, d.fault()
	}
	if zero := len(text) > 1 && (text[0] == '0' || text[0] == '-' && text[1] == '0'); whole && !zero && len(text) < 16 {
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil && (n != 0 || text[0] != '-') {
			return d.rt.vm.ToValue(n), nil
		}
	}
	if !json.Valid(text) {
		return nil, fmt.Errorf("%q is not a number", text)
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil && !math.IsInf(f, 0) {
		return nil, err
	}
	return d.rt.vm.ToValue(f), nil
}

// encode writes a value as JSON the way JSON.stringify does; undefined is null.
func (rt *Runtime) encode(v goja.Value) (json.RawMessage, error) {
	b, err := rt.append(make([]byte, 0, 256), v, 0)
	return b, err
}

func (rt *Runtime) append(b []byte, v goja.Value, depth int) ([]byte, error) {
	if depth > maxNesting {
		return b, fmt.Errorf("the value refers to itself or nests more than %d deep", maxNesting)
	}
	if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return append(b, "null"...), nil
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return appendScalar(b, v), nil
	}
	switch o.ClassName() {
	case "Function":
		return append(b, "null"...), nil
	case "Array":
		b = append(b, '[')
		for i, n := 0, int(o.Get("length").ToInteger()); i < n; i++ {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = rt.append(b, o.Get(strconv.Itoa(i)), depth+1); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	}
	b = append(b, '{')
	first := true
	for _, key := range o.Keys() {
		member := o.Get(key)
		if member == nil || goja.IsUndefined(member) {
			continue
		}
		if f, ok := member.(*goja.Object); ok && f.ClassName() == "Function" {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(jsontext.AppendString(b, key), ':')
		var err error
		if b, err = rt.append(b, member, depth+1); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}

func appendScalar(b []byte, v goja.Value) []byte {
	switch v.ExportType().Kind() {
	case reflect.Int64:
		return strconv.AppendInt(b, v.ToInteger(), 10)
	case reflect.Float64:
		if f := v.ToFloat(); math.IsNaN(f) || math.IsInf(f, 0) {
			return append(b, "null"...)
		} else if f == 0 {
			return append(b, '0')
		}
		return append(b, v.String()...)
	case reflect.Bool:
		return strconv.AppendBool(b, v.ToBoolean())
	}
	return jsontext.AppendString(b, v.String())
}
