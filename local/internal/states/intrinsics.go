package states

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/orderflow-cdk/orderflow/local/internal/jsonpath"
)

// Limits that the documentation of the intrinsic functions has.
const (
	maxEncoded = 10_000 // characters for Base64Encode, Base64Decode and Hash
	maxRange   = 1000   // elements of ArrayRange
)

type intrinsicFunction struct {
	least, most int // arguments; most is -1 for any number
	apply       func(b *branch, args []any) (any, error)
}

var intrinsics map[string]intrinsicFunction

func init() {
	intrinsics = map[string]intrinsicFunction{
		"States.Format":         {1, -1, func(_ *branch, a []any) (any, error) { return format(a) }},
		"States.StringToJson":   {1, 1, stringToJSON},
		"States.JsonToString":   {1, 1, func(_ *branch, a []any) (any, error) { return jsonText(a[0]), nil }},
		"States.Array":          {0, -1, func(_ *branch, a []any) (any, error) { return a, nil }},
		"States.ArrayPartition": {2, 2, arrayPartition},
		"States.ArrayContains":  {2, 2, arrayContains},
		"States.ArrayRange":     {3, 3, arrayRange},
		"States.ArrayGetItem":   {2, 2, arrayGetItem},
		"States.ArrayLength":    {1, 1, arrayLength},
		"States.ArrayUnique":    {1, 1, arrayUnique},
		"States.Base64Encode":   {1, 1, base64Encode},
		"States.Base64Decode":   {1, 1, base64Decode},
		"States.Hash":           {2, 2, hashText},
		"States.JsonMerge":      {3, 3, jsonMerge},
		"States.MathRandom":     {2, 3, mathRandom},
		"States.MathAdd":        {2, 2, mathAdd},
		"States.StringSplit":    {2, 2, stringSplit},
		"States.UUID":           {0, 0, func(b *branch, _ []any) (any, error) { return b.ex.sm.s.newID(), nil }},
	}
}

// format fills the {} of its template. Objects and arrays are written as Java does, which
// recordings of the service show: {a=1, b=[]}.
func format(args []any) (any, error) {
	template, ok := args[0].(string)
	if !ok {
		return nil, errors.New("the first argument must be a string")
	}
	var out strings.Builder
	next := 1
	for i := 0; i < len(template); i++ {
		switch c := template[i]; {
		case c == '\\' && i+1 < len(template):
			i++
			out.WriteByte(template[i])
		case c == '{' && strings.HasPrefix(template[i:], "{}"):
			if next >= len(args) {
				return nil, errors.New("the number of arguments does not match the number of occurrences of {}")
			}
			if s, ok := args[next].(float64); ok {
				out.WriteString(jsonText(s))
			} else {
				out.WriteString(jsonpath.Text(args[next]))
			}
			next++
			i++
		default:
			out.WriteByte(c)
		}
	}
	if next != len(args) {
		return nil, errors.New("the number of arguments does not match the number of occurrences of {}")
	}
	return out.String(), nil
}

// stringToJSON parses a text. Nothing but blanks is null, as recordings of the service show.
func stringToJSON(_ *branch, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		return nil, errors.New("the argument must be a string")
	}
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	return decodeJSON([]byte(s))
}

func listArgument(v any) ([]any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("an array is required but was %s", jsonText(v))
	}
	return list, nil
}

// integer rounds a number argument, half up.
func integer(v any) (float64, error) {
	n, ok := v.(float64)
	if !ok {
		return 0, fmt.Errorf("a number is required but was %s", jsonText(v))
	}
	n = math.Floor(n + 0.5)
	if n < math.MinInt32 || n > math.MaxInt32 {
		return 0, fmt.Errorf("%s is not between -2147483648 and 2147483647", jsonText(n))
	}
	return n, nil
}

func arrayPartition(_ *branch, args []any) (any, error) {
	list, err := listArgument(args[0])
	if err != nil {
		return nil, err
	}
	size, err := integer(args[1])
	if err != nil {
		return nil, err
	}
	if size < 1 {
		return nil, errors.New("the size of a chunk must be a positive integer")
	}
	n := int(size)
	out := []any{}
	for len(list) > 0 {
		n = min(n, len(list))
		out = append(out, list[:n:n])
		list = list[n:]
	}
	return out, nil
}

func arrayContains(_ *branch, args []any) (any, error) {
	list, err := listArgument(args[0])
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if reflect.DeepEqual(e, args[1]) {
			return true, nil
		}
	}
	return false, nil
}

func arrayRange(_ *branch, args []any) (any, error) {
	var n [3]float64
	for i := range n {
		var err error
		if n[i], err = integer(args[i]); err != nil {
			return nil, err
		}
	}
	if n[2] == 0 {
		return nil, errors.New("the increment must not be zero")
	}
	out := []any{}
	for v := n[0]; n[2] > 0 && v <= n[1] || n[2] < 0 && v >= n[1]; v += n[2] {
		if len(out) == maxRange {
			return nil, fmt.Errorf("the array would have more than %d elements", maxRange)
		}
		out = append(out, v)
	}
	return out, nil
}

func arrayGetItem(_ *branch, args []any) (any, error) {
	list, err := listArgument(args[0])
	if err != nil {
		return nil, err
	}
	i, err := integer(args[1])
	if err != nil {
		return nil, err
	}
	if i < 0 || int(i) >= len(list) {
		return nil, fmt.Errorf("the index %d is out of the array's bounds", int(i))
	}
	return list[int(i)], nil
}

func arrayLength(_ *branch, args []any) (any, error) {
	list, err := listArgument(args[0])
	return float64(len(list)), err
}

func arrayUnique(_ *branch, args []any) (any, error) {
	list, err := listArgument(args[0])
	if err != nil {
		return nil, err
	}
	out := []any{}
	seen := map[string]bool{}
	for _, e := range list {
		if k := jsonText(e); !seen[k] {
			seen[k] = true
			out = append(out, e)
		}
	}
	return out, nil
}

// encodable is a text of the length that is allowed.
func encodable(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", errors.New("the argument must be a string")
	}
	if utf8.RuneCountInString(s) > maxEncoded {
		return "", fmt.Errorf("the argument is longer than %d characters", maxEncoded)
	}
	return s, nil
}

func base64Encode(_ *branch, args []any) (any, error) {
	s, err := encodable(args[0])
	return base64.StdEncoding.EncodeToString([]byte(s)), err
}

func base64Decode(_ *branch, args []any) (any, error) {
	s, err := encodable(args[0])
	if err != nil {
		return nil, err
	}
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return nil, err
	}
	return strings.ToValidUTF8(string(b), "\ufffd"), nil
}

// hashText hashes a text as it is, and anything else as JSON.
func hashText(_ *branch, args []any) (any, error) {
	s, ok := args[0].(string)
	if !ok {
		s = jsonText(args[0])
	}
	if _, err := encodable(s); err != nil {
		return nil, err
	}
	var sum []byte
	switch args[1] {
	case "MD5":
		h := md5.Sum([]byte(s))
		sum = h[:]
	case "SHA-1":
		h := sha1.Sum([]byte(s))
		sum = h[:]
	case "SHA-256":
		h := sha256.Sum256([]byte(s))
		sum = h[:]
	case "SHA-384":
		h := sha512.Sum384([]byte(s))
		sum = h[:]
	case "SHA-512":
		h := sha512.Sum512([]byte(s))
		sum = h[:]
	default:
		return nil, fmt.Errorf("the algorithm %s is none of MD5, SHA-1, SHA-256, SHA-384 and SHA-512", jsonText(args[1]))
	}
	return hex.EncodeToString(sum), nil
}

// jsonMerge merges shallowly; the service has no other mode.
func jsonMerge(_ *branch, args []any) (any, error) {
	first, ok1 := args[0].(map[string]any)
	second, ok2 := args[1].(map[string]any)
	if !ok1 || !ok2 {
		return nil, errors.New("the first two arguments must be objects")
	}
	if args[2] != false {
		return nil, errors.New("only the shallow mode is supported: the third argument must be false")
	}
	out := make(map[string]any, len(first)+len(second))
	for k, v := range first {
		out[k] = v
	}
	for k, v := range second {
		out[k] = v
	}
	return out, nil
}

// mathRandom is a whole number from the first argument on and below the second. A seed
// makes it a function of the arguments, though not the one that AWS has.
func mathRandom(b *branch, args []any) (any, error) {
	from, err := integer(args[0])
	if err != nil {
		return nil, err
	}
	to, err := integer(args[1])
	if err != nil {
		return nil, err
	}
	if from >= to {
		return nil, errors.New("the start must be smaller than the end")
	}
	r := b.ex.sm.s.k.Rand()
	if len(args) == 3 {
		seed, err := integer(args[2])
		if err != nil {
			return nil, err
		}
		r = rand.New(rand.NewPCG(uint64(int64(seed)), 0))
	}
	return from + float64(r.Int64N(int64(to-from))), nil
}

func mathAdd(_ *branch, args []any) (any, error) {
	x, err := integer(args[0])
	if err != nil {
		return nil, err
	}
	y, err := integer(args[1])
	if err != nil {
		return nil, err
	}
	return integer(x + y)
}

// stringSplit splits at any of the second argument's characters, and leaves empty
// parts out, as recordings of the service show.
func stringSplit(_ *branch, args []any) (any, error) {
	s, ok1 := args[0].(string)
	at, ok2 := args[1].(string)
	if !ok1 || !ok2 {
		return nil, errors.New("both arguments must be strings")
	}
	out := []any{}
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(at, r) }) {
		out = append(out, part)
	}
	return out, nil
}
