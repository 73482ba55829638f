package eventpattern

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// dialect is what a service's filters may contain.
type dialect struct {
	cidr      bool
	notSuffix bool // suffix in anything-but
}

// rule is a conjunction: for every name a list of alternatives.
type rule map[string]*alternatives

// alternatives are what the value of a name may be.
type alternatives struct {
	ops    []op
	absent bool // the name may also be missing
}

// compiler turns a pattern into rules, one for each combination of $or's branches.
type compiler struct {
	*tokens
	d dialect
}

// object reads the inside of an object, up to its end, and adds its names to each of the rules.
func (c *compiler) object(path string, rules []rule) ([]rule, error) {
	first := true
	for tok := c.next(); tok.kind != '}'; tok = c.next() {
		first = false
		name := tok.text
		full := name
		if path != "" {
			full = path + "." + name
		}
		var err error
		switch c.next().kind {
		case '{':
			rules, err = c.object(full, rules)
		case '[':
			if name == "$or" {
				if !c.isOr() {
					// The engine takes it for an ordinary name in some places and not in others.
					return nil, c.errorf(false, "$or without two objects or more, or with the name of an operator in one, is not simulated")
				}
				rules, err = c.or(path, rules)
				break
			}
			var a *alternatives
			if a, err = c.list(); err == nil {
				for _, r := range rules {
					if r[full] != nil {
						return nil, c.errorf(false, "%s is there twice: what that means is not simulated", full)
					}
					r[full] = a
				}
			}
		default:
			err = c.errorf(false, "%q must be an object or an array", name)
		}
		if err != nil {
			return nil, err
		}
	}
	if first {
		return nil, c.errorf(false, "Empty objects are not allowed")
	}
	return rules, nil
}

// operators are the names that make an object in a list an operator.
var operators = []string{"exists", "equals-ignore-case", "prefix", "suffix", "anything-but", "numeric", "cidr", "wildcard"}

// isOr looks ahead whether the list is a use of $or: at least two objects, none
// of them with the name of an operator.
func (c *compiler) isOr() bool {
	look := tokens{src: c.src, pos: c.pos, objs: slices.Clone(c.objs), key: c.key, tok: c.tok}
	n := 0
	for tok := look.next(); tok.kind != ']'; tok = look.next() {
		if tok.kind != '{' {
			return false
		}
		n++
		empty := true
		for tok := look.next(); tok.kind != '}'; tok = look.next() {
			empty = false
			if slices.Contains(operators, tok.text) {
				return false
			}
			look.next()
			look.skip()
		}
		if empty {
			return false
		}
	}
	return n >= 2
}

func (c *compiler) or(path string, rules []rule) ([]rule, error) {
	var out []rule
	for tok := c.next(); tok.kind != ']'; tok = c.next() {
		branch := make([]rule, len(rules))
		for i, r := range rules {
			branch[i] = rule{}
			for name, a := range r {
				branch[i][name] = a
			}
		}
		branch, err := c.object(path, branch)
		if err != nil {
			return nil, err
		}
		out = append(out, branch...)
	}
	return out, nil
}

// list reads the alternatives for one name.
func (c *compiler) list() (*alternatives, error) {
	a := &alternatives{}
	n := 0
	for tok := c.next(); tok.kind != ']'; tok = c.next() {
		n++
		switch tok.kind {
		case '{':
			if err := c.operator(a); err != nil {
				return nil, err
			}
		case '[':
			return nil, c.errorf(false, "Match value must be String, number, true, false, or null")
		default:
			a.ops = append(a.ops, scalar(*tok))
		}
	}
	if n == 0 {
		return nil, c.errorf(false, "Empty arrays are not allowed")
	}
	return a, nil
}

func scalar(t token) op {
	if t.kind == 'n' {
		return equal(t.number)
	}
	return exact{kind: t.kind, text: t.text}
}

// operator reads an object in a list.
func (c *compiler) operator(a *alternatives) error {
	name := c.next().text
	if c.tok.kind == '}' {
		return c.errorf(false, "Match expression name not found")
	}
	o, err := c.operand(name, a)
	if err != nil {
		return err
	}
	if o != nil {
		a.ops = append(a.ops, o)
	}
	list := name == "numeric" || name == "anything-but" && c.tok.kind != '}'
	switch {
	case c.next().kind == '}':
		return nil
	case list:
		return c.errorf(false, "Too many elements in numeric expression") // of the others, too
	}
	return c.errorf(false, "Only one key allowed in match expression")
}

func (c *compiler) operand(name string, a *alternatives) (op, error) {
	known := slices.Contains(operators, name) && name != "wildcard" && (name != "cidr" || c.d.cidr)
	if !known {
		return nil, c.errorf(false, "Unrecognized match type %s", name)
	}
	tok := c.next()
	switch name {
	case "prefix", "suffix", "equals-ignore-case":
		if tok.kind != 's' {
			return nil, c.errorf(false, "%s match pattern must be a string", name)
		}
		return text(name, tok.text), nil
	case "exists":
		switch tok.kind {
		case 't':
			return exists{}, nil
		case 'f':
			a.absent = true
			return nil, nil
		}
		return nil, c.errorf(false, "exists match pattern must be either true or false.")
	case "numeric":
		if tok.kind != '[' {
			return nil, c.errorf(false, "Value of numeric must be an array.")
		}
		return c.numeric()
	case "cidr":
		return c.cidr()
	}
	return c.anythingBut()
}

func text(kind, s string) op {
	switch kind {
	case "prefix":
		return prefix(s)
	case "suffix":
		return suffix(s)
	}
	return fold(s)
}

// mixed is said of an empty list, too.
const mixed = "Inside anything but list, either all values are number or string, mixed type is not supported"

func (c *compiler) anythingBut() (op, error) {
	switch tok := &c.tok; tok.kind {
	case '[':
		var out not
		kind := byte(0)
		for tok := c.next(); tok.kind != ']'; tok = c.next() {
			if tok.kind != 's' && tok.kind != 'n' {
				return nil, c.errorf(false, "Inside anything but list, start|null|boolean is not supported.")
			}
			if kind != 0 && kind != tok.kind {
				return nil, c.errorf(false, mixed)
			}
			kind = tok.kind
			out = append(out, scalar(*tok))
		}
		if out == nil {
			return nil, c.errorf(false, mixed)
		}
		return out, nil
	case '{':
		return c.anythingButText()
	case 's', 'n':
		return not{scalar(*tok)}, nil
	}
	return nil, c.errorf(false, "Value of anything-but must be an array or single string/number value.")
}

func (c *compiler) anythingButText() (op, error) {
	name := c.next().text
	if c.tok.kind == '}' {
		return nil, c.errorf(false, "Anything-But expression name not found")
	}
	if name != "prefix" && (name != "suffix" || !c.d.notSuffix) {
		return nil, c.errorf(false, "Unsupported anything-but pattern: %s", name)
	}
	var out not
	switch tok := c.next(); tok.kind {
	case '[':
		refused := c.errorf(false, "prefix/suffix match pattern must be a string")
		for tok := c.next(); tok.kind != ']'; tok = c.next() {
			if tok.kind != 's' || tok.text == "" {
				return nil, refused
			}
			out = append(out, text(name, tok.text))
		}
		if out == nil {
			return nil, refused
		}
	case 's':
		if tok.text == "" {
			return nil, c.errorf(true, "Null prefix/suffix not allowed")
		}
		out = not{text(name, tok.text)}
	default:
		return nil, c.errorf(false, "prefix/suffix match pattern must be a string")
	}
	if c.next().kind != '}' {
		return nil, c.errorf(false, "Only one key allowed in match expression")
	}
	return out, nil
}

// numeric reads one comparison, or two that make a range.
func (c *compiler) numeric() (op, error) {
	w := within{low: math.Inf(-1), high: math.Inf(1)}
	tok := c.next()
	if tok.kind != 's' {
		return nil, c.errorf(false, "Invalid member in numeric match: %s", c.src[c.tokStart():c.tok.end])
	}
	operator := tok.text
	if !slices.Contains([]string{"=", "<", "<=", ">", ">="}, operator) {
		c.next()
		return nil, c.errorf(false, "Unrecognized numeric range operator: %s", operator)
	}
	n, err := c.bound(operator)
	if err != nil {
		return nil, err
	}
	switch operator {
	case "=":
		w.low, w.high = n, n
	case "<", "<=":
		w.high, w.highOpen = n, operator == "<"
	default:
		w.low, w.lowOpen = n, operator == ">"
	}
	if c.next().kind == ']' {
		return w, nil
	}
	if operator[0] != '>' {
		return nil, c.errorf(false, "Too many elements in numeric expression")
	}
	if c.tok.kind != 's' {
		return nil, c.errorf(false, "Bad value in numeric range: %s", c.src[c.tokStart():c.tok.end])
	}
	if operator = c.tok.text; operator != "<" && operator != "<=" {
		return nil, c.errorf(true, "Bad numeric range operator: %s", operator)
	}
	if w.high, err = c.bound(operator); err != nil {
		return nil, err
	}
	w.highOpen = operator == "<"
	if c.next().kind != ']' {
		return nil, c.errorf(false, "Too many terms in numeric range expression")
	}
	if w.high <= w.low {
		return nil, c.errorf(false, "Bottom must be less than top")
	}
	return w, nil
}

func (c *compiler) tokStart() int {
	switch c.tok.kind {
	case '{', '}', '[', ']':
		return c.tok.end - 1
	}
	return c.tok.end - len(c.tok.text)
}

func (c *compiler) bound(operator string) (float64, error) {
	if operator == "=" {
		operator = "equals"
	}
	if c.next().kind != 'n' {
		return 0, c.errorf(false, "Value of %s must be numeric", operator)
	}
	return c.tok.number, nil
}

func (c *compiler) cidr() (op, error) {
	if c.tok.kind != 's' {
		return nil, c.errorf(false, "prefix match pattern must be a string")
	}
	address, bits, ok := strings.Cut(c.tok.text, "/")
	if !ok || strings.Contains(bits, "/") {
		return nil, errors.New("Malformed CIDR, one '/' required")
	}
	n, err := strconv.Atoi(bits)
	if err != nil {
		return nil, errors.New("Malformed CIDR, mask bits must be an integer")
	}
	a, ok := parseAddress(address)
	switch {
	case !ok:
		return nil, fmt.Errorf("Nonstandard IP address: %s", address)
	case n < 0:
		return nil, errors.New("Malformed CIDR, mask bits must not be negative")
	case n >= a.BitLen():
		return nil, fmt.Errorf("IPv%d mask bits must be < %d", map[bool]int{true: 4, false: 6}[a.Is4()], a.BitLen())
	}
	return network{netip.PrefixFrom(a, n)}, nil
}

// parseAddress reads an address as the rule engine does: IPv4 with leading
// zeros, but no IPv4 inside IPv6, and no zones.
func parseAddress(s string) (netip.Addr, bool) {
	if strings.Contains(s, ":") {
		a, err := netip.ParseAddr(s)
		return a, err == nil && a.Zone() == "" && !strings.Contains(s, ".")
	}
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return netip.Addr{}, false
	}
	var b [4]byte
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 8)
		if err != nil {
			return netip.Addr{}, false
		}
		b[i] = byte(n)
	}
	return netip.AddrFrom4(b), true
}
