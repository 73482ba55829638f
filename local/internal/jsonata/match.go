package jsonata

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"sync"

	"github.com/recolabs/gnata"
)

// match is $match: gnata's has the names of fields of another version, counts
// in bytes and does not tell a group that took no part from an empty one.
func match(args []any, focus any) (any, error) {
	if len(args) == 1 || len(args) == 2 && isRegex(args[0]) {
		args = append([]any{focus}, args...)
	}
	if len(args) < 2 || len(args) > 3 {
		return nil, errors.New("$match takes a string, a regular expression and perhaps a limit")
	}
	if args[0] == nil {
		return nil, nil
	}
	s, ok := args[0].(string)
	if !ok || !isRegex(args[1]) {
		return nil, errors.New("$match takes a string, a regular expression and perhaps a limit")
	}
	limit := -1
	if len(args) == 3 && args[2] != nil {
		n, ok := number(args[2])
		if !ok || n < 0 {
			return nil, errors.New("$match: the limit must be a non-negative number")
		}
		limit = int(math.Ceil(n))
	}
	re, err := regexOf(args[1].(map[string]any))
	if err != nil {
		return nil, err
	}
	found := re.FindAllStringSubmatchIndex(s, -1)
	out := []any{}
	at, units := 0, 0 // where in s, in bytes and in UTF-16
	for _, m := range found {
		if m[0] == m[1] {
			return nil, errors.New("$match: a regular expression matches a zero-length string")
		}
		if limit >= 0 && len(out) == limit {
			break
		}
		units += utf16Length(s[at:m[0]])
		at = m[0]
		groups := []any{}
		for g := 2; g < len(m); g += 2 {
			if m[g] < 0 {
				groups = append(groups, nil)
				continue
			}
			groups = append(groups, s[m[g]:m[g+1]])
		}
		b, err := json.Marshal(groups)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(s[m[0]:m[1]])
		if err != nil {
			return nil, err
		}
		// DecodeJSON keeps the order of the fields.
		o, err := gnata.DecodeJSON(json.RawMessage(fmt.Sprintf(`{"match":%s,"index":%d,"groups":%s}`, text, units, b)))
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return single(out), nil
}

func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// isRegex tells whether v is what gnata makes of a regular expression.
func isRegex(v any) bool {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 2 {
		return false
	}
	_, pattern := m["pattern"].(string)
	_, flags := m["flags"].(string)
	return pattern && flags
}

var regexes sync.Map // pattern → *regexp.Regexp

// regexOf compiles a regular expression that [goRegex] has translated.
func regexOf(m map[string]any) (*regexp.Regexp, error) {
	pattern := m["pattern"].(string)
	if strings.Contains(m["flags"].(string), "i") {
		pattern = "(?i)" + pattern
	}
	if re, ok := regexes.Load(pattern); ok {
		return re.(*regexp.Regexp), nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	regexes.Store(pattern, re)
	return re, nil
}
