package jsonata

import (
	"encoding/json"

	"github.com/recolabs/gnata"
)

// signatures are the types of the arguments of jsonata's functions, one word
// for each: s string, n number, b boolean, l null, o object, f function or regular
// expression, x anything, a(n) an array of numbers or one of them. gnata takes
// more than jsonata does, and jsonata fails where it does not fit.
var signatures = map[string][]string{
	"sum": {"a(n)"}, "max": {"a(n)"}, "min": {"a(n)"}, "average": {"a(n)"},
	"substring": {"s", "n", "n"}, "substringBefore": {"s", "s"}, "substringAfter": {"s", "s"},
	"trim": {"s"}, "length": {"s"}, "pad": {"s", "n", "s"},
	"contains": {"s", "sf"}, "split": {"s", "sf", "n"}, "join": {"a(s)", "s"},
	"formatNumber": {"n", "s", "o"}, "formatBase": {"n", "n"}, "formatInteger": {"n", "s"}, "parseInteger": {"s", "s"},
	"number": {"nsb"}, "floor": {"n"}, "ceil": {"n"}, "round": {"n", "n"}, "abs": {"n"}, "sqrt": {"n"}, "power": {"n", "n"},
	"lookup": {"x", "s"}, "merge": {"a(o)"},
	"base64encode": {"s"}, "encodeUrlComponent": {"s"}, "encodeUrl": {"s"}, "decodeUrlComponent": {"s"},
	"toMillis": {"s", "s"}, "fromMillis": {"n", "s", "s"},
}

// letter is the type of a value as a signature writes it.
func letter(v any) byte {
	switch v := v.(type) {
	case string:
		return 's'
	case float64, json.Number:
		return 'n'
	case bool:
		return 'b'
	case []any:
		return 'a'
	case map[string]any:
		if isRegex(v) {
			return 'f'
		}
		return 'o'
	case orderedMap:
		return 'o'
	}
	if gnata.IsNull(v) {
		return 'l'
	}
	return 'f'
}

// fits checks the arguments of a function against its signature. With fewer
// arguments than the signature has the first may be the context, which is left
// to gnata.
func fits(name string, signature []string, args []any) error {
	if len(args) > len(signature) {
		return signatureError(name, len(signature)+1)
	}
	for i, a := range args {
		want := signature[i]
		if a == nil || want == "x" {
			continue
		}
		if len(args) == 1 && len(signature) > 1 && !oneOf(want, letter(a)) {
			continue // it may be the second argument, and the context the first
		}
		if want[0] != 'a' {
			if !oneOf(want, letter(a)) {
				return signatureError(name, i+1)
			}
			continue
		}
		list, ok := a.([]any)
		if !ok {
			if letter(a) != want[2] {
				return signatureError(name, i+1)
			}
			continue
		}
		for _, e := range list {
			if e != nil && letter(e) != want[2] {
				return signatureError(name, i+1)
			}
		}
	}
	return nil
}

func oneOf(letters string, c byte) bool {
	for i := range len(letters) {
		if letters[i] == c {
			return true
		}
	}
	return false
}
