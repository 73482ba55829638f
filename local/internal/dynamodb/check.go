package dynamodb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// binding is what the #names and :values of one expression stand for in one call.
type binding struct {
	expr   *expression
	names  []string
	values []Value
}

func (b *binding) name(e pathElem) string {
	if e.ref < 0 {
		return e.name
	}
	return b.names[e.ref]
}

func (b *binding) value(o operand) Value { return b.values[o.ref] }

// head is the top-level attribute of a path.
func (b *binding) head(p path) string { return b.name(p[0]) }

func (b *binding) samePath(x, y path) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i].index != y[i].index || x[i].index < 0 && b.name(x[i]) != b.name(y[i]) {
			return false
		}
	}
	return true
}

// show writes a path as messages do: [a, b, [0]].
func (b *binding) show(p path) string {
	var s []string
	for _, e := range p {
		if e.index >= 0 {
			s = append(s, "["+strconv.Itoa(e.index)+"]")
		} else {
			s = append(s, b.name(e))
		}
	}
	return "[" + strings.Join(s, ", ") + "]"
}

// check returns what is wrong with the operands of a condition, or "".
func (b *binding) check(c *condition) string {
	for _, s := range c.subs {
		if problem := b.check(s); problem != "" {
			return problem
		}
	}
	if c.args == nil {
		return ""
	}
	if n, ok := conditionFunctions[c.op]; ok && n != len(c.args) {
		return fmt.Sprintf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", c.op, len(c.args))
	}
	for _, a := range c.args {
		if a.kind == operandFunction {
			if problem := b.checkSize(a); problem != "" {
				return problem
			}
		}
	}
	if len(c.args) == 2 && c.args[0].kind == operandPath && c.args[1].kind == operandPath && c.op != "IN" &&
		b.samePath(c.args[0].path, c.args[1].path) {
		return "The first operand must be distinct from the remaining operands for this operator or function; operator: " +
			c.op + ", first operand: " + b.show(c.args[0].path)
	}
	switch c.op {
	case "attribute_exists", "attribute_not_exists":
		if c.args[0].kind != operandPath {
			return "Operator or function requires a document path; operator or function: " + c.op
		}
	case "begins_with":
		for _, a := range c.args {
			if k := b.kind(a); k != 0 && k != KindS && k != KindB {
				return operandType(c.op, k.String())
			}
		}
	case "attribute_type":
		return b.checkAttributeType(c.args[1])
	case "<", "<=", ">", ">=":
		for _, a := range c.args {
			if k := b.kind(a); k != 0 && k != KindS && k != KindN && k != KindB {
				return operandType(c.op, k.String())
			}
		}
	case "BETWEEN":
		return b.checkBetween(c)
	}
	return ""
}

func operandType(op, kind string) string {
	return "Incorrect operand type for operator or function; operator or function: " + op + ", operand type: " + kind
}

// kind is the type of an operand as far as it is known before the item is.
func (b *binding) kind(o operand) Kind {
	switch {
	case o.kind == operandValue:
		return b.value(o).kind
	case o.kind == operandFunction && o.fn == "size":
		return KindN
	}
	return 0
}

func (b *binding) checkSize(f operand) string {
	if len(f.args) != 1 {
		return fmt.Sprintf("Incorrect number of operands for operator or function; operator or function: size, number of operands: %d", len(f.args))
	}
	switch k := b.kind(f.args[0]); k {
	case KindN, KindBool, KindNull:
		return operandType("size", k.String())
	}
	return ""
}

func (b *binding) checkAttributeType(o operand) string {
	if o.kind != operandValue {
		return operandType("attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
	}
	v := b.value(o)
	if v.kind != KindS {
		return operandType("attribute_type", v.kind.String())
	}
	if v.s == "" || !slices.Contains(kindNames[:], v.s) {
		return "Invalid attribute type name found; type: " + v.s + ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
	}
	return ""
}

func (b *binding) checkBetween(c *condition) string {
	if c.args[1].kind != operandValue || c.args[2].kind != operandValue {
		return ""
	}
	low, high := b.value(c.args[1]), b.value(c.args[2])
	bounds := func() string {
		return "lower bound operand: AttributeValue: " + showValue(low) + ", upper bound operand: AttributeValue: " + showValue(high)
	}
	if low.kind != high.kind {
		return "The BETWEEN operator requires same data type for lower and upper bounds; " + bounds()
	}
	if !low.ordered() {
		return operandType("BETWEEN", low.kind.String())
	}
	if compareScalar(low, high) > 0 {
		return "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " + bounds()
	}
	return ""
}

// showValue writes a value as messages do: {N:5}.
func showValue(v Value) string {
	s := v.s
	if v.kind == KindB {
		s = strings.Trim(string(v.appendJSON(nil)[5:]), `"}`)
	}
	return "{" + v.kind.String() + ":" + s + "}"
}

// checkOverlap compares every two paths of an update or a projection.
func (b *binding) checkOverlap(paths []path) string {
	for j := 1; j < len(paths); j++ {
		for i := 0; i < j; i++ {
			if word := b.overlap(paths[i], paths[j]); word != "" {
				return "Two document paths " + word + " with each other; must remove or rewrite one of these paths; path one: " +
					b.show(paths[i]) + ", path two: " + b.show(paths[j])
			}
		}
	}
	return ""
}

func (b *binding) overlap(x, y path) string {
	for i := 0; i < len(x) && i < len(y); i++ {
		if (x[i].index < 0) != (y[i].index < 0) {
			return "conflict"
		}
		if x[i].index != y[i].index || x[i].index < 0 && b.name(x[i]) != b.name(y[i]) {
			return ""
		}
	}
	return "overlap"
}

var longKinds = map[Kind]string{KindS: "STRING", KindN: "NUMBER", KindB: "BINARY", KindNull: "NULL", KindBool: "BOOLEAN", KindL: "LIST", KindM: "MAP"}

// checkUpdate returns what is wrong with an update before it meets an item.
func (b *binding) checkUpdate() string {
	actions := b.expr.actions
	if len(actions) > 1 {
		paths := make([]path, len(actions))
		for i := range actions {
			paths[i] = actions[i].path
		}
		if problem := b.checkOverlap(paths); problem != "" {
			return problem
		}
	}
	for i := range actions {
		a := &actions[i]
		switch a.section {
		case "ADD", "DELETE":
			v := b.value(a.value)
			if !v.isSet() && !(a.section == "ADD" && v.kind == KindN) {
				return "Incorrect operand type for operator or function; operator: " + a.section + ", operand type: " + longKinds[v.kind]
			}
		case "SET":
			if problem := b.checkSetValue(a.value); problem != "" {
				return problem
			}
		}
	}
	return ""
}

func (b *binding) checkSetValue(o operand) string {
	if o.kind != operandFunction {
		return ""
	}
	for _, a := range o.args {
		if problem := b.checkSetValue(a); problem != "" {
			return problem
		}
	}
	if len(o.args) != updateFunctions[o.fn] {
		return fmt.Sprintf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", o.fn, len(o.args))
	}
	want := KindN
	switch o.fn {
	case "if_not_exists":
		if o.args[0].kind != operandPath {
			return "Operator or function requires a document path; operator or function: " + o.fn
		}
		return ""
	case "list_append":
		want = KindL
	}
	for _, a := range o.args {
		if a.kind == operandValue && b.value(a).kind != want {
			return operandType(o.fn, b.value(a).kind.String())
		}
	}
	return ""
}
