package vtl

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

func toUTF16(s string) []uint16 { return utf16.Encode([]rune(s)) }

// fromUTF16 makes a lone surrogate a question mark, which is what Java's UTF-8
// encoder makes of it on the way out.
func fromUTF16(u []uint16) string {
	b := make([]byte, 0, len(u)+len(u)/2)
	for i := 0; i < len(u); i++ {
		r := rune(u[i])
		if utf16.IsSurrogate(r) {
			full := rune(utf8.RuneError)
			if i+1 < len(u) {
				full = utf16.DecodeRune(r, rune(u[i+1]))
			}
			if full == utf8.RuneError {
				b = append(b, '?')
				continue
			}
			r = full
			i++
		}
		b = utf8.AppendRune(b, r)
	}
	return string(b)
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// utf16Len is String.length.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

func substring(s string, from, to int) (string, error) {
	if ascii(s) {
		if from < 0 || to > len(s) || from > to {
			return "", stringRange(from, to, len(s))
		}
		return s[from:to], nil
	}
	u := toUTF16(s)
	if from < 0 || to > len(u) || from > to {
		return "", stringRange(from, to, len(u))
	}
	return fromUTF16(u[from:to]), nil
}

func stringRange(from, to, n int) error {
	return javaError(fmt.Sprintf("StringIndexOutOfBoundsException: begin %d, end %d, length %d", from, to, n))
}

// indexIn finds needle in s, both counted in UTF-16 units.
func indexIn(s, needle string, from int) int {
	if from <= 0 {
		i := strings.Index(s, needle)
		if i <= 0 || ascii(s[:i]) {
			return i
		}
		return utf16Len(s[:i])
	}
	u, n := toUTF16(s), toUTF16(needle)
	for i := from; i+len(n) <= len(u); i++ {
		if equal16(u[i:i+len(n)], n) {
			return i
		}
	}
	if len(n) == 0 {
		return min(from, len(u))
	}
	return -1
}

func lastIndexIn(s, needle string, from int) int {
	u, n := toUTF16(s), toUTF16(needle)
	for i := min(from, len(u)-len(n)); i >= 0; i-- {
		if equal16(u[i:i+len(n)], n) {
			return i
		}
	}
	return -1
}

func equal16(a, b []uint16) bool {
	for i := range b {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func compareStrings(a, b string) int32 {
	u, v := toUTF16(a), toUTF16(b)
	for i := 0; i < len(u) && i < len(v); i++ {
		if u[i] != v[i] {
			return int32(u[i]) - int32(v[i])
		}
	}
	return int32(len(u) - len(v))
}

func javaTrim(s string) string { return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }) }

// oneString are the methods with a single String argument.
func oneString(s, name, a string) (any, bool, error) {
	switch name {
	case "contains":
		return strings.Contains(s, a), true, nil
	case "startsWith":
		return strings.HasPrefix(s, a), true, nil
	case "endsWith":
		return strings.HasSuffix(s, a), true, nil
	case "equalsIgnoreCase":
		return equalFold(s, a), true, nil
	case "indexOf":
		return int32(indexIn(s, a, 0)), true, nil
	case "lastIndexOf":
		return int32(lastIndexIn(s, a, len(s))), true, nil
	case "concat":
		return s + a, true, nil
	case "compareTo":
		return compareStrings(s, a), true, nil
	case "compareToIgnoreCase":
		return compareStrings(foldCase(s), foldCase(a)), true, nil
	case "matches":
		m, err := matches(s, a)
		return m, true, err
	case "split":
		l, err := split(s, a, 0)
		return l, true, err
	}
	return nil, false, nil
}

func foldCase(s string) string {
	return strings.Map(func(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }, s)
}

func equalFold(a, b string) bool { return foldCase(a) == foldCase(b) }

func stringMethod(s, name string, args []any) (any, bool, error) {
	switch len(args) {
	case 0:
		switch name {
		case "length":
			return int32(utf16Len(s)), true, nil
		case "isEmpty":
			return s == "", true, nil
		case "isBlank":
			return strings.TrimFunc(s, javaSpace) == "", true, nil
		case "trim":
			return javaTrim(s), true, nil
		case "strip":
			return strings.TrimFunc(s, javaSpace), true, nil
		case "stripLeading":
			return strings.TrimLeftFunc(s, javaSpace), true, nil
		case "stripTrailing":
			return strings.TrimRightFunc(s, javaSpace), true, nil
		case "toLowerCase":
			return toLower(s), true, nil
		case "toUpperCase":
			return toUpper(s), true, nil
		case "toCharArray":
			l := &List{array: true}
			for _, u := range toUTF16(s) {
				l.Items = append(l.Items, Char(u))
			}
			return l, true, nil
		}
	case 1:
		if args[0] == nil {
			return nullArgument(name)
		}
		if a, ok := str(args, 0); ok {
			return oneString(s, name, a)
		}
		n, ok := integer(args, 0)
		if !ok {
			return nil, false, nil
		}
		switch name {
		case "substring":
			out, err := substring(s, n, utf16Len(s))
			return out, true, err
		case "charAt":
			u := toUTF16(s)
			if n < 0 || n >= len(u) {
				return nil, true, javaError(fmt.Sprintf("StringIndexOutOfBoundsException: index %d, length %d", n, len(u)))
			}
			return Char(u[n]), true, nil
		case "indexOf":
			return int32(indexIn(s, string(rune(n)), 0)), true, nil
		case "lastIndexOf":
			return int32(lastIndexIn(s, string(rune(n)), len(s))), true, nil
		case "repeat":
			if n < 0 {
				return nil, true, javaError("IllegalArgumentException: count is negative")
			}
			if n*len(s) > hardOutput {
				return nil, true, errTooLong
			}
			return strings.Repeat(s, n), true, nil
		}
	case 2:
		return twoArguments(s, name, args)
	}
	return nil, false, nil
}

// nullArgument is a call with null: Java finds the method and mostly throws.
func nullArgument(name string) (any, bool, error) {
	switch name {
	case "equalsIgnoreCase":
		return false, true, nil
	case "contains", "startsWith", "endsWith", "concat", "compareTo", "compareToIgnoreCase", "matches", "split",
		"indexOf", "lastIndexOf":
		return nil, true, errNull
	}
	return nil, false, nil
}

func twoArguments(s, name string, args []any) (any, bool, error) {
	a, aString := str(args, 0)
	b, bString := str(args, 1)
	m, mInt := integer(args, 0)
	n, nInt := integer(args, 1)
	switch name {
	case "compare": // of CharSequence, since Java 11
		if aString && bString {
			return compareStrings(a, b), true, nil
		}
		if (aString || args[0] == nil) && (bString || args[1] == nil) {
			return nil, true, errNull
		}
		return nil, false, nil
	case "substring":
		if mInt && nInt {
			out, err := substring(s, m, n)
			return out, true, err
		}
	case "replace":
		if x, ok := args[0].(Char); ok {
			if y, ok := args[1].(Char); ok {
				u := toUTF16(s)
				for i := range u {
					if u[i] == uint16(x) {
						u[i] = uint16(y)
					}
				}
				return fromUTF16(u), true, nil
			}
		}
		if aString && bString {
			if strings.Count(s, a)*(len(b)-len(a))+len(s) > hardOutput {
				return nil, true, errTooLong
			}
			return strings.ReplaceAll(s, a, b), true, nil
		}
	case "replaceAll", "replaceFirst":
		if aString && bString {
			out, err := replaceRegexp(s, a, b, name == "replaceAll")
			return out, true, err
		}
	case "split":
		if aString && nInt {
			l, err := split(s, a, n)
			return l, true, err
		}
	case "startsWith":
		if aString && nInt {
			u, p := toUTF16(s), toUTF16(a)
			return n >= 0 && n+len(p) <= len(u) && equal16(u[n:n+len(p)], p), true, nil
		}
	case "indexOf", "lastIndexOf":
		if mInt {
			a, aString = string(rune(m)), true
		}
		if aString && nInt {
			if name == "indexOf" {
				return int32(indexIn(s, a, n)), true, nil
			}
			return int32(lastIndexIn(s, a, n)), true, nil
		}
	default:
		return nil, false, nil
	}
	if args[0] == nil || args[1] == nil {
		switch name {
		case "split", "startsWith", "indexOf", "lastIndexOf":
			if nInt {
				return nil, true, errNull
			}
		case "replace", "replaceAll", "replaceFirst":
			if name == "replaceAll" && aString && args[1] == nil {
				// Java looks at the replacement only where something matches.
				re, err := compileRegexp(a)
				if err == nil && re.MatchString(s) {
					err = errNull
				}
				return s, true, err
			}
			if (aString || args[0] == nil) && (bString || args[1] == nil) {
				return nil, true, errNull
			}
		}
	}
	return nil, false, nil
}

// javaSpace is Character.isWhitespace.
func javaSpace(r rune) bool {
	switch {
	case r >= 0x09 && r <= 0x0D, r >= 0x1C && r <= 0x1F:
		return true
	case r == 0xA0, r == 0x2007, r == 0x202F:
		return false
	}
	return unicode.In(r, unicode.Zs, unicode.Zl, unicode.Zp)
}

// toUpper and toLower follow Java in the few characters that change length.
func toUpper(s string) string {
	up := strings.ToUpper(s)
	if strings.ContainsRune(up, 'ß') {
		up = strings.ReplaceAll(up, "ß", "SS")
	}
	for from, to := range map[string]string{"ﬀ": "FF", "ﬁ": "FI", "ﬂ": "FL", "ﬃ": "FFI", "ﬄ": "FFL", "ŉ": "ʼN"} {
		up = strings.ReplaceAll(up, from, to)
	}
	return up
}

func toLower(s string) string {
	if strings.ContainsRune(s, 'İ') {
		s = strings.ReplaceAll(s, "İ", "i̇")
	}
	return strings.ToLower(s)
}
