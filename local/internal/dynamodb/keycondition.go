package dynamodb

import (
	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// keyCondition is a KeyConditionExpression taken apart: by attribute, an
// operator and its values.
type keyCondition struct {
	name   string
	op     string // = < <= > >= BETWEEN begins_with
	values []Value
}

var mirrored = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// keyConditions takes a condition apart, or says why it is none on keys.
func (b *binding) keyConditions(c *condition, out []keyCondition) ([]keyCondition, *api.Error) {
	switch c.op {
	case "AND":
		for _, s := range c.subs {
			var err *api.Error
			if out, err = b.keyConditions(s, out); err != nil {
				return nil, err
			}
		}
		return out, nil
	case "OR", "NOT", "IN", "<>", "attribute_exists", "attribute_not_exists", "attribute_type", "contains":
		return nil, validation("Invalid operator used in KeyConditionExpression: %s", c.op)
	case "BETWEEN", "begins_with":
		if c.args[0].kind == operandFunction {
			return nil, validation("KeyConditionExpressions cannot contain nested operations")
		}
		if c.args[0].kind != operandPath {
			return nil, validation("Invalid condition in KeyConditionExpression: %s operator must have the key attribute as its first operand", c.op)
		}
	}
	k := keyCondition{op: c.op}
	for i, a := range c.args {
		switch a.kind {
		case operandFunction:
			return nil, validation("KeyConditionExpressions cannot contain nested operations")
		case operandValue:
			k.values = append(k.values, b.value(a))
		case operandPath:
			if k.name != "" {
				return nil, validation("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
			}
			if len(a.path) > 1 {
				return nil, validation("KeyConditionExpressions cannot have conditions on nested attributes")
			}
			k.name = b.head(a.path)
			if i == 1 {
				k.op = mirrored[c.op]
			}
		}
	}
	if k.name == "" {
		return nil, validation("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	for _, o := range out {
		if o.name == k.name {
			return nil, validation("KeyConditionExpressions must only contain one condition per key")
		}
	}
	return append(out, k), nil
}

// keyRange is the part of an index that a Query reads.
type keyRange struct {
	hash                         uint64
	pk                           string
	low                          string // of the sort key, inclusive unless lowOpen
	high                         string // inclusive unless highOpen; ignored if unbounded
	lowOpen, highOpen, unbounded bool
}

// keyRange checks conditions against a key and turns them into a range.
func (k keySchema) keyRange(conds []keyCondition) (keyRange, *api.Error) {
	g := keyRange{unbounded: true}
	if len(conds) > 2 {
		return g, validation("Conditions can be of length 1 or 2 only")
	}
	find := func(name string) *keyCondition {
		for i := range conds {
			if name != "" && conds[i].name == name {
				return &conds[i]
			}
		}
		return nil
	}
	hash, rng := find(k.hash.name), find(k.rng.name)
	switch {
	case k.rng.name == "" && len(conds) > 1:
		return g, validation("Query key condition not supported")
	case hash == nil:
		return g, validation("Query condition missed key schema element: %s", k.hash.name)
	case rng == nil && len(conds) > 1:
		return g, validation("Query condition missed key schema element: %s", k.rng.name)
	}
	for i, p := range k.attributes() {
		c := hash
		if i == 1 {
			if c = rng; c == nil {
				break
			}
		}
		for _, v := range c.values {
			if v.kind != p.kind {
				return g, validation("One or more parameter values were invalid: Condition parameter type does not match schema type")
			}
			if problem := keyProblem(v, p.name, i == 0); problem != "" {
				return g, validation("%s", problem)
			}
		}
	}
	if hash.op != "=" {
		return g, validation("Query key condition not supported")
	}
	g.pk = encodeKey(hash.values[0])
	g.hash = hashKey(g.pk)
	if rng != nil {
		g.bound(rng)
	}
	return g, nil
}

func (g *keyRange) bound(c *keyCondition) {
	v := encodeKey(c.values[0])
	switch c.op {
	case "=":
		g.low, g.high, g.unbounded = v, v, false
	case "<":
		g.high, g.highOpen, g.unbounded = v, true, false
	case "<=":
		g.high, g.unbounded = v, false
	case ">":
		g.low, g.lowOpen = v, true
	case ">=":
		g.low = v
	case "BETWEEN":
		g.low, g.high, g.unbounded = v, encodeKey(c.values[1]), false
	case "begins_with":
		g.low = v
		after := v // without the bytes that have no successor
		for after != "" && after[len(after)-1] == 0xff {
			after = after[:len(after)-1]
		}
		if after != "" {
			g.high = after[:len(after)-1] + string([]byte{after[len(after)-1] + 1})
			g.highOpen, g.unbounded = true, false
		}
	}
}

// beforeLow tells if a record comes before the range.
func (g *keyRange) beforeLow(r *record) bool {
	c := compareKeys(r, g.hash, g.pk, g.low)
	return c < 0 || c == 0 && g.lowOpen
}

// afterHigh tells if a record comes after the range.
func (g *keyRange) afterHigh(r *record) bool {
	if g.unbounded {
		return r.hash > g.hash || r.hash == g.hash && r.pk > g.pk
	}
	c := compareKeys(r, g.hash, g.pk, g.high)
	return c > 0 || c == 0 && g.highOpen
}
