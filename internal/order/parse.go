package order

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Problem is one thing that is wrong with a body.
type Problem struct {
	// Field is a JSON pointer (RFC 6901) into the body; "" is the whole of it.
	Field string `json:"field"`
	// Message says what is wrong, without repeating the value.
	Message string `json:"message"`
}

func (p Problem) String() string {
	if p.Field == "" {
		return p.Message
	}
	return p.Field + ": " + p.Message
}

// InvalidOrder says everything that is wrong with a body.
type InvalidOrder struct {
	// Problems is never empty; in the order of the fields in Order.
	Problems []Problem
}

func (e *InvalidOrder) Error() string {
	parts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		parts[i] = p.String()
	}
	return strings.Join(parts, "; ")
}

// Parse reads a body and judges it. The error, if there is one, is an
// *InvalidOrder that names every problem at once. It accepts exactly the
// bodies that are at most MaxBodyBytes long, are one JSON text in UTF-8, and
// match SchemaJSON.
func Parse(body []byte) (*Order, error) {
	whole := func(format string, args ...any) error {
		return &InvalidOrder{Problems: []Problem{{Message: fmt.Sprintf(format, args...)}}}
	}
	if len(body) > MaxBodyBytes {
		return nil, whole("the body has %d bytes; at most %d are possible", len(body), MaxBodyBytes)
	}
	if !utf8.Valid(body) {
		return nil, whole("the body is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, whole("the body is not JSON: %v", jsonError(err))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, whole("the body has something after its end")
	}
	var r reader
	o := r.order(v)
	if len(r.problems) > 0 {
		return nil, &InvalidOrder{Problems: r.problems}
	}
	return o, nil
}

func jsonError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("it ends too early")
	}
	return err
}

// maxUnknown is how many unknown fields of one object are named.
const maxUnknown = 10

// reader takes an order out of a decoded JSON value, noting what is wrong.
type reader struct{ problems []Problem }

func (r *reader) note(field, format string, args ...any) {
	r.problems = append(r.problems, Problem{Field: field, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) order(v any) *Order {
	m, ok := r.object("", v, orderFields)
	if !ok {
		return nil
	}
	var o Order
	if v, ok := r.member("", m, "currency", true); ok {
		o.Currency = r.code("/currency", v, isCurrency, "an active ISO 4217 code, such as EUR")
	}
	if v, ok := r.member("", m, "items", true); ok {
		o.Items = r.items(v)
	}
	if v, ok := r.member("", m, "payment", true); ok {
		o.Payment = r.payment(v)
	}
	if v, ok := r.member("", m, "shipTo", true); ok {
		o.ShipTo = r.address(v)
	}
	if v, ok := r.member("", m, "notes", false); ok {
		o.Notes = r.text("/notes", v, 0, MaxNotes)
	}
	return &o
}

func (r *reader) items(v any) []Item {
	list, ok := v.([]any)
	if !ok {
		r.note("/items", "must be an array, is %s", kind(v))
		return nil
	}
	if n := len(list); n < 1 || n > MaxItems {
		r.note("/items", "must have 1 to %d items, has %d", MaxItems, n)
		if n > MaxItems {
			list = list[:MaxItems]
		}
	}
	items := make([]Item, len(list))
	for i, v := range list {
		at := fmt.Sprintf("/items/%d", i)
		m, ok := r.object(at, v, itemFields)
		if !ok {
			continue
		}
		if v, ok := r.member(at, m, "sku", true); ok {
			items[i].SKU = r.sku(at+"/sku", v)
		}
		if v, ok := r.member(at, m, "quantity", true); ok {
			items[i].Quantity = int(r.integer(at+"/quantity", v, 1, MaxQuantity))
		}
		if v, ok := r.member(at, m, "unitPrice", true); ok {
			items[i].UnitPrice = r.integer(at+"/unitPrice", v, 0, MaxUnitPrice)
		}
	}
	return items
}

func (r *reader) payment(v any) Payment {
	var p Payment
	m, ok := r.object("/payment", v, paymentFields)
	if !ok {
		return p
	}
	if v, ok := r.member("/payment", m, "method", true); ok {
		p.Method = r.code("/payment/method", v, func(s string) bool { return s == MethodCard }, `"`+MethodCard+`"`)
	}
	if v, ok := r.member("/payment", m, "token", true); ok {
		p.Token = r.text("/payment/token", v, 1, MaxToken)
	}
	return p
}

func (r *reader) address(v any) Address {
	var a Address
	m, ok := r.object("/shipTo", v, addressFields)
	if !ok {
		return a
	}
	for _, f := range addressTexts {
		if v, ok := r.member("/shipTo", m, f.name, f.required); ok {
			*f.of(&a) = r.text("/shipTo/"+f.name, v, 1, f.max)
		}
	}
	if v, ok := r.member("/shipTo", m, "country", true); ok {
		a.Country = r.code("/shipTo/country", v, isCountry, "an ISO 3166-1 alpha-2 code, such as DE")
	}
	return a
}

// object notes members that are not known; they are reported in sorted order.
func (r *reader) object(at string, v any, known []string) (map[string]any, bool) {
	m, ok := v.(map[string]any)
	if !ok {
		if at == "" {
			r.note("", "the body must be an object, is %s", kind(v))
		} else {
			r.note(at, "must be an object, is %s", kind(v))
		}
		return nil, false
	}
	var unknown []string
	for name := range m {
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	if n := len(unknown); n > maxUnknown {
		r.note(at, "has %d unknown fields", n)
		unknown = unknown[:maxUnknown]
	}
	for _, name := range unknown {
		r.note(at+"/"+escape(name), "is not a known field")
	}
	return m, true
}

func (r *reader) member(at string, m map[string]any, name string, required bool) (any, bool) {
	v, ok := m[name]
	if !ok && required {
		r.note(at+"/"+name, "is missing")
	}
	return v, ok
}

func (r *reader) text(at string, v any, minLen, maxLen int) string {
	s, ok := v.(string)
	if !ok {
		r.note(at, "must be a string, is %s", kind(v))
		return ""
	}
	// No string has more characters than bytes: most need no counting.
	if len(s) < minLen {
		r.note(at, "must not be empty")
	} else if len(s) > maxLen {
		if n := utf8.RuneCountInString(s); n > maxLen {
			r.note(at, "must have at most %d characters, has %d", maxLen, n)
		}
	}
	return s
}

func (r *reader) code(at string, v any, known func(string) bool, want string) string {
	s, ok := v.(string)
	if !ok {
		r.note(at, "must be a string, is %s", kind(v))
		return ""
	}
	if !known(s) {
		r.note(at, "must be %s", want)
	}
	return s
}

func (r *reader) sku(at string, v any) string {
	s, ok := v.(string)
	if !ok {
		r.note(at, "must be a string, is %s", kind(v))
		return ""
	}
	if !skuRegexp.MatchString(s) {
		r.note(at, "must be 1 to 64 letters, digits, dots, underscores and hyphens, beginning with a letter or digit")
	}
	return s
}

func (r *reader) integer(at string, v any, lowest, highest int64) int64 {
	n, ok := v.(json.Number)
	if !ok {
		r.note(at, "must be an integer, is %s", kind(v))
		return 0
	}
	i, whole := integer(string(n))
	if !whole {
		r.note(at, "must be an integer, is a fraction")
		return 0
	}
	if i < lowest || i > highest {
		r.note(at, "must be %d to %d", lowest, highest)
	}
	return i
}

// integer reads a JSON number that is mathematically an integer, however it is
// spelled (2, 2.0, 20e-1), as JSON Schema sees it. Beyond the range of an
// int64 it answers math.MaxInt64 or math.MinInt64.
func integer(s string) (int64, bool) {
	negative := strings.HasPrefix(s, "-")
	mantissa, exponent := strings.TrimPrefix(s, "-"), int64(0)
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		exponent = exponentOf(mantissa[i+1:])
		mantissa = mantissa[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	// The value is digits × 10^exponent, with digits free of outer zeros.
	exponent -= int64(len(fraction))
	digits := strings.TrimLeft(whole+fraction, "0")
	trimmed := strings.TrimRight(digits, "0")
	exponent += int64(len(digits) - len(trimmed))
	if trimmed == "" {
		return 0, true
	}
	if exponent < 0 {
		return 0, false
	}
	out := int64(math.MaxInt64)
	if int64(len(trimmed))+exponent <= 18 {
		out, _ = strconv.ParseInt(trimmed+strings.Repeat("0", int(exponent)), 10, 64)
	}
	if negative {
		out = -out
	}
	return out, true
}

// exponentOf reads an exponent; beyond ±10^9 its exact value makes no difference.
func exponentOf(s string) int64 {
	const limit = 1_000_000_000
	var n int64
	for _, c := range strings.TrimLeft(s, "+-") {
		n = min(n*10+int64(c-'0'), limit)
	}
	if strings.HasPrefix(s, "-") {
		return -n
	}
	return n
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}

// escape writes a member's name as a JSON pointer's token. Names are the
// client's: a long one is cut.
func escape(name string) string {
	if r := []rune(name); len(r) > 64 {
		name = string(r[:64]) + "…"
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
