package jsonata

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"reflect"
	"slices"
	"strings"

	"github.com/recolabs/gnata"
)

// maxRange bounds what $range makes, so that a mistaken step fails instead of
// filling the memory. Step Functions has a bound of its own that it does not name.
const maxRange = 1_000_000

var errNoClock = errors.New("$now and $millis need a clock")
var errNoRand = errors.New("$random, $shuffle and $uuid need a random source")

// functions are those that Step Functions adds to JSONata's own, and those of
// JSONata's own that are written anew here.
func (v *Env) functions() map[string]function {
	return map[string]function{
		"partition": partition,
		"range":     arrayRange,
		"hash":      hash,
		"parse":     parse,
		"random":    v.random,
		"uuid":      v.uuid,
		"shuffle":   v.shuffle,
		"millis": func([]any, any) (any, error) {
			if v.host.Now == nil {
				return nil, errNoClock
			}
			return float64(v.now.UnixMilli()), nil
		},
		"eval":         func([]any, any) (any, error) { return nil, ErrEval },
		"match":        match,
		"string":       toString,
		"base64decode": base64decode,
		"decodeUrl":    decodeURL,
		"clone":        clone,
	}
}

// signatureError is the error of an argument of the wrong type, in the words of Step Functions.
func signatureError(name string, argument int) error {
	return fmt.Errorf("T0410: Argument %d of function %q does not match function signature", argument, name)
}

// towardsZero is a whole number out of an argument; Step Functions drops fractions.
func towardsZero(name string, args []any, i int) (float64, error) {
	f, ok := number(args[i])
	if !ok {
		return 0, signatureError(name, i+1)
	}
	return math.Trunc(f) + 0, nil
}

// partition is $partition: it cuts an array into arrays of a size; the last may
// be shorter. Without a size it is one array; nothing is left of an empty array
// or with a size of 0.
func partition(args []any, _ any) (any, error) {
	switch {
	case len(args) > 2:
		return nil, signatureError("partition", 3)
	case len(args) == 0 || args[0] == nil:
		return nil, nil
	case gnata.IsNull(args[0]):
		return nil, signatureError("partition", 1)
	}
	list, ok := args[0].([]any)
	if !ok {
		list = []any{args[0]}
	}
	size := len(list)
	if len(args) == 2 && args[1] != nil {
		f, err := towardsZero("partition", args, 1)
		if err != nil {
			return nil, err
		}
		if f < 0 {
			return nil, errors.New("D3137: Second argument must be zero or greater")
		}
		size = int(min(f, float64(len(list))))
	}
	if len(list) == 0 || size == 0 {
		return nil, nil
	}
	out := []any{}
	for len(list) > 0 {
		n := min(size, len(list))
		out = append(out, append([]any(nil), list[:n]...))
		list = list[n:]
	}
	return out, nil
}

// arrayRange is $range: it counts from the first to the last number, inclusive,
// by a step. Nothing comes of a step that is 0, absent or leads away; a single
// number is not in an array.
func arrayRange(args []any, _ any) (any, error) {
	if len(args) > 3 {
		return nil, signatureError("range", 4)
	}
	if len(args) < 2 {
		return nil, signatureError("range", len(args)+1)
	}
	if len(args) == 2 {
		args = append(args, nil)
	}
	var n [3]float64
	for i, a := range args {
		if a == nil {
			return nil, nil
		}
		f, err := towardsZero("range", args, i)
		if err != nil {
			return nil, err
		}
		n[i] = f
	}
	first, last, step := n[0], n[1], n[2]
	if step == 0 {
		return nil, nil
	}
	count := math.Floor((last-first)/step) + 1
	if count > maxRange {
		return nil, fmt.Errorf("$range: %.0f elements are more than %d", count, maxRange)
	}
	var out []any
	for i := 0.0; i < count; i++ {
		out = append(out, first+i*step)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return single(out), nil
}

// hash is $hash, the hexadecimal digest of a string's UTF-8.
func hash(args []any, _ any) (any, error) {
	if len(args) > 2 {
		return nil, signatureError("hash", 3)
	}
	if len(args) == 0 || args[0] == nil {
		return nil, nil
	}
	data, ok := args[0].(string)
	if !ok {
		return nil, signatureError("hash", 1)
	}
	if len(args) == 1 || args[1] == nil {
		return nil, nil
	}
	var sum []byte
	switch args[1] {
	case "MD5":
		s := md5.Sum([]byte(data))
		sum = s[:]
	case "SHA-1":
		s := sha1.Sum([]byte(data))
		sum = s[:]
	case "SHA-256":
		s := sha256.Sum256([]byte(data))
		sum = s[:]
	case "SHA-384":
		s := sha512.Sum384([]byte(data))
		sum = s[:]
	case "SHA-512":
		s := sha512.Sum512([]byte(data))
		sum = s[:]
	default:
		if _, ok := args[1].(string); !ok {
			return nil, signatureError("hash", 2)
		}
		return nil, fmt.Errorf("D3137: $hash: unknown algorithm %v", args[1])
	}
	return hex.EncodeToString(sum), nil
}

// parse is $parse: it decodes JSON text. A name twice in an object is an error,
// as is anything after the value.
func parse(args []any, _ any) (any, error) {
	if len(args) > 1 {
		return nil, signatureError("parse", 2)
	}
	if len(args) == 0 || args[0] == nil {
		return nil, nil
	}
	s, ok := args[0].(string)
	if !ok {
		return nil, signatureError("parse", 1)
	}
	if !json.Valid([]byte(s)) {
		return nil, errors.New("D3137: Invalid JSON")
	}
	if err := noNameTwice(s); err != nil {
		return nil, err
	}
	// gnata's decoder keeps the order of names.
	out, err := gnata.DecodeJSON(json.RawMessage(s))
	if err != nil {
		return nil, fmt.Errorf("D3137: Invalid JSON: %w", err)
	}
	return floats(out)
}

// noNameTwice refuses objects that have a name twice, and numbers that are too large.
func noNameTwice(s string) error {
	if !strings.ContainsAny(s, "{eE") {
		return nil
	}
	type object struct {
		names map[string]bool // nil for an array
		value bool            // whether the value of a name comes next
	}
	d := json.NewDecoder(strings.NewReader(s))
	var open []object
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("D3137: Invalid JSON: %w", err)
		}
		top := len(open) - 1
		if name, ok := t.(string); ok && top >= 0 && open[top].names != nil && !open[top].value {
			if open[top].names[name] {
				return fmt.Errorf("D3137: Invalid JSON: the name %q is there twice", name)
			}
			open[top].names[name] = true
			open[top].value = true
			continue
		}
		if top >= 0 {
			open[top].value = false
		}
		switch t {
		case json.Delim('{'):
			open = append(open, object{names: map[string]bool{}})
		case json.Delim('['):
			open = append(open, object{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:top]
		}
	}
}

// floats makes float64 of the numbers that gnata's decoder keeps as text.
func floats(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return nil, fmt.Errorf("D3137: Invalid JSON: %w", err)
		}
		return f, nil
	case []any:
		for i, e := range v {
			f, err := floats(e)
			if err != nil {
				return nil, err
			}
			v[i] = f
		}
	case orderedMap:
		m := v.ToMap()
		for _, k := range v.Keys() {
			f, err := floats(m[k])
			if err != nil {
				return nil, err
			}
			m[k] = f
		}
	}
	return v, nil
}

// random is $random: a number from 0 up to 1. With a seed it is the first of
// java.util.Random, as in Step Functions.
func (v *Env) random(args []any, _ any) (any, error) {
	if len(args) > 1 {
		return nil, signatureError("random", 2)
	}
	if len(args) == 1 && args[0] != nil {
		seed, err := towardsZero("random", args, 0)
		if err != nil {
			return nil, err
		}
		const factor, mask = 0x5DEECE66D, 1<<48 - 1
		s := (uint64(int64(seed)) ^ factor) & mask
		next := func(n int) uint64 {
			_, s = bits.Mul64(s, factor)
			s = (s + 0xB) & mask
			return s >> (48 - n)
		}
		return float64(next(26)<<27+next(27)) / (1 << 53), nil
	}
	if v.host.Rand == nil {
		return nil, errNoRand
	}
	return v.host.Rand.Float64(), nil
}

// shuffle is $shuffle; gnata's draws from a source that no seed reproduces.
func (v *Env) shuffle(args []any, _ any) (any, error) {
	if len(args) != 1 {
		return nil, signatureError("shuffle", len(args))
	}
	if args[0] == nil {
		return nil, nil
	}
	list, ok := args[0].([]any)
	if !ok || len(list) < 2 {
		return args[0], nil
	}
	if v.host.Rand == nil {
		return nil, errNoRand
	}
	list = slices.Clone(list)
	v.host.Rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list, nil
}

// uuid is $uuid, a version 4 UUID.
func (v *Env) uuid(args []any, _ any) (any, error) {
	if len(args) > 0 {
		return nil, signatureError("uuid", 1)
	}
	if v.host.Rand == nil {
		return nil, errNoRand
	}
	hi, lo := v.host.Rand.Uint64(), v.host.Rand.Uint64()
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xffff, lo>>48, lo&(1<<48-1)), nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}

func mapPointer(m map[string]any) uintptr { return reflect.ValueOf(m).Pointer() }
