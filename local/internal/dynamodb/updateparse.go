package dynamodb

import "strings"

var updateFunctions = map[string]int{"if_not_exists": 2, "list_append": 2, "+": 2, "-": 2}

func parseUpdate(src string) *expression {
	return parseExpression(src, func(p *parser) {
		for {
			p.updateSection()
			if p.peek().kind == tokEOF {
				return
			}
		}
	})
}

func (p *parser) updateSection() {
	section := strings.ToUpper(p.peek().text)
	switch section {
	case "SET", "REMOVE", "ADD", "DELETE":
		p.next()
	default:
		p.fail()
	}
	if p.used[section] {
		note(&p.section, "The %q section can only be used once in an update expression;", verbatim(section))
	}
	p.used[section] = true
	for {
		a := updateAction{section: section, path: p.path()}
		switch section {
		case "SET":
			p.expect("=")
			a.value = p.setValue()
		case "ADD", "DELETE":
			t := p.peek()
			if t.kind != tokValue {
				p.fail()
			}
			p.next()
			a.value = operand{kind: operandValue, ref: p.ref(&p.expr.values, t.text)}
		}
		p.expr.actions = append(p.expr.actions, a)
		if !p.symbol(",") {
			return
		}
	}
}

// setValue reads operand [(+|-) operand].
func (p *parser) setValue() operand {
	left := p.updateOperand()
	for _, op := range []string{"+", "-"} {
		if p.symbol(op) {
			p.operators++
			return operand{kind: operandFunction, fn: op, args: []operand{left, p.updateOperand()}}
		}
	}
	return left
}

func (p *parser) updateOperand() operand {
	return p.operandOf("an update", updateFunctions, conditionFunctions, p.setValue, p.setValue, nil)
}
