package jsonata

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrEval refuses $eval, which Step Functions does not have.
var ErrEval = errors.New("the function $eval is not supported")

// A RefusedError is an expression that may be right but that would not be
// evaluated here as in jsonata 2.0.6, the version that Step Functions names.
type RefusedError struct {
	Construct string // as it stands in the expression
	Why       string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("JSONata: %s: %s", e.Construct, e.Why)
}

func refuse(construct, why string, args ...any) error {
	return &RefusedError{construct, fmt.Sprintf(why, args...)}
}

// check finds what gnata would evaluate otherwise than jsonata 2.0.6. It
// returns the expression with its regular expressions translated.
func check(src string) (string, error) {
	tokens := tokenize(src)
	for i, t := range tokens {
		if err := checkToken(tokens, i, t); err != nil {
			return "", err
		}
	}
	return translateRegexes(src, tokens)
}

// near is the text of the token at i, or nothing.
func near(tokens []token, i int) string {
	if i < 0 || i >= len(tokens) {
		return ""
	}
	return tokens[i].text
}

func checkToken(tokens []token, i int, t token) error {
	prev, next := near(tokens, i-1), near(tokens, i+1)
	switch t.kind {
	case stringToken:
		if prev == "." && next == "[" {
			return refuse("."+t.text+"[", "a quoted name before a predicate is taken for a text here; quote it with backticks")
		}
		return nil
	case regexToken:
		return nil
	case varToken:
		if t.text == "$eval" {
			return ErrEval
		}
	case nameToken, numberToken:
	}
	switch t.text {
	case "??", "?:":
		return refuse(t.text, "an operator of later versions of JSONata than 2.0.6")
	case "..":
		if t.parent < 0 || tokens[t.parent].text != "[" || !tokens[t.parent].prefix {
			return refuse(t.text, "a range must stand in an array of its own: [1..3]")
		}
	case "$":
		if prev == "." {
			return refuse(".$", "as a step of a path it flattens arrays in another way here; leave it away")
		}
	case "null", "true", "false":
		if t.prefix && (next == "." || next == "[") {
			return refuse(t.text+next, "it cannot be a step of a path")
		}
		if prev == "." {
			return refuse("."+t.text, "it cannot be a step of a path; a field of that name is written in quotes")
		}
	case "~>":
		for j := i - 1; j >= 0 && j > t.parent; j-- {
			if tokens[j].parent != t.parent || tokens[j].depth != t.depth {
				continue
			}
			if slices.Contains([]string{"=", "!=", "<", "<=", ">", ">=", "in"}, tokens[j].text) && !tokens[j].prefix {
				return refuse(t.text, "after a comparison it chains the comparison's result in jsonata and its right side here; use parentheses")
			}
			if slices.Contains([]string{",", ";", ":", "?", ":=", "and", "or", "|"}, tokens[j].text) {
				break
			}
		}
	case "{":
		if end := closing(tokens, i); !t.prefix && end > 0 && continues(near(tokens, end+1)) {
			return refuse("{…}"+near(tokens, end+1), "a path does not go on after grouping as it does in jsonata; put the grouping in parentheses or in a variable")
		}
	case "[":
		if err := checkBracket(tokens, i, t); err != nil {
			return err
		}
		if !t.prefix && next == "-" && near(tokens, i+3) == "]" && strings.ContainsAny(near(tokens, i+2), ".eE") {
			return refuse("[-"+near(tokens, i+2)+"]", "an index must be a whole number")
		}
	case "*", "**":
		if t.prefix {
			return refuse(t.text, "a wildcard flattens arrays in another way here; name the fields, or use $each")
		}
	case "%":
		if t.prefix {
			return refuse(t.text, "the parent operator finds parents here where jsonata does not; bind the parent to a variable")
		}
	case "@", "#":
		return refuse(t.text, "variables bound within a path are not seen by the predicates after them here; use $map with its index")
	case "^":
		if end := closing(tokens, i+1); end < 0 || near(tokens, end+1) != "." {
			return refuse(t.text, "an order-by operator that ends a path keeps arrays of one element here; use $sort")
		}
	}
	return nil
}

// continues tells whether a path goes on with this token.
func continues(next string) bool { return next == "." || next == "[" || next == "^" || next == "{" }

// checkBracket looks at constructed arrays and at predicates.
func checkBracket(tokens []token, i int, t token) error {
	end := closing(tokens, i)
	if end < 0 {
		return nil
	}
	next := near(tokens, end+1)
	switch {
	case t.prefix && near(tokens, i-1) == "." && continues(next):
		return refuse(".[…]"+next, "a path does not go on after an array as its step as it does in jsonata")
	case t.prefix && next == ".":
		return refuse("[…].", "a path that begins with an array remembers that in jsonata; put the array in a variable, or use $map")
	case t.prefix && near(tokens, i-1) == "(" && near(tokens, i-2) == "." && next == ")":
		return refuse(".([…])", "an array of one element is not kept as in jsonata; leave the parentheses away")
	case t.prefix:
		return nil
	case end == i+1 && (tokens[i-1].text == ")" || tokens[i-1].text == "]"):
		return refuse(tokens[i-1].text+"[]", "after a call or a predicate it keeps arrays of one element in other cases than in jsonata; construct an array: [ … ]")
	case end == i+1 && (next == "[" || next == "^" || next == "{" || next == "." && near(tokens, end+2) == "["):
		return refuse("[]"+next, "a path does not go on after [] as it does in jsonata")
	case near(tokens, i+1) == "[" && closing(tokens, i+1) == end-1:
		return refuse("[[…]]", "several indexes select in another way here; use $filter with its index")
	}
	// What stands before all predicates.
	base := max(0, i-1)
	for base > 0 && tokens[base].text == "]" && tokens[base].parent >= 0 && !tokens[tokens[base].parent].prefix {
		base = tokens[base].parent - 1
	}
	if k := tokens[base].kind; (k == stringToken || k == numberToken) && next == "." && near(tokens, base-1) != "." {
		return refuse(tokens[base].text+"[…].", "a literal cannot be a step of a path; put it in a variable")
	}
	literal := base >= 0 && (tokens[base].text == "]" || tokens[base].text == "}") && tokens[base].parent >= 0 && tokens[tokens[base].parent].prefix &&
		near(tokens, tokens[base].parent-1) != "."
	if literal {
		if outer := tokens[tokens[base].parent].parent; outer >= 0 && tokens[outer].text == "[" && tokens[outer].prefix {
			return refuse("[[…][…]]", "what a predicate selects of a constructed array is flattened into the outer array here; put it in a variable")
		}
	}
	if literal && (end == i+1 || next == ".") {
		return refuse("[…]"+tokens[i].text, "predicates of a constructed value are evaluated in another way here; put the value in a variable")
	}
	return nil
}

// closing is the token that closes the bracket at i, or -1.
func closing(tokens []token, i int) int {
	for j := i + 1; j < len(tokens); j++ {
		if tokens[j].parent == i && tokens[j].depth == tokens[i].depth {
			switch tokens[j].text {
			case ")", "]", "}":
				return j
			}
		}
	}
	return -1
}

// takeRegex are the functions that may be given a regular expression.
var takeRegex = []string{"$contains", "$match", "$replace", "$split"}

// translateRegexes replaces the regular expressions of an expression by those
// of Go. A regular expression as a value is a function in jsonata and is not
// in gnata, so it may only be where it cannot be seen as one.
func translateRegexes(src string, tokens []token) (string, error) {
	var b strings.Builder
	done := 0
	var names []string
	for i, t := range tokens {
		if t.kind != regexToken {
			continue
		}
		switch {
		case isRegexArgument(tokens, i):
		case near(tokens, i-1) == ":=" && i > 1 && tokens[i-2].kind == varToken && endsRegex(near(tokens, i+1)):
			names = append(names, tokens[i-2].text)
		default:
			return "", refuse(t.text, "a regular expression can only be an argument of %s, or be assigned to a variable that is one", strings.Join(takeRegex, ", "))
		}
		re, err := goRegex(t.text)
		if err != nil {
			return "", refuse(t.text, "this regular expression would be matched in another way here: %v", err)
		}
		b.WriteString(src[done:t.start])
		b.WriteString(re)
		done = t.end
	}
	if done == 0 {
		return src, nil
	}
	for i, t := range tokens {
		if t.kind == varToken && slices.Contains(names, t.text) && !isRegexArgument(tokens, i) && near(tokens, i+1) != ":=" {
			return "", refuse(t.text, "a variable with a regular expression can only be an argument of %s", strings.Join(takeRegex, ", "))
		}
	}
	return b.String() + src[done:], nil
}

func endsRegex(next string) bool { return next == ";" || next == ")" || next == "" }

// isRegexArgument tells whether the token at i is all of an argument of a
// function that takes a regular expression, and not the first argument but for
// a function that is chained.
func isRegexArgument(tokens []token, i int) bool {
	p := tokens[i].parent
	if p < 1 || tokens[p].text != "(" || !slices.Contains(takeRegex, tokens[p-1].text) {
		return false
	}
	prev, next := near(tokens, i-1), near(tokens, i+1)
	return (prev == "," || prev == "(") && (next == "," || next == ")")
}
