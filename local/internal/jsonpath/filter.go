package jsonpath

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// expr is a filter's condition.
type expr interface {
	// holds tells whether it is true of an item of a document.
	holds(item, root any) (bool, error)
}

type (
	orExpr  []expr
	andExpr []expr
	notExpr struct{ expr }
	// existsExpr is a path that stands alone.
	existsExpr struct {
		operand
		negated bool
	}
	compareExpr struct {
		left, right operand
		operator    string
	}
)

// operand is one side of a comparison: a path or a literal.
type operand struct {
	path *Path
	// fromRoot is whether the path begins with $ and not with @.
	fromRoot bool
	literal  value
}

// parseFilter compiles what is between [?( and )].
func parseFilter(text string) (expr, error) {
	f := &filterParser{text: text}
	e, err := f.or()
	if err != nil {
		return nil, err
	}
	if f.skip(); f.pos < len(f.text) {
		return nil, f.fail("something follows the condition")
	}
	return e, nil
}

type filterParser struct {
	text string
	pos  int
}

func (f *filterParser) fail(format string, args ...any) error {
	return &SyntaxError{Path: "[?(" + f.text + ")]", Offset: f.pos + 3, Reason: fmt.Sprintf(format, args...)}
}

func (f *filterParser) skip() {
	for f.pos < len(f.text) && f.text[f.pos] == ' ' {
		f.pos++
	}
}

func (f *filterParser) peek() byte {
	if f.pos < len(f.text) {
		return f.text[f.pos]
	}
	return 0
}

func (f *filterParser) take(s string) bool {
	f.skip()
	if !strings.HasPrefix(f.text[f.pos:], s) {
		return false
	}
	f.pos += len(s)
	return true
}

func (f *filterParser) or() (expr, error) {
	var all orExpr
	for {
		e, err := f.and()
		if err != nil {
			return nil, err
		}
		all = append(all, e)
		if !f.take("||") {
			break
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (f *filterParser) and() (expr, error) {
	var all andExpr
	for {
		e, err := f.term()
		if err != nil {
			return nil, err
		}
		all = append(all, e)
		if !f.take("&&") {
			break
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (f *filterParser) term() (expr, error) {
	f.skip()
	begin := f.pos
	if f.take("!") {
		f.skip()
		if c := f.peek(); c == '$' || c == '@' {
			f.pos = begin // part of the operand
		} else {
			e, err := f.term()
			if err != nil {
				return nil, err
			}
			return notExpr{e}, nil
		}
	}
	if f.peek() == '(' {
		f.pos++
		e, err := f.or()
		if err != nil {
			return nil, err
		}
		if !f.take(")") {
			return nil, f.fail(") is missing")
		}
		return e, nil
	}
	return f.comparison()
}

func (f *filterParser) comparison() (expr, error) {
	negated := f.take("!")
	left, err := f.operand()
	if err != nil {
		return nil, err
	}
	f.skip()
	after := f.pos
	operator := f.operator()
	if operator == "" {
		f.pos = after
		if left.path == nil {
			return nil, f.fail("a value alone is no condition")
		}
		return existsExpr{left, negated}, nil
	}
	right, err := f.operand()
	if err != nil {
		return nil, err
	}
	// Jayway drops the ! of a path that is compared.
	return compareExpr{left, right, operator}, nil
}

var wordOperators = map[string]bool{
	"IN": true, "NIN": true, "CONTAINS": true, "ALL": true, "SIZE": true, "EMPTY": true, "SUBSETOF": true, "ANYOF": true, "NONEOF": true,
}

// operator reads an operator; "" if there is none.
func (f *filterParser) operator() string {
	begin := f.pos
	if strings.IndexByte("<>=~!", f.peek()) >= 0 && f.peek() != 0 {
		for f.peek() != 0 && strings.IndexByte("<>=~!", f.peek()) >= 0 {
			f.pos++
		}
		switch op := f.text[begin:f.pos]; op {
		case "==", "!=", "<", "<=", ">", ">=", "=~", "===", "!==":
			return op
		}
		return ""
	}
	for f.peek() != 0 && f.peek() != ' ' {
		f.pos++
	}
	if word := strings.ToUpper(f.text[begin:f.pos]); wordOperators[word] {
		return word
	}
	return ""
}

func (f *filterParser) operand() (operand, error) {
	f.skip()
	switch c := f.peek(); c {
	case '$', '@':
		return f.pathOperand()
	case '\'', '"':
		end := closingQuote(f.text, f.pos)
		if end < 0 {
			return operand{}, f.fail("a text is not closed")
		}
		s, err := unescape(f.text[f.pos+1 : end])
		if err != nil {
			return operand{}, err
		}
		f.pos = end + 1
		return operand{literal: value{kind: textValue, text: s}}, nil
	case '/':
		return f.pattern()
	case '{', '[':
		end := matching(f.text, f.pos)
		if end < 0 {
			return operand{}, f.fail("%c is not closed", c)
		}
		// Jayway's parser is a lenient one.
		text := f.text[f.pos : end+1]
		v, err := parseLenient(text)
		if err != nil {
			return operand{}, f.fail("%v", err)
		}
		f.pos = end + 1
		return operand{literal: value{kind: jsonValue, json: v, written: true}}, nil
	}
	begin := f.pos
	for f.peek() != 0 && strings.IndexByte(" )&|<>=!~,", f.peek()) < 0 {
		f.pos++
	}
	switch word := f.text[begin:f.pos]; word {
	case "true", "false":
		return operand{literal: value{kind: boolValue, truth: word == "true"}}, nil
	case "null":
		return operand{literal: value{kind: nullValue}}, nil
	default:
		n, err := strconv.ParseFloat(word, 64)
		if err != nil || strings.Trim(word, "0123456789.eE-+") != "" {
			f.pos = begin
			return operand{}, f.fail("a value or a path is expected")
		}
		return operand{literal: value{kind: numberValue, number: n, text: word}}, nil
	}
}

// pathOperand reads a path, which ends at a blank, an operator or a bracket that it did not open.
func (f *filterParser) pathOperand() (operand, error) {
	begin := f.pos
	for f.pos++; f.pos < len(f.text); f.pos++ {
		c := f.text[f.pos]
		if c == '[' || c == '(' {
			end := matching(f.text, f.pos)
			if end < 0 {
				return operand{}, f.fail("%c is not closed", c)
			}
			f.pos = end
			continue
		}
		if strings.IndexByte(" )<>=!~", c) >= 0 {
			break
		}
	}
	text := f.text[begin:f.pos]
	p, err := compile(text, text[0])
	if err != nil {
		return operand{}, err
	}
	return operand{path: p, fromRoot: text[0] == '$'}, nil
}

// pattern reads /…/flags.
func (f *filterParser) pattern() (operand, error) {
	end := closingQuote(f.text, f.pos)
	if end < 0 {
		return operand{}, f.fail("a pattern is not closed")
	}
	source := strings.ReplaceAll(f.text[f.pos+1:end], `\/`, "/")
	f.pos = end + 1
	var flags string
	for f.pos < len(f.text) && strings.IndexByte("idmsuxU", f.peek()) >= 0 {
		switch c := f.peek(); c {
		case 'i', 's', 'm':
			flags += string(c)
		case 'd', 'u', 'U': // which line ends there are, and Unicode, which Go's patterns are always about
		default:
			return operand{}, f.fail("the flag %c of patterns is not simulated", c)
		}
		f.pos++
	}
	if flags != "" {
		flags = "(?" + flags + ")"
	}
	re, err := regexp.Compile(flags + `^(?:` + source + `)$`)
	if err != nil {
		return operand{}, f.fail("%v", err)
	}
	return operand{literal: value{kind: patternValue, pattern: re}}, nil
}

// parseLenient reads a JSON value in which texts may be in single quotes.
func parseLenient(s string) (any, error) {
	var v any
	if err := json.Unmarshal([]byte(s), &v); err == nil {
		return v, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\'' && s[i] != '"' {
			b.WriteByte(s[i])
			continue
		}
		end := closingQuote(s, i)
		if end < 0 {
			return nil, fmt.Errorf("%s is no JSON", s)
		}
		text, err := unescape(s[i+1 : end])
		if err != nil {
			return nil, err
		}
		quoted, err := json.Marshal(text)
		if err != nil {
			return nil, err
		}
		b.Write(quoted)
		i = end
	}
	if err := json.Unmarshal([]byte(b.String()), &v); err != nil {
		return nil, fmt.Errorf("%s is no JSON: %w", s, err)
	}
	return v, nil
}
