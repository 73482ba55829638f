package jsonpath

import "slices"

// Extras lists what a path has that Jayway knows and Step Functions does not: functions, operators that are words, regular
// expressions, comparisons with another value of the document, and @ for an element that is no object. The
// developer guide excludes these ("Using JSONPath paths"); executions that fail on $.a.sum() and $.a.length() have been published.
func (p *Path) Extras() []string {
	var out []string
	p.extras(func(what string) {
		if !slices.Contains(out, what) {
			out = append(out, what)
		}
	})
	return out
}

func (p *Path) extras(add func(string)) {
	for i := range p.tokens {
		switch t := &p.tokens[i]; t.kind {
		case functionToken:
			add("the function " + t.call.name + "()")
		case filterToken:
			extras(t.filter, add)
		}
	}
}

func extras(e expr, add func(string)) {
	switch e := e.(type) {
	case orExpr:
		for _, c := range e {
			extras(c, add)
		}
	case andExpr:
		for _, c := range e {
			extras(c, add)
		}
	case notExpr:
		extras(e.expr, add)
	case existsExpr:
		e.operand.extras(add)
	case compareExpr:
		switch {
		case e.operator == "=~":
			add("regular expressions")
		case wordOperators[e.operator]:
			add("the operator " + e.operator)
		}
		if e.left.path != nil && e.right.path != nil {
			add("comparisons with another value of the document")
		}
		e.left.extras(add)
		e.right.extras(add)
	}
}

func (o operand) extras(add func(string)) {
	switch {
	case o.path == nil:
		return
	case o.fromRoot:
		add("comparisons with another value of the document")
	case len(o.path.tokens) == 0:
		add("@ for elements that are no objects")
	}
	o.path.extras(add)
}
