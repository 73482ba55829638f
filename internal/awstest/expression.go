package awstest

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// holds judges a condition: terms joined by AND, each of which may be an OR in parentheses.
func (w write) holds(it Item) bool {
	if w.ConditionExpression == "" {
		return true
	}
	for _, term := range strings.Split(w.ConditionExpression, " AND ") {
		ok := false
		if inner, found := strings.CutPrefix(term, "("); found {
			for _, either := range strings.Split(strings.TrimSuffix(inner, ")"), " OR ") {
				ok = ok || w.term(either, it)
			}
		} else {
			ok = w.term(term, it)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (w write) term(term string, it Item) bool {
	for _, f := range []struct {
		call string
		want bool
	}{{"attribute_not_exists(", false}, {"attribute_exists(", true}} {
		if inner, found := strings.CutPrefix(term, f.call); found {
			_, has := it[w.name(strings.TrimSuffix(inner, ")"))]
			return has == f.want
		}
	}
	f := strings.Fields(term)
	if len(f) != 3 {
		panic(fmt.Sprintf("awstest: condition %q", term))
	}
	a, has := it[w.name(f[0])]
	b := w.value(f[2])
	if f[1] == "=" {
		return has && fmt.Sprint(a) == fmt.Sprint(b) // maps print sorted
	}
	if !has {
		return false
	}
	c := compare(a, b)
	switch f[1] {
	case "<>":
		return c != 0
	case ">=":
		return c >= 0
	case ">":
		return c > 0
	case "<=":
		return c <= 0
	case "<":
		return c < 0
	}
	panic(fmt.Sprintf("awstest: condition %q", term))
}

// compare compares two numbers or two strings.
func compare(a, b any) int {
	x, y := Item{"v": a}, Item{"v": b}
	if _, ok := a.(map[string]any)["N"]; ok {
		return Number(x, "v") - Number(y, "v")
	}
	return strings.Compare(Text(x, "v"), Text(y, "v"))
}

// apply returns what an item becomes.
func (w write) apply(it Item, action string) Item {
	if action == "PutItem" {
		return w.Item
	}
	after := maps.Clone(it)
	if after == nil {
		after = maps.Clone(w.Key)
	}
	for _, part := range parts(w.UpdateExpression) {
		verb, rest, _ := strings.Cut(part, " ")
		for _, clause := range clauses(rest) {
			w.clause(verb, clause, it, after)
		}
	}
	return after
}

// parts cuts an update expression before each of its verbs.
func parts(expression string) []string {
	var all []string
	for _, word := range strings.Fields(expression) {
		switch word {
		case "SET", "REMOVE", "ADD", "DELETE":
			all = append(all, word)
		default:
			if len(all) == 0 {
				panic(fmt.Sprintf("awstest: update %q", expression))
			}
			all[len(all)-1] += " " + word
		}
	}
	return all
}

// clauses cuts at the commas that are not within parentheses.
func clauses(s string) []string {
	var all []string
	depth, begin := 0, 0
	for i, c := range s {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			all = append(all, strings.TrimSpace(s[begin:i]))
			begin = i + 1
		}
	}
	return append(all, strings.TrimSpace(s[begin:]))
}

func (w write) clause(verb, clause string, before, after Item) {
	f := strings.Fields(clause)
	switch {
	case verb == "REMOVE" && len(f) == 1:
		delete(after, w.name(f[0]))
	case verb == "ADD" && len(f) == 2:
		after[w.name(f[0])] = N(Number(before, w.name(f[0])) + w.number(f[1]))
	case verb == "SET" && len(f) >= 3 && f[1] == "=":
		path, value, _ := strings.Cut(clause, " = ")
		after[w.name(path)] = w.operand(value, before)
	default:
		panic(fmt.Sprintf("awstest: update %q", w.UpdateExpression))
	}
}

// operand is what SET sets: a value, an attribute, their sum or difference, or an
// attribute if it is there.
func (w write) operand(s string, before Item) any {
	if inner, ok := strings.CutPrefix(s, "if_not_exists("); ok {
		path, other, _ := strings.Cut(strings.TrimSuffix(inner, ")"), ", ")
		if v, ok := before[w.name(path)]; ok {
			return v
		}
		return w.value(other)
	}
	f := strings.Fields(s)
	if len(f) == 3 && (f[1] == "-" || f[1] == "+") {
		n := w.number(f[2])
		if f[1] == "-" {
			n = -n
		}
		return map[string]any{"N": strconv.Itoa(Number(before, w.name(f[0])) + n)}
	}
	if len(f) != 1 {
		panic(fmt.Sprintf("awstest: update %q", w.UpdateExpression))
	}
	if strings.HasPrefix(s, ":") {
		return w.value(s)
	}
	v, ok := before[w.name(s)]
	if !ok {
		panic(fmt.Sprintf("awstest: no attribute %s", s)) // AWS: a ValidationException
	}
	return v
}
