package vtl_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

func render(t testing.TB, src string, vars map[string]any) (string, error) {
	t.Helper()
	tpl, err := vtl.Parse("t", src)
	if err != nil {
		return "", err
	}
	return tpl.Execute(vars)
}

func mustRender(t testing.TB, src string, vars map[string]any) string {
	t.Helper()
	out, err := render(t, src, vars)
	if err != nil {
		t.Fatalf("%q: %v", src, err)
	}
	return out
}

// host is a host object: $input in small.
type host struct {
	set   map[string]any
	calls []string
}

func (h *host) TypeName() string { return "$host" }

func (h *host) Property(name string) (any, bool, error) {
	switch name {
	case "body":
		return `{"a":1}`, true, nil
	case "go":
		return 7, true, nil
	case "broken":
		return nil, false, errors.New("no such thing")
	}
	v, ok := h.set[name]
	return v, ok, nil
}

func (h *host) Call(name string, args []any) (any, bool, error) {
	h.calls = append(h.calls, fmt.Sprint(name, args))
	switch {
	case name == "path" && len(args) == 1:
		return vtl.NewList("x", int32(2)), true, nil
	case name == "fail":
		return nil, false, errors.New("cannot parse")
	case name == "nothing":
		return nil, true, nil
	case name == "get" && len(args) == 1:
		return "got " + args[0].(string), true, nil
	}
	return nil, false, nil
}

func (h *host) SetProperty(name string, v any) error {
	if name == "locked" {
		return errors.New("is read-only")
	}
	h.set[name] = v
	return nil
}

func TestObject(t *testing.T) {
	h := &host{set: map[string]any{}}
	vars := map[string]any{"h": h}
	got := mustRender(t, `$h.body $h.path('$')[0] $h.nothing() $h.unknown() $h.unknown $h['k']#set($h.status=303) $h.status`, vars)
	want := `{"a":1} x $h.nothing() $h.unknown() $h.unknown got k 303`
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if diff := cmp.Diff([]string{"path[$]", "nothing[]", "unknown[]", "get[k]"}, h.calls); diff != "" {
		t.Errorf("calls: %s", diff)
	}
	for src, want := range map[string]string{
		"a\n  $h.fail('x')":      "t:2:6: $host.fail(): cannot parse",
		"$h.broken":              "t:1:4: $host.broken: no such thing",
		"#set($h.locked = 1)":    "t:1:9: $host.locked: is read-only",
		"$h.go":                  "t:1:4: $host.go: a Go int is not a template value (see the package documentation)",
		"$h":                     "t:1:1: $host has no text of its own (Java would print its identity)",
		"#foreach($i in $h)#end": "",
	} {
		_, err := render(t, src, vars)
		if got := fmt.Sprint(err); want != "" && got != want || want == "" && err != nil {
			t.Errorf("%s: got %s, want %s", src, got, want)
		}
	}
}

func TestGoValuesThatAreNone(t *testing.T) {
	_, err := render(t, "$x", map[string]any{"x": map[string]any{}})
	if err == nil || !strings.Contains(err.Error(), "$x: a Go map[string]interface {} is not a template value") {
		t.Errorf("got %v", err)
	}
}

func TestParseErrorsNameThePlace(t *testing.T) {
	for src, want := range map[string]string{
		"a\nb #if($x":                   "orders.vm:2:9: expected ')' after the condition, got the end of the template",
		"é #end":                        "orders.vm:1:3: expected text or a directive, got \"#end\"",
		"x\n\n#include('f')":            "orders.vm:3:1: API Gateway has no #include",
		"#parse(\"f\")":                 "orders.vm:1:1: API Gateway has no #parse",
		"#set($x = 1 ^ 2)":              "orders.vm:1:13: unexpected \"^ 2)\"",
		"price: $":                      "orders.vm:1:8: the template ends within \"$\"",
		"#foreach($x $y)#end":           "orders.vm:1:1: #foreach is written #foreach($item in $list)",
		"#set($x = \"a #if($t) b\")":    "orders.vm:1:11: in the string \"a #if($t) b\": expected #end of #if, got the end of the template",
		strings.Repeat("#if($x)", 1000): "",
		"#set($x = " + strings.Repeat("(", 1000) + "1": "",
		"#set($x = " + strings.Repeat("[", 1000) + "1": "",
		"$x" + strings.Repeat(".y($x", 1000):           "",
	} {
		_, err := vtl.Parse("orders.vm", src)
		if err == nil {
			t.Errorf("%.40q parsed", src)
			continue
		}
		if want == "" {
			want = "nested more than 500 deep"
			if strings.HasSuffix(err.Error(), want) {
				continue
			}
		}
		if err.Error() != want {
			t.Errorf("%.40q:\ngot  %v\nwant %s", src, err, want)
		}
		var ve *vtl.Error
		if !errors.As(err, &ve) || ve.Template != "orders.vm" {
			t.Errorf("%.40q: %T is no *vtl.Error", src, err)
		}
	}
}

func TestJavaMethodsThatAreNotModelledAreErrors(t *testing.T) {
	vars := map[string]any{"s": "x", "n": int32(1), "m": vtl.NewMap(0), "l": vtl.NewList(), "big": big.NewInt(1), "d": 1.5, "b": true}
	for _, src := range []string{
		"$s.format('%s', 1)", "$s.getBytes()", "$s.bytes", "$s.getClass()", "$s.class", "$m.class", "$n.class", "$s.chars()",
		"$n.toBinaryString(5)", "$m.compute('a','b')", "$l.stream()", "$l.sort($x)", "$big.pow(2)", "$d.toHexString(1.0)", "$l.class",
		"$s.split(',')", "$m.forEach($x)", "$b.describeConstable()", "$m.keySet().stream()", "$s.valueOf(1)",
	} {
		if out, err := render(t, src, vars); err == nil {
			t.Errorf("%s rendered as %q", src, out)
		} else if !strings.HasPrefix(err.Error(), "t:1:") {
			t.Errorf("%s: no place in %v", src, err)
		}
	}
}

func TestRegularExpressionsThatDifferAreErrors(t *testing.T) {
	for _, p := range []string{`a(?=b)`, `(?<!a)b`, `(a)\1`, `a++`, `a*+`, `[a-z&&[^b]]`, `\Qa\E`, `\Z`, `\h`, `(?>a)`, `(?x)a`, `\p{Alpha}`, `[`, `(`} {
		vars := map[string]any{"s": "ab", "p": p}
		if out, err := render(t, "$s.replaceAll($p, '')", vars); err == nil {
			t.Errorf("%s gave %q", p, out)
		}
	}
	for p, want := range map[string]string{`[^a-zA-Z0-9]+`: "a_b_c", `\W`: "a_b_c", `[\s.]`: "a_b_c", `(?i)[ .]`: "a_b_c", `\.|\s+`: "a_b_c"} {
		if got := mustRender(t, "$s.replaceAll($p, '_')", map[string]any{"s": "a b.c", "p": p}); got != want {
			t.Errorf("%s: got %q, want %q", p, got, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	src := "$s.nope()\n$h.nope(1)\n$m.list.size\n$undefined $m.missing\n#set(${x} = 1)\n#set($y = \"$s.bad()\")"
	tpl, err := vtl.Parse("w", src)
	if err != nil {
		t.Fatal(err)
	}
	m := vtl.NewMap(1)
	m.Put("list", vtl.NewList())
	var got []string
	out, err := tpl.ExecuteWith(map[string]any{"s": "x", "h": &host{}, "m": m}, vtl.Options{
		Warn: func(w vtl.Warning) { got = append(got, w.String()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"w:1:4: String has no method nope for these 0 arguments; it renders as its source text",
		"w:2:4: $host has no method nope for these 1 arguments; it renders as its source text",
		"w:3:9: List has no property size; it renders as its source text",
		"w:4:1: $undefined is null; it renders as its source text",
		"w:4:12: $m.missing is null; it renders as its source text",
		"w:5:6: #set(${x} = …) sets nothing in Velocity 1.7; write #set($x = …)",
	}
	if len(got) != 7 || !strings.HasSuffix(got[6], "String has no method bad for these 0 arguments; it renders as its source text") {
		t.Fatalf("got %q", got)
	}
	if diff := cmp.Diff(want, got[:6]); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(got[6], "w:6:11:") {
		t.Errorf("a warning within a string has the place of the string: got %s", got[6])
	}
	if !strings.HasPrefix(out, "$s.nope()\n$h.nope(1)\n$m.list.size\n$undefined $m.missing\n") {
		t.Errorf("got %q", out)
	}
}

func TestLimits(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"foreach":       {"#foreach($i in [1..1001])x#end", "t:1:1: a #foreach of more than 1000 iterations (API Gateway's quota)"},
		"range":         {"#set($x=[1..2000000000])", "a range of 2000000000 numbers"},
		"steps":         {"#foreach($i in [1..1000])#foreach($j in [1..1000])#foreach($k in [1..1000])#end#end#end", "did not end within"},
		"output":        {"#set($s='0123456789')#foreach($i in [1..30])#set($s=\"$s$s\")#end$s", "the output is longer than"},
		"concat":        {"#set($s='0123456789')#foreach($i in [1..30])#set($s=$s+$s)#end", "a string is longer than"},
		"replace":       {"#set($s='0123456789')#foreach($i in [1..30])#set($s=$s.replace('0','00'))#end", "is longer than"},
		"list":          {"#set($l=[1])#foreach($i in [1..30])#set($x=$l.addAll($l))#end", "too long"},
		"evaluate":      {"#set($s='#evaluate($s)')#evaluate($s)", "#evaluate nests more than 50 deep"},
		"macro":         {"#macro(x)#x()#end#x()", "calls nest more than 20 deep"},
		"cyclic value":  {"#set($a=[])#set($b=[$a])#set($x=$a.add($b))$a", "StackOverflowError"},
		"cyclic equals": {"#set($a=[])#set($b=[])#set($x=$a.add($b))#set($x=$b.add($a))#if($a==$b)#end", "StackOverflowError"},
		"big integer":   {"#set($b=99999999999999999999)#foreach($i in [1..100])#set($b=$b*$b)#end", "65,536 bits"},
		"repeat":        {"#set($s='x')$s.repeat(2000000000)", "too long"},
		"string":        {"#set($s='x')#foreach($i in [1..1000])#set($s=$s.concat($s))#end", "is longer than"},
	} {
		_, err := render(t, c.src, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	tpl, err := vtl.Parse("t", "#foreach($i in [1..5])$i#end")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tpl.ExecuteWith(nil, vtl.Options{MaxForeach: 4}); err == nil {
		t.Error("MaxForeach is ignored")
	}
	if _, err := tpl.ExecuteWith(nil, vtl.Options{MaxOutput: 4}); err == nil {
		t.Error("MaxOutput is ignored")
	}
	if _, err := tpl.ExecuteWith(nil, vtl.Options{MaxSteps: 4}); err == nil {
		t.Error("MaxSteps is ignored")
	}
}

// A template is executed for many requests: nothing of one may reach the next.
func TestExecutionsAreApart(t *testing.T) {
	tpl, err := vtl.Parse("t", "[$x]#set($x = 1)#set($q = 2)#evaluate('#set($z = 3)#macro(m)M#end$z$w#m()')#m()[$z]")
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]any{"w": "W"}
	for range 3 {
		got, err := tpl.Execute(vars)
		if err != nil {
			t.Fatal(err)
		}
		if want := "[$x]3WMM[3]"; got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	if len(vars) != 1 {
		t.Errorf("the caller's variables were changed: %v", vars)
	}
}

// What a body says is data, whatever it looks like.
func TestHostileTextIsOnlyText(t *testing.T) {
	for _, body := range []string{"#set($x=1)", "$util.urlEncode('x')", "#if(", "#foreach($i in [1..9])x#end", "\\$s", "##", "#*", "$", "]]#", "#stop"} {
		if got := mustRender(t, `{"b":"$body"}#set($c="$body")$c`, map[string]any{"body": body}); got != `{"b":"`+body+`"}`+body {
			t.Errorf("%q became %q", body, got)
		}
	}
}

func TestJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"b":1,"a":[true,false,null],"c":{"z":"y"}}`:                      "",
		` [ 1 , -2 , 0 ] `:                                                 `[1,-2,0]`,
		`[1.0,1e3,1.5e300,0.001,123456789.5]`:                              `[1.0,1000.0,1.5E300,0.001,1.234567895E8]`,
		`[2147483647,2147483648,-9223372036854775808,9223372036854775808]`: "",
		`"\u00e9\ud83d\ude00\ud800x\"\\\/\b\f\n\r\t\u001f"`:                `"é😀?x\"\\/\b\f\n\r\t\u001F"`,
		`{"a":1,"b":2,"a":3}`:                                              `{"a":3,"b":2}`,
		`"ü/😀<>&"`:                                                         "",
		`-0`:                                                               `0`,
	} {
		if want == "" {
			want = in
		}
		v, err := vtl.FromJSON([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got, err := vtl.ToJSON(v); err != nil || got != want {
			t.Errorf("%s: got %s (%v), want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "{", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "01", "1.", "1e", "-", "\"", "\"\\x\"", "\"\\u12\"", "\"\n\"", "nul", "1 2", "[1 2]", "'a'", strings.Repeat("[", 2000)} {
		if v, err := vtl.FromJSON([]byte(in)); err == nil {
			t.Errorf("%.20q gave %v", in, v)
		}
	}
	types := map[string]any{"1": int32(1), "3000000000": int64(3000000000), "1.0": 1.0, "true": true, `"x"`: "x", "null": nil}
	for in, want := range types {
		if got, err := vtl.FromJSON([]byte(in)); err != nil || got != want {
			t.Errorf("%s: got %T %v (%v), want %T", in, got, got, err, want)
		}
	}
}

func TestToString(t *testing.T) {
	m := vtl.NewMap(2)
	m.Put("a", vtl.NewList(1.0, int64(2), nil, true))
	m.Put(int32(1), "x")
	for want, v := range map[string]any{
		"{a=[1.0, 2, null, true], 1=x}": m, "NaN": math.NaN(), "-Infinity": math.Inf(-1), "1.0E7": 1e7, "9999999.0": 9999999.0,
		"1.0E-4": 0.0001, "0.001": 0.001, "4.9E-324": 5e-324, "é": vtl.Char(0xe9),
	} {
		if got, err := vtl.ToString(v); err != nil || got != want {
			t.Errorf("got %q (%v), want %q", got, err, want)
		}
	}
}

// Map must find keys the same way when small and when indexed.
func TestMap(t *testing.T) {
	m := vtl.NewMap(0)
	want := ""
	for i := range 40 {
		if old := m.Put(fmt.Sprint("k", i), int32(i)); old != nil {
			t.Fatalf("k%d was there: %v", i, old)
		}
		m.Put(int32(i), "int")
		m.Put(big.NewInt(int64(i)), "big")
	}
	for i := 0; i < 40; i += 2 {
		m.Remove(fmt.Sprint("k", i))
	}
	m.Put("k1", "again")
	m.Put("k0", "back")
	for _, e := range m.Entries() {
		if k, ok := e.Key.(string); ok {
			want += k + " "
		}
	}
	if !strings.HasPrefix(want, "k1 k3 k5") || !strings.HasSuffix(want, "k39 k0 ") {
		t.Errorf("order: %s", want)
	}
	if m.Len() != 101 {
		t.Errorf("%d entries", m.Len())
	}
	if v, ok := m.Get(big.NewInt(7)); !ok || v != "big" {
		t.Errorf("BigInteger 7: %v %v", v, ok)
	}
	if v, ok := m.Get(int32(7)); !ok || v != "int" {
		t.Errorf("Integer 7: %v %v", v, ok)
	}
	if _, ok := m.Get(int64(7)); ok {
		t.Error("a Long is no Integer")
	}
}
