package jsonata_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

var (
	randomCount = flag.Int("random", 2000, "how many random expressions to compare with the referee")
	randomSeed  = flag.Uint64("seed", 1, "what they are drawn from")
)

// generator draws expressions over the variables of testdata/vars.json. Most
// are of the types that operators and functions ask for, some are not.
type generator struct{ r *rand.Rand }

func (g generator) of(list ...string) string { return list[g.r.IntN(len(list))] }

// any is an expression of any type that is at most depth deep.
func (g generator) any(depth int) string {
	switch g.r.IntN(6) {
	case 0:
		return g.number(depth)
	case 1:
		return g.text(depth)
	case 2:
		return g.truth(depth)
	case 3:
		return g.array(depth)
	case 4:
		return g.object(depth)
	}
	return g.path(depth)
}

// odd is now and then something else than what was asked for.
func (g generator) odd(depth int, s string) string {
	if depth > 0 && g.r.IntN(25) == 0 {
		return g.any(depth - 1)
	}
	return s
}

func (g generator) number(depth int) string {
	if depth <= 0 {
		return g.of("0", "1", "2", "-3", "2.5", "10", "$a", "$b", "$missing", "$order.lines[0].qty", "$count($list)")
	}
	d := depth - 1
	return g.odd(depth, g.of(
		g.number(d)+g.of(" + ", " - ", " * ", " / ", " % ")+g.number(d),
		"("+g.number(d)+g.of(" + ", " - ", " * ")+g.number(d)+")",
		"-("+g.number(d)+")",
		g.of("$sum", "$max", "$min", "$average", "$count")+"("+g.array(d)+")",
		g.of("$abs", "$floor", "$ceil", "$round")+"("+g.number(d)+")",
		"$length("+g.text(d)+")",
		"$number("+g.of(g.text(d), g.number(d), g.truth(d))+")",
		"$power("+g.number(d)+", 2)",
		g.array(d)+"["+g.of("0", "1", "-1", "-2", "7", "$a", "$count($list) - 1")+"]",
		"("+g.truth(d)+" ? "+g.number(d)+" : "+g.number(d)+")",
		"$reduce("+g.array(d)+", function($x, $y) { $x + $y })",
		"$order.lines["+g.of("0", "-1", "5")+"].("+g.of("qty", "qty + 1", "price * qty")+")",
		"("+"$v := "+g.number(d)+"; $v + "+g.number(d)+")",
		"$toMillis("+g.of(`"2020-02-29"`, `"2020-02-29T10:11:12Z"`, g.text(d))+")",
		g.number(d),
	))
}

func (g generator) text(depth int) string {
	if depth <= 0 {
		return g.of(`""`, `"a"`, `"hello world"`, `"A-b"`, `"12"`, `"é"`, "$s", "$order.id", "$order.customer.name", "$words[0]", "$missing", `"true"`)
	}
	d := depth - 1
	re := g.of(`/l+/`, `/[a-c]/i`, `/(o)\s*(w)?/`, `/\d/`, `/^h/`, `/\w+$/`, `/[^aeiou]/`, `/(a|h)(e)?/`, `/./`, `/\S\s/`)
	return g.odd(depth, g.of(
		g.text(d)+" & "+g.of(g.text(d), g.of("1", "true", "null", "$missing", "$list", "$a", "{\"k\": 1}", "[\"a\"]")),
		g.of("$uppercase", "$lowercase", "$trim", "$encodeUrlComponent", "$encodeUrl", "$decodeUrlComponent", "$string", "$type")+"("+g.text(d)+")",
		"$string("+g.any(d)+")",
		"$substring("+g.text(d)+", "+g.number(d)+")",
		"$substring("+g.text(d)+", "+g.number(d)+", "+g.number(d)+")",
		g.of("$substringBefore", "$substringAfter")+"("+g.text(d)+", "+g.text(d)+")",
		"$pad("+g.text(d)+", "+g.of("4", "-6", "0", g.number(d))+g.of("", `, "-"`, `, "ab"`)+")",
		"$join("+g.array(d)+g.of("", `, "-"`)+")",
		"$replace("+g.text(d)+", "+g.of(`"l"`, `"a"`, re)+", "+g.of(`"x"`, `"<$0>"`, `"$1$2"`, `"$$"`)+g.of("", ", 1")+")",
		"$formatBase("+g.number(d)+", 16)",
		"$formatNumber("+g.number(d)+", "+g.of(`"0.00"`, `"#,##0"`, `"00"`, `"0%"`)+")",
		"$fromMillis("+g.of("0", "1577836800000", g.number(d))+")",
		"$formatInteger("+g.of("3", "12", "1999")+", "+g.of(`"w"`, `"I"`, `"a"`, `"000"`)+")",
		g.array(d)+".$string()",
		g.text(d)+" ~> $uppercase()",
		"$type("+g.any(d)+")",
		"$match("+g.text(d)+", "+re+").match",
		"$match("+g.text(d)+", "+re+")",
		"("+g.truth(d)+" ? "+g.text(d)+" : "+g.text(d)+")",
		g.text(d),
	))
}

func (g generator) truth(depth int) string {
	if depth <= 0 {
		return g.of("true", "false", "$t", "$f", "$missing", "$nil = null", "$a = 1", "$exists($none)")
	}
	d := depth - 1
	return g.odd(depth, g.of(
		g.number(d)+g.of(" = ", " != ", " < ", " <= ", " > ", " >= ")+g.number(d),
		g.text(d)+g.of(" = ", " != ", " < ", " >= ")+g.text(d),
		g.any(d)+g.of(" = ", " != ")+g.any(d),
		g.of(g.number(0), g.text(0), g.truth(0))+" in "+g.array(d),
		g.truth(d)+g.of(" and ", " or ")+g.truth(d),
		g.any(d)+g.of(" and ", " or ")+g.any(d),
		g.of("$not", "$boolean", "$exists")+"("+g.any(d)+")",
		"$contains("+g.text(d)+", "+g.of(g.text(0), `/[a-h]/`, `/^\w/`)+")",
		g.truth(d),
	))
}

func (g generator) array(depth int) string {
	if depth <= 0 {
		return g.of("$list", "$one", "$none", "$words", "$mixed", "$nested", "$order.lines", "$order.lines.sku", "$order.lines.tags", "$order.single.sku",
			"$people.age", "$people.city", "[1,2,3]", "[]", `["a","b"]`, "[1..4]", "$missing", `[{"k":1},{"k":[2,3]}]`)
	}
	d := depth - 1
	fn := g.of("function($x) { $x }", "function($x, $i) { $i }", "function($x) { "+g.truth(0)+" }", "function($x) { $x != null }", "$string", "$type", "function($x) { [$x] }")
	return g.odd(depth, g.of(
		"["+g.any(d)+", "+g.any(d)+"]",
		"["+g.any(d)+"]",
		"["+g.of("0", "1", "-1")+".."+g.of("0", "2", "3", "$a")+"]",
		"$map("+g.array(d)+", "+fn+")",
		"$filter("+g.array(d)+", "+fn+")",
		"$append("+g.any(d)+", "+g.any(d)+")",
		"$reverse("+g.array(d)+")",
		"$distinct("+g.array(d)+")",
		"$sort("+g.array(d)+")",
		"$zip("+g.array(d)+", "+g.array(d)+")",
		"$keys("+g.object(d)+")",
		"$spread("+g.object(d)+")",
		"$each("+g.object(d)+", function($v, $k) { $k })",
		"$split("+g.text(d)+", "+g.of(`""`, `"l"`, `" "`, `/[aeo]/`)+")",
		g.array(d)+"["+g.of("$ != null", "$ = 1", "0", "[0,1]", "$ in [1,2]")+"]",
		g.array(d)+"[]",
		g.array(d)+".("+g.of("$ & \"\"", "1", "[$]", "$string($)", g.any(d))+")",
		"$lookup("+g.of("$order.lines", g.object(d))+", "+g.of(`"sku"`, `"a"`)+")",
		g.path(d),
		g.array(d),
	))
}

func (g generator) object(depth int) string {
	if depth <= 0 {
		return g.of("{}", `{"a": 1}`, `{"a": 1, "b": "x"}`, "$order.customer", "$order.lines[0]", "$order.lines[1]", "$mixed[4]", "$missing", `{"a": null}`)
	}
	d := depth - 1
	return g.odd(depth, g.of(
		`{"a": `+g.any(d)+`, "b": `+g.any(d)+"}",
		`{"a": `+g.any(d)+"}",
		"{"+g.of(`"k"`, `"a" & "b"`, g.text(d))+": "+g.any(d)+"}",
		"$merge(["+g.object(d)+", "+g.object(d)+"])",
		"$sift("+g.object(d)+", function($v, $k) { "+g.of("$k = \"a\"", "$v = 1", "true")+" })",
		"$order.lines{sku: "+g.of("qty", "price", "$sum(qty)", "tags")+"}",
		"$people{"+g.of("city", "name")+": "+g.of("name", "age", "$count(name)", "name[]")+"}",
		g.of("$order.customer", `{"a": 1}`, "$order.lines[0]", g.of("$order.lines", "$people"))+" ~> |$|{\"z\": "+g.of("1", "a", "[a]")+"}"+g.of("", `, "a"`)+"|",
		g.object(d),
	))
}

func (g generator) path(depth int) string {
	s := g.of("$order", "$order.lines", "$order.customer", "$people", "$mixed", "$nested", `[{"a":{"b":[1,2]}},{"a":{"b":3}}]`, "$words")
	if depth > 0 && g.r.IntN(3) == 0 {
		s = g.object(depth - 1)
	}
	for range g.r.IntN(4) {
		s += g.of(".lines", ".sku", ".tags", ".customer", ".name", ".age", ".a", ".b", ".k", ".qty", "[0]", "[-1]", "[1]", "[]",
			"[qty > 2]", `[sku = "A"]`, `["x" in tags]`, "[age >= 30]", "[$exists(city)]", ".(a)", ".[0, sku]", `.{"s": sku}`, `."name"`, ".$string()", ".(qty * 2)",
			"^(sku).qty", "^(>age).name")
	}
	return s
}

// TestRandom compares random expressions. An error of ours alone is no
// difference that anybody would be misled by; another value is.
func TestRandom(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(*randomSeed, 0))}
	vars := variables(t)
	var questions []question
	seen := map[string]bool{}
	for len(questions) < *randomCount {
		src := g.any(1 + g.r.IntN(3))
		if !seen[src] && len(src) < 300 {
			seen[src] = true
			questions = append(questions, question{src, vars})
		}
	}
	values, errors, strict, lax, wrong := 0, 0, 0, 0, 0
	var loud []string
	for i, want := range asked(t, questions) {
		src := questions[i].Expr
		got, _ := ours(t, src, vars)
		switch {
		case agrees(want.String(), got) && want.Error == "":
			values++
		case agrees(want.String(), got):
			errors++
		case got.Error != "":
			strict++
			loud = append(loud, fmt.Sprintf("%s\n   referee: %s\n      ours: %s", src, want, got))
		case want.Error != "":
			lax++
			loud = append(loud, fmt.Sprintf("%s\n   referee: %s\n      ours: %s", src, want, got))
		default:
			if wrong++; wrong <= 20 {
				t.Errorf("%s\nreferee: %s\n   ours: %s", src, want, got)
			}
		}
	}
	t.Logf("%d equal values, %d errors of both, %d only ours, %d only the referee's, %d different (seed %d)", values, errors, strict, lax, wrong, *randomSeed)
	// What is undefined ends an evaluation early here: the other side of an
	// operator and the predicates are not looked at, where jsonata finds an error.
	if lax*200 > len(questions) {
		t.Errorf("%d of %d expressions are errors of the referee and none here", lax, len(questions))
	}
	if testing.Verbose() {
		t.Logf("errors of one side:\n%s", strings.Join(loud[:min(len(loud), 40)], "\n"))
	}
}
