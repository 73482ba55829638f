package vtl

func (t textStmt) render(e *exec) error { return e.write(string(t)) }

func (r *reference) render(e *exec) error {
	if err := e.step(r.pos); err != nil {
		return err
	}
	if r.runt {
		return e.write(r.name)
	}
	warned := e.warned
	v, err := r.resolve(e)
	if err != nil {
		return err
	}
	if r.escaped {
		s := r.prefix
		if v == nil {
			s += `\`
		}
		return e.write(s + e.nullText(r))
	}
	if b, ok := v.(*block); ok {
		done, err := b.renderTo(e)
		if err != nil || done {
			return err
		}
		v = nil
	}
	if v == nil {
		null := e.nullText(r)
		if !r.quiet && !r.inert && e.warned == warned {
			e.warn(r.pos, "%s is null; it renders as its source text", r.literal)
		}
		if r.prefix == "" && r.more == "" {
			return e.write(null)
		}
		return e.write(r.prefix + r.prefix + r.more + null)
	}
	if r.prefix != "" || r.more != "" {
		if err := e.write(r.prefix + r.more); err != nil {
			return err
		}
	}
	if s, ok := v.(string); ok {
		return e.write(s)
	}
	b, err := appendString(e.out, v, 0)
	if err != nil {
		return e.wrap(r.pos, err)
	}
	if len(b) > e.opts.MaxOutput {
		return e.fail(r.pos, "the output is longer than %d bytes", e.opts.MaxOutput)
	}
	e.out = b
	return nil
}

func (s *ifStmt) render(e *exec) error {
	for i := range s.branches {
		b := &s.branches[i]
		ok := true
		if b.cond != nil {
			var err error
			if ok, err = b.cond.truth(e); err != nil {
				return err
			}
		}
		if ok {
			return e.block(b.body)
		}
	}
	return nil
}

func (s *setStmt) render(e *exec) error {
	if err := e.step(s.left.pos); err != nil {
		return err
	}
	v, err := s.right.value(e)
	if err != nil {
		return err
	}
	if v == nil {
		return nil // directive.set.null.allowed is false: nothing changes
	}
	if len(s.left.steps) == 0 {
		if s.odd {
			e.warn(s.left.pos, "#set(%s = …) sets nothing in Velocity 1.7; write #set($%s = …)", s.left.literal, s.left.name)
		}
		e.put(s.sym, v)
		return nil
	}
	return s.left.assign(e, v)
}

// foreachScope is $foreach.
type foreachScope struct {
	owner   *foreachStmt
	index   int32
	hasNext bool
	parent  *foreachScope
	// replaced is what $foreach was before, if not a scope.
	replaced any
	values   *Map
}

func (s *foreachStmt) render(e *exec) error {
	list, err := s.list.value(e)
	if err != nil || list == nil {
		return err
	}
	if sc, ok := list.(*foreachScope); ok {
		list = sc.stored()
	}
	it := newIterator(list)
	if it == nil {
		return nil
	}
	const counter, flag, scopeSym = symCount, symHasNext, symForeach
	savedItem, err := e.get(s.sym)
	if err != nil {
		return err
	}
	savedCounter, err := e.get(counter)
	if err != nil {
		return err
	}
	savedFlag, err := e.get(flag)
	if err != nil {
		return err
	}
	prev, err := e.get(scopeSym)
	if err != nil {
		return err
	}
	scope := &foreachScope{owner: s, index: -1}
	if p, ok := prev.(*foreachScope); ok {
		scope.parent = p
	} else {
		scope.replaced = prev
	}
	e.put(scopeSym, scope)
	var null *frame
	top := e.top
	var stopped error
	for n := 0; it.hasNext(); n++ {
		if err := e.step(s.pos); err != nil {
			return err
		}
		if n >= e.opts.MaxForeach {
			return e.fail(s.pos, "a #foreach of more than %d iterations (API Gateway's quota)", e.opts.MaxForeach)
		}
		e.put(counter, int32(n+1))
		v, err := it.next()
		if err != nil {
			return e.wrap(s.pos, err)
		}
		scope.hasNext = it.hasNext()
		scope.index++
		e.put(flag, scope.hasNext)
		e.put(s.sym, v)
		if v == nil {
			if null == nil {
				null = &frame{parent: top, hides: s.sym, hiding: true}
			}
			e.top = null
		}
		err = e.block(s.body)
		e.top = top
		if err != nil {
			stop, ok := err.(*stopSignal)
			if !ok {
				return err
			}
			if stop.all || stop.owner != nil && stop.owner != s {
				stopped = err
			}
			break
		}
	}
	e.restore(s.sym, savedItem)
	e.restore(counter, savedCounter)
	e.restore(flag, savedFlag)
	now, err := e.get(scopeSym)
	if err != nil {
		return err
	}
	if sc, ok := now.(*foreachScope); ok {
		if sc.parent != nil {
			e.put(scopeSym, sc.parent)
		} else {
			e.restore(scopeSym, sc.replaced)
		}
	}
	return stopped
}

func (e *exec) restore(sym int, v any) {
	if v != nil {
		e.put(sym, v)
	} else {
		e.remove(sym)
	}
}

func (s *breakStmt) render(e *exec) error {
	if s.scope == nil {
		return stopNearest
	}
	v, err := s.scope.value(e)
	if err != nil {
		return err
	}
	if sc, ok := v.(*foreachScope); ok {
		return &stopSignal{owner: sc.owner}
	}
	return e.fail(s.pos, "#break takes a scope such as $foreach, not a %s", javaType(v))
}

func (s *stopStmt) render(*exec) error { return stopAll }

// block is a #define: it renders afresh wherever it is used.
type block struct {
	def   *defineStmt
	depth int
}

func (s *defineStmt) render(e *exec) error {
	e.put(s.sym, &block{def: s})
	return nil
}

// renderTo reports false where the block is used within itself too deeply; it
// then prints as a null.
func (b *block) renderTo(e *exec) (bool, error) {
	limit := maxDefineDepth
	if b.def.name == bodyContent {
		limit = maxMacroDepth
	}
	if b.depth >= limit {
		return false, nil
	}
	b.depth++
	err := e.block(b.def.body)
	b.depth--
	if stop, ok := err.(*stopSignal); ok && !stop.all && stop.owner == nil {
		err = nil
	}
	return true, err
}

const bodyContent = "bodyContent"

func (s *callStmt) render(e *exec) error {
	if err := e.step(s.pos); err != nil {
		return err
	}
	m := e.macros[s.name]
	if m == nil {
		return e.write(s.text)
	}
	if s.badArg != "" {
		return e.fail(s.pos, "%q is no argument of macro #%s", s.badArg, s.name)
	}
	if e.calls >= maxMacroDepth {
		return e.fail(s.pos, "macro #%s: calls nest more than %d deep", s.name, maxMacroDepth)
	}
	f := &frame{parent: e.top, hides: -1}
	for i, p := range m.params {
		if i >= len(s.args) {
			break
		}
		switch x := s.args[i].(type) {
		case *constant:
			f.setLocal(p.sym, x.v)
		case boolLit:
			f.setLocal(p.sym, bool(x))
		default:
			f.args = append(f.args, argBinding{sym: p.sym, name: p.name, x: x, literal: s.literals[i]})
		}
	}
	if s.hasBody {
		f.setLocal(symBody, &block{def: &defineStmt{body: s.body, name: bodyContent}})
	}
	e.calls++
	e.top = f
	err := e.block(m.body)
	e.top = f.parent
	e.calls--
	if stop, ok := err.(*stopSignal); ok && !stop.all && stop.owner == nil {
		err = nil
	}
	return err
}

// evaluate renders text that the template made.
func (s *evaluateStmt) render(e *exec) error {
	if err := e.step(s.pos); err != nil {
		return err
	}
	v, err := s.arg.value(e)
	if err != nil || v == nil {
		return err
	}
	src, err := e.text(v, s.pos)
	if err != nil {
		return err
	}
	if e.evaluate >= maxEvaluateDepth {
		return e.fail(s.pos, "#evaluate nests more than %d deep", maxEvaluateDepth)
	}
	if e.steps += len(src) / 16; e.steps > e.opts.MaxSteps {
		return e.fail(s.pos, "the template did not end within %d steps", e.opts.MaxSteps)
	}
	e.ownSymbols()
	p := &parser{lx: lexer{src: src, within: &s.pos}, syms: e.syms, macros: e.macros}
	body, err := p.document()
	if err != nil {
		return e.fail(s.pos, "#evaluate: %v", err)
	}
	e.growSlots()
	e.evaluate++
	err = e.block(body)
	e.evaluate--
	if stop, ok := err.(*stopSignal); ok && stop.owner == nil {
		err = nil
	}
	return err
}

// ownSymbols lets the execution add variables and macros without changing the
// template.
func (e *exec) ownSymbols() {
	if e.syms != e.t.syms {
		return
	}
	e.syms = e.syms.clone()
	macros := make(map[string]*macro, len(e.macros))
	for k, v := range e.macros {
		macros[k] = v
	}
	e.macros = macros
}

func (e *exec) growSlots() {
	for i := len(e.slots); i < len(e.syms.names); i++ {
		e.slots = append(e.slots, e.vars[e.syms.names[i]])
	}
}
