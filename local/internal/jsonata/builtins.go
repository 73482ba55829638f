package jsonata

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/recolabs/gnata"
)

// function is a built-in function: arguments that are undefined are nil, JSON's
// null is not (see null).
type function = func(args []any, focus any) (any, error)

// register binds the functions that Step Functions adds, and replaces those of
// gnata that are not those of jsonata 2.0.6. The types of gnata's functions have
// no exported names, so they are taken from functions that it has.
func (v *Env) register(look func(string) (any, bool), bind func(string, any)) {
	sum, _ := look("sum")
	builtin := reflect.TypeOf(sum)
	set := func(name string, f function) {
		bind(name, reflect.ValueOf(f).Convert(builtin).Interface())
	}
	own := func(name string) function {
		f, _ := look(name)
		if f == nil {
			return nil
		}
		fv := reflect.ValueOf(f)
		if !fv.CanConvert(reflect.TypeFor[function]()) {
			return nil
		}
		return fv.Convert(reflect.TypeFor[function]()).Interface().(function)
	}
	for name, f := range v.functions() {
		set(name, f)
	}
	for name, types := range signatures {
		f, before := own(name), guards[name]
		set(name, func(args []any, focus any) (any, error) {
			if len(args) > 0 {
				if err := fits(name, types, args); err != nil {
					return nil, err
				}
				if before != nil {
					if err := before(args); err != nil {
						return nil, fmt.Errorf("$%s: %w", name, err)
					}
				}
			}
			out, err := f(args, focus)
			if n, ok := out.(float64); ok {
				out = n + 0 // a zero has no sign
			}
			return out, err
		})
	}
	for name, before := range map[string]func(any) error{"distinct": unequal, "spread": flat} {
		f := own(name)
		set(name, func(args []any, focus any) (any, error) {
			if len(args) > 0 {
				if err := before(args[0]); err != nil {
					return nil, err
				}
			}
			return f(args, focus)
		})
	}
	// These two check their arguments by a signature, which stays.
	for name, f := range map[string]func(string) string{"uppercase": upper, "lowercase": lower} {
		signed, _ := look(name)
		reflect.ValueOf(signed).Elem().FieldByName("Fn").Set(reflect.ValueOf(letters(name, f)).Convert(builtin))
	}
	fromMillis := own("fromMillis")
	set("now", func(args []any, focus any) (any, error) { return v.nowString(args, focus, fromMillis) })
	toMillis := own("toMillis")
	set("toMillis", func(args []any, focus any) (any, error) { return parseTime(args, focus, toMillis) })
	set("fromMillis", func(args []any, focus any) (any, error) { return formatTime(args, focus, fromMillis) })

	for name, after := range map[string]func(args []any, out any) (any, error){
		"filter": func(_ []any, out any) (any, error) { return single(out), nil },
	} {
		f, _ := look(name)
		bind(name, wrap(f, nil, after))
	}
	sort, _ := look("sort")
	bind("sort", wrap(sort, func(args []any) (any, bool) {
		if len(args) != 1 {
			return nil, false
		}
		list, ok := args[0].([]any)
		return args[0], ok && len(list) < 2
	}, nil))

	// What gnata has and jsonata 2.0.6 has not.
	bind("flatten", nil)
	bind("values", nil)
}

// wrap makes a function of f's type, which takes the arguments, the focus and
// gnata's environment. If before has a result f is not called; after may change f's.
func wrap(f any, before func(args []any) (any, bool), after func(args []any, out any) (any, error)) any {
	fv := reflect.ValueOf(f)
	var noError error
	return reflect.MakeFunc(fv.Type(), func(in []reflect.Value) []reflect.Value {
		args := in[0].Interface().([]any)
		result := func(out any, err error) []reflect.Value {
			r := []reflect.Value{reflect.Zero(reflect.TypeFor[any]()), reflect.ValueOf(&noError).Elem()}
			if out != nil {
				r[0] = reflect.ValueOf(&out).Elem()
			}
			if err != nil {
				r[1] = reflect.ValueOf(&err).Elem()
			}
			return r
		}
		if before != nil {
			if out, ok := before(args); ok {
				return result(out, nil)
			}
		}
		r := fv.Call(in)
		if after == nil || !r[1].IsNil() {
			return r
		}
		return result(after(args, r[0].Interface()))
	}).Interface()
}

// single makes of an array of one element that element, as a sequence is.
func single(v any) any {
	if list, ok := v.([]any); ok && len(list) == 1 {
		return list[0]
	}
	return v
}

var (
	decimal      = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?$`)
	otherBase    = regexp.MustCompile(`^0([xX][0-9A-Fa-f]+|[oO][0-7]+|[bB][01]+)$`)
	errSurrogate = errors.New("a character beyond U+FFFF would be cut in two")
)

// guards look at the arguments of functions before gnata's own are called, and
// refuse or mend what those would take in another way.
var guards = map[string]func(args []any) error{
	"number": func(args []any) error {
		if s, ok := args[0].(string); ok && !decimal.MatchString(s) && !otherBase.MatchString(s) {
			return fmt.Errorf("unable to cast value to a number: %q", s)
		}
		return nil
	},
	"formatNumber": func(args []any) error {
		n, ok := number(args[0])
		if !ok {
			return nil
		}
		if math.Abs(n) >= 1e21 {
			return errors.New("numbers from 1e21 on are not formatted properly by jsonata 2.0.6")
		}
		args[0] = n + 0 // a zero has no sign
		return nil
	},
	"pad": func(args []any) error {
		if len(args) < 2 {
			return nil
		}
		if n, ok := number(args[1]); ok && n != math.Trunc(n) {
			return errors.New("the width must be a whole number")
		}
		return nil
	},
	"formatBase": func(args []any) error {
		if n, ok := number(args[0]); ok {
			if !(math.Abs(n) < 1<<53) {
				return fmt.Errorf("%v has no exact digits", n)
			}
			args[0] = math.RoundToEven(n)
		}
		return nil
	},
	"split": func(args []any) error {
		if s, ok := args[0].(string); ok && len(args) > 1 && args[1] == "" && strings.ContainsFunc(s, func(r rune) bool { return r > 0xffff }) {
			return errSurrogate
		}
		return nil
	},
	"substring": func(args []any) error {
		s, ok := args[0].(string)
		if !ok || len(args) < 2 {
			return nil
		}
		start, ok := number(args[1])
		if !ok {
			return nil
		}
		// gnata counts with int, which has no infinity.
		start = clamp(start)
		args[1] = start
		if len(args) < 3 {
			return nil
		}
		length, ok := number(args[2])
		if !ok {
			return nil
		}
		length = clamp(length)
		args[2] = length
		if length <= 0 {
			args[1], args[2] = 0.0, 0.0
			return nil
		}
		if start == math.Trunc(start) && length == math.Trunc(length) {
			return nil
		}
		// JavaScript drops the fractions of the start and of the end.
		size := float64(utf8.RuneCountInString(s))
		if size+start < 0 {
			start = 0
		}
		from, to := math.Trunc(start), math.Trunc(start+length)
		if start < 0 {
			if from < 0 {
				from += size
			}
			to = math.Trunc(size + start + length)
		}
		args[1], args[2] = from, to-from
		return nil
	},
	"base64encode": func(args []any) error { return asciiOnly(args[0]) },
}

// clamp bounds a place in a text.
func clamp(f float64) float64 {
	if math.IsNaN(f) {
		return 0
	}
	return max(-math.MaxInt32, min(math.MaxInt32, f))
}

// unequal refuses an array whose elements are all the same: jsonata makes an
// array of it if it was an array and its element if it came out of a path.
func unequal(v any) error {
	list, ok := v.([]any)
	if !ok || len(list) < 2 {
		return nil
	}
	for _, e := range list[1:] {
		if !gnata.DeepEqual(list[0], e) {
			return nil
		}
	}
	return errors.New("$distinct: all elements are equal: whether the result is an array or its element cannot be told here; use $x[0]")
}

// flat refuses an array of arrays.
func flat(v any) error {
	if list, ok := v.([]any); ok {
		for _, e := range list {
			if _, ok := e.([]any); ok {
				return errors.New("$spread: arrays in arrays are flattened by jsonata and not here")
			}
		}
	}
	return nil
}

// asciiOnly refuses text whose bytes depend on an encoding: jsonata in node
// takes its characters for bytes, others take UTF-8.
func asciiOnly(v any) error {
	if s, ok := v.(string); ok && strings.ContainsFunc(s, func(r rune) bool { return r > 0x7f }) {
		return errors.New("text that is not ASCII is encoded in different ways by different versions of JSONata")
	}
	return nil
}
