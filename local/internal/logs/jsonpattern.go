package logs

import (
	"encoding/json"
	"strconv"
	"strings"
)

// compileJSON reads a filter pattern for JSON: { selector operator value }, joined by && and ||, with parentheses.
//
// Source: CloudWatch Logs User Guide, "Filter pattern syntax", JSON: = and != for texts, with * in them, and
// numbers; <, <=, >, >= for numbers; IS TRUE, IS FALSE, IS NULL, NOT EXISTS, EXISTS; && binds tighter than ||.
func compileJSON(p string) (func(string) bool, error) {
	if !strings.HasSuffix(p, "}") {
		return nil, errPattern("the brace is not closed")
	}
	r := &patternReader{rest: p[1 : len(p)-1]}
	test, err := r.or()
	if err != nil {
		return nil, err
	}
	if r.space(); r.rest != "" {
		return nil, errPattern("nothing may follow the condition, but there is " + r.rest)
	}
	return func(message string) bool {
		if !strings.HasPrefix(strings.TrimSpace(message), "{") {
			return false
		}
		var doc any
		return json.Unmarshal([]byte(message), &doc) == nil && test(doc)
	}, nil
}

type condition func(doc any) bool

type patternReader struct{ rest string }

func (r *patternReader) space() { r.rest = strings.TrimLeft(r.rest, " \t\n") }

func (r *patternReader) accept(token string) bool {
	r.space()
	rest, ok := strings.CutPrefix(r.rest, token)
	if ok {
		r.rest = rest
	}
	return ok
}

func (r *patternReader) or() (condition, error) {
	left, err := r.and()
	for err == nil && r.accept("||") {
		var right condition
		one := left
		right, err = r.and()
		left = func(doc any) bool { return one(doc) || right(doc) }
	}
	return left, err
}

func (r *patternReader) and() (condition, error) {
	left, err := r.one()
	for err == nil && r.accept("&&") {
		var right condition
		one := left
		right, err = r.one()
		left = func(doc any) bool { return one(doc) && right(doc) }
	}
	return left, err
}

func (r *patternReader) one() (condition, error) {
	if r.accept("(") {
		c, err := r.or()
		if err == nil && !r.accept(")") {
			err = errPattern("a parenthesis is not closed")
		}
		return c, err
	}
	at, err := r.selector()
	if err != nil {
		return nil, err
	}
	for _, operator := range []string{"IS TRUE", "IS FALSE", "IS NULL", "NOT EXISTS", "EXISTS"} {
		if r.accept(operator) {
			return func(doc any) bool {
				v, ok := at(doc)
				switch operator {
				case "IS TRUE":
					return v == true
				case "IS FALSE":
					return v == false
				case "IS NULL":
					return ok && v == nil
				case "EXISTS":
					return ok
				}
				return !ok
			}, nil
		}
	}
	for _, operator := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if r.accept(operator) {
			return r.comparison(at, operator)
		}
	}
	return nil, errPattern("a selector must be followed by an operator")
}

// selector reads $.a.b[0]."c d".
func (r *patternReader) selector() (func(doc any) (any, bool), error) {
	if !r.accept("$") {
		return nil, errPattern("a condition must begin with a selector, such as $.level")
	}
	var steps []any
	for {
		switch {
		case strings.HasPrefix(r.rest, "."):
			r.rest = r.rest[1:]
			if strings.HasPrefix(r.rest, "\"") {
				name, rest, ok := quoted(r.rest)
				if !ok {
					return nil, errPattern("a quotation mark is not closed")
				}
				steps, r.rest = append(steps, name), rest
				continue
			}
			n := 0
			for n < len(r.rest) && (isWord(r.rest[n]) || r.rest[n] == '-') {
				n++
			}
			if n == 0 {
				return nil, errPattern("a selector ends with a dot")
			}
			steps, r.rest = append(steps, r.rest[:n]), r.rest[n:]
		case strings.HasPrefix(r.rest, "["):
			inside, rest, ok := strings.Cut(r.rest[1:], "]")
			if strings.HasPrefix(inside, "\"") {
				steps, r.rest = append(steps, strings.Trim(inside, "\"")), rest
				continue
			}
			i, err := strconv.Atoi(inside)
			if !ok || err != nil || i < 0 {
				return nil, errPattern("an index must be a number: " + inside)
			}
			steps, r.rest = append(steps, i), rest
		default:
			return func(doc any) (any, bool) { return walk(doc, steps) }, nil
		}
	}
}

func walk(v any, steps []any) (any, bool) {
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				return nil, false
			}
			if v, ok = m[step]; !ok {
				return nil, false
			}
		case int:
			l, ok := v.([]any)
			if !ok || step >= len(l) {
				return nil, false
			}
			v = l[step]
		}
	}
	return v, true
}

// comparison reads the value to compare with.
func (r *patternReader) comparison(at func(any) (any, bool), operator string) (condition, error) {
	r.space()
	text, isText := "", strings.HasPrefix(r.rest, "\"")
	if isText {
		var ok bool
		if text, r.rest, ok = quoted(r.rest); !ok {
			return nil, errPattern("a quotation mark is not closed")
		}
	} else {
		end := strings.IndexAny(r.rest, " \t\n)&|")
		if end < 0 {
			end = len(r.rest)
		}
		text, r.rest = r.rest[:end], r.rest[end:]
	}
	if strings.HasPrefix(text, "%") && !isText {
		return nil, refusedPattern("regular expressions (%…%)")
	}
	number, err := strconv.ParseFloat(text, 64)
	isNumber := err == nil && !isText
	if text == "" && !isText || !isNumber && operator != "=" && operator != "!=" {
		return nil, errPattern("the operator " + operator + " must be followed by a number")
	}
	return func(doc any) bool {
		v, ok := at(doc)
		if !ok {
			return false
		}
		if n, is := v.(float64); is && isNumber {
			switch operator {
			case "=":
				return n == number
			case "!=":
				return n != number
			case "<":
				return n < number
			case "<=":
				return n <= number
			case ">":
				return n > number
			}
			return n >= number
		}
		s, is := v.(string)
		if !is {
			return operator == "!="
		}
		return like(text, s) == (operator == "=")
	}, nil
}

// like compares a text with a pattern in which * stands for anything.
func like(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(s, part)
		if !found {
			return false
		}
		s = after
	}
	return strings.HasSuffix(s, parts[len(parts)-1])
}
