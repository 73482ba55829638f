package dynamodb

import (
	"strings"
	"testing"
)

// FuzzExpression holds for any text: parsing ends, without a panic, with an
// expression or a problem; white space between tokens means nothing.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		"", "a = :b", "NOT (a.b[1] <= :x OR size(#c) IN (:d, :e)) AND attribute_exists(f)",
		"a BETWEEN :b AND :c", "begins_with(a, :b)", "((a = :b))", "(a) = (b)", "a[", "#", ": ",
		"SET a = if_not_exists(b, :c) + :d, e[0] = list_append(f, :g) REMOVE h ADD i :j DELETE k :l",
		"SET a = (b + :c)", "SET a = b + :c + :d", "a.b, #c[2], d", "a[99999999999999999999]", "\xff\x00é",
		strings.Repeat("(", 400), strings.Repeat("NOT ", 400), strings.Repeat("size(", 400),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, parse := range map[string]func(string) *expression{
			"condition": parseCondition, "update": parseUpdate, "projection": parseProjection,
		} {
			e := parse(s)
			if e.problem == "" && e.cond == nil && e.actions == nil && e.paths == nil {
				t.Errorf("%s %q: neither an expression nor a problem", name, s)
			}
			var spaced strings.Builder
			for _, tok := range lex(s) {
				if tok.kind != tokEOF {
					spaced.WriteString(" " + tok.text + "\n")
				}
			}
			if spaced.Len() == 0 || spaced.Len() > 4096 || len(s) > 4096 {
				continue
			}
			again := parse(spaced.String())
			if (e.problem == "") != (again.problem == "") {
				t.Errorf("%s %q: %q, but with white space %q", name, s, e.problem, again.problem)
			}
		}
	})
}

// FuzzNumber holds for any text: a canonical number is its own canonical form,
// and its sortable encoding orders it about zero.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-0", "1.50", "1e125", "-1E-130", ".5", "5.", "abc", "1e", "+", "1e+-3", "00012300"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, problem := canonicalNumber(s)
		if problem != "" {
			return
		}
		if again, problem := canonicalNumber(c); again != c || problem != "" {
			t.Errorf("%q → %q → %q %s", s, c, again, problem)
		}
		want := 1
		switch {
		case c == "0":
			want = 0
		case c[0] == '-':
			want = -1
		}
		if got := compareNumbers(c, "0"); got != want {
			t.Errorf("%q against 0: %d", c, got)
		}
		if sum, problem := addNumbers(c, c, true); sum != "0" || problem != "" {
			t.Errorf("%q - itself: %q %s", c, sum, problem)
		}
	})
}

// FuzzJSON holds for any body: the decoder does not panic, and what it accepts
// it writes such that it reads the same again.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"a":{"S":"x"}}`, `{"a":{"N":"1.0"},"b":{"L":[{"M":{"c":{"BOOL":true}}}]}}`, `{"a":{"B":"AQ=="},"b":{"SS":["x","y"]}}`,
		`{"a":{"S":"\ud83d\ude00 \u0000 \"\\"}}`, `{"a":{"S":"\ud800"}}`, `{`, `[]`, `{"a":{"S":1}}`, `{"a":{"NULL":true},"a":{"NULL":true}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d := decoder{buf: body}
		it, problem, _, err := d.attributes()
		if err != nil || problem != "" {
			return
		}
		out := it.appendJSON(nil)
		again := decoder{buf: out}
		same, problem, _, err := again.attributes()
		if err != nil || problem != "" || !equalItems(it, same) {
			t.Errorf("%q wrote %s, which reads %s %v", body, out, problem, err)
		}
	})
}
