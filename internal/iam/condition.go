package iam

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Condition is one key of a Condition block.
type Condition struct {
	// Operator is as it is written: "ForAnyValue:StringLikeIfExists".
	Operator string
	Key      string
	Values   []string

	test     func(want, have string) bool
	negated  bool // none of the values may hold, rather than one of them
	null     bool
	ifExists bool
	all, any bool // ForAllValues, ForAnyValue
	patterns bool // variables in values are for patterns
}

func parseConditions(v any) ([]Condition, error) {
	block, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("is no object: %v", v)
	}
	var (
		all  []Condition
		errs []error
	)
	for _, operator := range slices.Sorted(maps.Keys(block)) {
		keys, ok := block[operator].(map[string]any)
		if !ok {
			errs = append(errs, fmt.Errorf("%s is no object: %v", operator, block[operator]))
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			c := Condition{Operator: operator, Key: key}
			var err error
			if c.Values, err = texts(keys[key]); err == nil {
				err = c.compile()
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s %s %w", operator, key, err))
			}
			all = append(all, c)
		}
	}
	return all, errors.Join(errs...)
}

// operators are the condition operators (IAM JSON policy elements: Condition operators), but for Null.
var operators = map[string]struct {
	test     func(want, have string) bool
	negated  bool
	patterns bool
	valid    func(want string) error
}{
	"StringEquals":              {test: equal},
	"StringNotEquals":           {test: equal, negated: true},
	"StringEqualsIgnoreCase":    {test: strings.EqualFold},
	"StringNotEqualsIgnoreCase": {test: strings.EqualFold, negated: true},
	"StringLike":                {test: wildcard, patterns: true},
	"StringNotLike":             {test: wildcard, negated: true, patterns: true},
	"NumericEquals":             {test: number(func(c int) bool { return c == 0 }), valid: validNumber},
	"NumericNotEquals":          {test: number(func(c int) bool { return c == 0 }), negated: true, valid: validNumber},
	"NumericLessThan":           {test: number(func(c int) bool { return c < 0 }), valid: validNumber},
	"NumericLessThanEquals":     {test: number(func(c int) bool { return c <= 0 }), valid: validNumber},
	"NumericGreaterThan":        {test: number(func(c int) bool { return c > 0 }), valid: validNumber},
	"NumericGreaterThanEquals":  {test: number(func(c int) bool { return c >= 0 }), valid: validNumber},
	"DateEquals":                {test: date(func(c int) bool { return c == 0 }), valid: validDate},
	"DateNotEquals":             {test: date(func(c int) bool { return c == 0 }), negated: true, valid: validDate},
	"DateLessThan":              {test: date(func(c int) bool { return c < 0 }), valid: validDate},
	"DateLessThanEquals":        {test: date(func(c int) bool { return c <= 0 }), valid: validDate},
	"DateGreaterThan":           {test: date(func(c int) bool { return c > 0 }), valid: validDate},
	"DateGreaterThanEquals":     {test: date(func(c int) bool { return c >= 0 }), valid: validDate},
	"Bool":                      {test: strings.EqualFold},
	"BinaryEquals":              {test: equal, valid: validBinary},
	"IpAddress":                 {test: within, valid: validPrefix},
	"NotIpAddress":              {test: within, negated: true, valid: validPrefix},
	"ArnEquals":                 {test: arnLike, patterns: true},
	"ArnLike":                   {test: arnLike, patterns: true},
	"ArnNotEquals":              {test: arnLike, negated: true, patterns: true},
	"ArnNotLike":                {test: arnLike, negated: true, patterns: true},
}

func (c *Condition) compile() error {
	name := c.Operator
	if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		name, c.all = rest, true
	} else if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		name, c.any = rest, true
	}
	if name == "Null" {
		c.null = true
		return nil
	}
	if rest, ok := strings.CutSuffix(name, "IfExists"); ok {
		name, c.ifExists = rest, true
	}
	o, ok := operators[name]
	if !ok {
		return errors.New("is no condition operator")
	}
	c.test, c.negated, c.patterns = o.test, o.negated, o.patterns
	for _, v := range c.Values {
		if o.valid != nil {
			if err := o.valid(v); err != nil {
				return fmt.Errorf("has the value %q: %w", v, err)
			}
		}
	}
	return nil
}

func (s *Statement) conditionsHold(r *Request) bool {
	for i := range s.Conditions {
		if !s.Conditions[i].holds(r) {
			return false
		}
	}
	return true
}

func (c *Condition) holds(r *Request) bool {
	have := r.values(c.Key)
	switch {
	case c.null:
		missing := strconv.FormatBool(len(have) == 0)
		return slices.ContainsFunc(c.Values, func(v string) bool { return strings.EqualFold(v, missing) })
	case len(have) == 0 && c.any:
		return false
	case len(have) == 0:
		// Without the key a negated operator holds, the others do not, unless they are IfExists or ForAllValues.
		return c.negated || c.ifExists || c.all
	case c.all:
		return !slices.ContainsFunc(have, func(h string) bool { return !c.one(r, h) })
	case c.any:
		return slices.ContainsFunc(have, func(h string) bool { return c.one(r, h) })
	}
	// A key with several values needs ForAllValues or ForAnyValue; without them AWS takes any.
	return slices.ContainsFunc(have, func(h string) bool { return c.one(r, h) })
}

// one reports whether one value of the request's key holds.
func (c *Condition) one(r *Request, have string) bool {
	for _, want := range c.Values {
		if strings.Contains(want, "${") {
			var ok bool
			if want, ok = expand(want, r.variable); !ok {
				continue
			}
			if !c.patterns {
				want = strings.ReplaceAll(want, string(literal), "")
			}
		}
		if c.test(want, have) {
			return !c.negated
		}
	}
	return c.negated
}

func equal(want, have string) bool { return want == have }

func number(holds func(int) bool) func(want, have string) bool {
	return func(want, have string) bool {
		w, err := strconv.ParseFloat(want, 64)
		h, err2 := strconv.ParseFloat(have, 64)
		if err != nil || err2 != nil {
			return false
		}
		switch {
		case h < w:
			return holds(-1)
		case h > w:
			return holds(1)
		}
		return holds(0)
	}
}

func validNumber(v string) error {
	_, err := strconv.ParseFloat(v, 64)
	if err != nil && strings.Contains(v, "${") {
		return nil
	}
	return err
}

// parseDate is a time of ISO 8601, or seconds of Unix time.
func parseDate(v string) (time.Time, error) {
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		return time.UnixMilli(int64(n * 1000)), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, v); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("is no date of ISO 8601")
}

func validDate(v string) error {
	_, err := parseDate(v)
	return err
}

func date(holds func(int) bool) func(want, have string) bool {
	return func(want, have string) bool {
		w, err := parseDate(want)
		h, err2 := parseDate(have)
		return err == nil && err2 == nil && holds(h.Compare(w))
	}
}

func validBinary(v string) error {
	_, err := base64.StdEncoding.DecodeString(v)
	return err
}

func parsePrefix(v string) (netip.Prefix, error) {
	if !strings.Contains(v, "/") {
		a, err := netip.ParseAddr(v)
		if err != nil {
			return netip.Prefix{}, err
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(v)
}

func validPrefix(v string) error {
	_, err := parsePrefix(v)
	return err
}

func within(want, have string) bool {
	p, err := parsePrefix(want)
	a, err2 := netip.ParseAddr(have)
	return err == nil && err2 == nil && p.Contains(a)
}

// arnLike matches an ARN part by part: wildcards do not reach over a colon.
func arnLike(want, have string) bool {
	w, h := strings.SplitN(want, ":", arnParts), strings.SplitN(have, ":", arnParts)
	if len(w) != arnParts || len(h) != arnParts {
		return false
	}
	for i := range w {
		if !wildcard(w[i], h[i]) {
			return false
		}
	}
	return true
}
