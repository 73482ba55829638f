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
	"math"
	"math/rand/v2"
	"reflect"

	"github.com/recolabs/gnata"
)

// maxRange is how many elements $range may make, as States.ArrayRange.
const maxRange = 1000

var errNoClock = errors.New("$now and $millis need a clock")
var errNoRand = errors.New("$random and $uuid need a random source")

// functions are those that Step Functions adds to JSONata's own, and those of
// JSONata's own that depend on the host.
func (v *Env) functions() map[string]gnata.CustomFunc {
	return map[string]gnata.CustomFunc{
		"partition": func(args []any, _ any) (any, error) { return partition(args) },
		"range":     func(args []any, _ any) (any, error) { return arrayRange(args) },
		"hash":      func(args []any, _ any) (any, error) { return hash(args) },
		"parse":     func(args []any, _ any) (any, error) { return parse(args) },
		"random":    func(args []any, _ any) (any, error) { return v.random(args) },
		"uuid":      func([]any, any) (any, error) { return v.uuid() },
		"now":       func(args []any, _ any) (any, error) { return v.nowString(args) },
		"millis": func([]any, any) (any, error) {
			if v.host.Now == nil {
				return nil, errNoClock
			}
			return float64(v.now.UnixMilli()), nil
		},
		"eval": func([]any, any) (any, error) { return nil, ErrEval },
	}
}

func (v *Env) nowString(args []any) (any, error) {
	switch {
	case v.host.Now == nil:
		return nil, errNoClock
	case len(args) > 0:
		return nil, errors.New("$now with a picture is not simulated; use $fromMillis($millis(), picture)")
	}
	return v.now.UTC().Format("2006-01-02T15:04:05.000Z"), nil
}

// partition cuts an array into arrays of a size; the last may be shorter.
func partition(args []any) (any, error) {
	if len(args) != 2 {
		return nil, errors.New("$partition takes an array and a size")
	}
	if args[0] == nil {
		return nil, nil
	}
	list, ok := args[0].([]any)
	if !ok {
		list = []any{args[0]}
	}
	size, err := integer("$partition: the size", args[1])
	if err != nil {
		return nil, err
	}
	if size < 1 {
		return nil, errors.New("$partition: the size must be positive")
	}
	out := []any{}
	for len(list) > 0 {
		n := min(size, len(list))
		out = append(out, append([]any(nil), list[:n]...))
		list = list[n:]
	}
	return out, nil
}

// arrayRange counts from the first to the last number inclusive by a step.
func arrayRange(args []any) (any, error) {
	if len(args) != 3 {
		return nil, errors.New("$range takes the first number, the last and the step")
	}
	var n [3]float64
	for i, a := range args {
		f, ok := number(a)
		if !ok {
			return nil, fmt.Errorf("$range: argument %d is not a number", i+1)
		}
		n[i] = f
	}
	first, last, step := n[0], n[1], n[2]
	if step == 0 {
		return nil, errors.New("$range: the step must not be 0")
	}
	count := math.Floor((last-first)/step) + 1
	if count > maxRange {
		return nil, fmt.Errorf("$range: %.0f elements are more than %d", count, maxRange)
	}
	out := []any{}
	for i := 0.0; i < count; i++ {
		out = append(out, first+i*step)
	}
	return out, nil
}

// hash is the hexadecimal digest of a string.
func hash(args []any) (any, error) {
	if len(args) != 2 {
		return nil, errors.New("$hash takes data and the name of an algorithm")
	}
	data, ok := args[0].(string)
	if !ok {
		return nil, errors.New("$hash: the data must be a string")
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
		return nil, fmt.Errorf("$hash: unknown algorithm %v", args[1])
	}
	return hex.EncodeToString(sum), nil
}

// parse decodes JSON text.
func parse(args []any) (any, error) {
	if len(args) != 1 {
		return nil, errors.New("$parse takes one string")
	}
	if args[0] == nil {
		return nil, nil
	}
	s, ok := args[0].(string)
	if !ok {
		return nil, errors.New("$parse: the argument must be a string")
	}
	var out any
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		return nil, fmt.Errorf("$parse: %w", err)
	}
	if out == nil {
		return null, nil
	}
	return out, nil
}

// random is a number from 0 up to 1, the same for the same seed.
func (v *Env) random(args []any) (any, error) {
	if len(args) > 0 && args[0] != nil {
		seed, ok := number(args[0])
		if !ok {
			return nil, errors.New("$random: the seed must be a number")
		}
		return rand.New(rand.NewPCG(math.Float64bits(seed), 0)).Float64(), nil
	}
	if v.host.Rand == nil {
		return nil, errNoRand
	}
	return v.host.Rand.Float64(), nil
}

// uuid is a version 4 UUID.
func (v *Env) uuid() (any, error) {
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

func integer(what string, v any) (int, error) {
	f, ok := number(v)
	if !ok || f != math.Trunc(f) {
		return 0, fmt.Errorf("%s must be a whole number", what)
	}
	return int(f), nil
}

func mapPointer(m map[string]any) uintptr { return reflect.ValueOf(m).Pointer() }
