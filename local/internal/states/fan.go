package states

import "maps"

// fan is the running part of a Parallel or Map state: its branches or iterations.
type fan struct {
	running []*branch // by index; nil before the start and after the end
	results []any
	started int
	active  int
	done    int
	failed  int
	startID int32 // the event that began the state
	// dead are the branches and iterations that failed, by index.
	dead   map[int]*branch
	parked int // iterations that wait for their turn since a redrive

	// Of a Map state.
	graph      *graph
	items      []any
	limit      int // of concurrent iterations
	tolerates  bool
	tolerated  map[int]bool // the iterations that failed
	count      float64
	percentage float64
}

func newFan(n int) *fan {
	return &fan{running: make([]*branch, n), results: make([]any, n)}
}

func (b *branch) runParallel() {
	input, f := b.arguments(&scope{})
	if f == nil && (b.state.arguments != nil || b.state.paths != nil) && exceeds(input, maxPayload) {
		f = tooLarge(b.state.name)
	}
	if f != nil {
		b.handle(f)
		return
	}
	b.fan = newFan(len(b.state.branches))
	b.note(event{kind: fanStarted, state: b.state})
	b.fan.startID = b.last
	for i, g := range b.state.branches {
		b.spawn(i, g, input, b.last)
	}
}

// spawn starts a branch or an iteration after the given event.
func (b *branch) spawn(index int, g *graph, input any, after int32) *branch {
	child := &branch{ex: b.ex, parent: b, index: index, vars: b.vars, shared: true, last: after}
	b.fan.running[index] = child
	b.fan.started++
	b.fan.active++
	child.transition(g.start, input)
	return child
}

func (b *branch) runMap() {
	sc := scope{}
	items, f := b.mapItems(&sc)
	if f != nil {
		b.handle(f)
		return
	}
	fan := newFan(len(items))
	fan.items, fan.graph = items, b.state.branches[0]
	limit, f := b.number(b.state.maxConcurrency, 0, &sc)
	if f == nil {
		fan.count, f = b.number(b.state.toleratedCount, -1, &sc)
	}
	if f == nil {
		fan.percentage, f = b.number(b.state.toleratedPercentage, -1, &sc)
	}
	if f != nil {
		b.handle(f)
		return
	}
	if fan.tolerates = fan.count >= 0 || fan.percentage >= 0; fan.tolerates {
		fan.tolerated = map[int]bool{}
	}
	fan.limit = maxInlineParallel
	if limit > 0 {
		fan.limit = min(fan.limit, int(limit))
	}
	b.fan = fan
	b.note(event{kind: fanStarted, state: b.state, index: int32(len(items))})
	fan.startID = b.last
	if len(items) == 0 {
		b.fanDone(b.last)
		return
	}
	for b.fan == fan && fan.started < len(items) && fan.active < fan.limit {
		b.iterate(fan.startID)
	}
}

// mapItems is what a Map state iterates over.
func (b *branch) mapItems(sc *scope) ([]any, *failure) {
	if b.state.paths != nil {
		return b.pathItems(sc)
	}
	if b.state.items == nil {
		items, ok := b.input.([]any)
		if !ok {
			return nil, b.queryFailure("", "Map state input must be an array but was: "+jsonText(b.input))
		}
		return items, nil
	}
	v, f := b.evalTemplate(b.state.items, sc)
	if f != nil {
		return nil, f
	}
	items, ok := v.([]any)
	if !ok {
		return nil, b.unexpectedType(b.state.items.expr, "array", v)
	}
	return items, nil
}

// iterate starts the next iteration.
func (b *branch) iterate(after int32) {
	fan := b.fan
	i := fan.started
	var input any = fan.items[i]
	if b.state.itemSelector != nil || b.state.paths != nil && b.state.paths.itemSelector != nil {
		c := maps.Clone(b.contextObject())
		c["Map"] = mapContext(i, fan.items[i])
		v, f := b.selectItem(c)
		if f == nil && exceeds(v, maxPayload) {
			f = tooLarge(b.state.name)
		}
		if f != nil {
			b.handle(f)
			return
		}
		input = v
	}
	id := b.ex.log(event{kind: iterationStarted, state: b.state, index: int32(i), prev: after})
	child := b.spawn(i, fan.graph, input, id)
	child.item = fan.items[i]
}

// selectItem is the input that ItemSelector makes for an iteration.
func (b *branch) selectItem(context map[string]any) (any, *failure) {
	if b.state.paths != nil {
		return b.pathItem(b.state.paths.itemSelector, context)
	}
	sc := scope{states: map[string]any{"input": b.input, "context": context}, context: true}
	return b.evalTemplate(b.state.itemSelector, &sc)
}

func (b *branch) childSucceeded(child *branch, out any) {
	b.fan.results[child.index] = out
	b.childDone(child, iterationSucceeded)
}

// childDone goes on after a branch or an iteration that needs no error handling.
func (b *branch) childDone(child *branch, kind eventKind) {
	fan := b.fan
	fan.running[child.index] = nil
	child.touch()
	fan.active--
	fan.done++
	last := child.last
	if b.state.typ == mapState {
		b.ex.log(event{kind: kind, state: b.state, index: int32(child.index), prev: last})
		if kind == iterationSucceeded {
			last = b.ex.lastID()
		}
	}
	if fan.done == len(fan.results) {
		b.fanDone(last)
		return
	}
	if b.state.typ != mapState || b.unpark(child.last) {
		return
	}
	if fan.started < len(fan.items) {
		b.iterate(child.last)
	}
}

func (b *branch) fanDone(last int32) {
	results := b.fan.results
	b.last = last
	b.ex.log(event{kind: fanSucceeded, state: b.state, prev: last})
	b.forgetFan()
	if exceeds(results, maxPayload) {
		b.handle(tooLarge(b.state.name))
		return
	}
	b.finish(results, true)
}

// childFailed is the failure of a branch, which fails the Parallel state, or
// of an iteration, which fails the Map state unless that tolerates it. The
// error that a state reports is that of its branch.
func (b *branch) childFailed(child *branch, f *failure) {
	fan := b.fan
	fan.bury(child)
	own := &failure{name: f.name, cause: f.cause, alias: f.alias}
	if b.state.typ == parallelState {
		own.alias = errBranchFailed
	} else if fan.tolerates {
		fan.failed++
		if !fan.exceeded() {
			fan.results[child.index] = map[string]any{"Error": f.name, "Cause": f.cause}
			fan.tolerated[child.index] = true
			b.childDone(child, iterationFailed)
			return
		}
		own = &failure{name: errFailureExceeded, cause: "The specified tolerated failure threshold was exceeded"}
	}
	b.last = child.last
	if b.state.typ == mapState {
		b.ex.log(event{kind: iterationFailed, state: b.state, index: int32(child.index), prev: child.last})
	}
	fan.running[child.index] = nil
	b.handle(own)
}

// exceeded applies the two thresholds of a Map state.
func (f *fan) exceeded() bool {
	if f.count >= 0 && float64(f.failed) > f.count {
		return true
	}
	return f.percentage >= 0 && float64(f.failed)*100 > f.percentage*float64(len(f.items))
}

// abort stops what still runs below a Parallel or Map state.
func (b *branch) abort() {
	for _, child := range b.fan.running {
		if child == nil {
			continue
		}
		resting := child.phase == parked
		child.abandon()
		if b.ex.Status != Running || resting {
			continue
		}
		switch child.state.typ {
		case taskState, waitState, parallelState, mapState:
			b.ex.log(event{kind: stateAborted, state: child.state, prev: b.last})
		}
		if b.state.typ == mapState {
			b.ex.log(event{kind: iterationAborted, state: b.state, index: int32(child.index), prev: b.last})
		}
	}
	b.wreck = b.fan.exhume() // until another attempt or state begins
	b.forgetFan()
}

func (b *branch) noteFanFailed() {
	b.note(event{kind: fanFailed, state: b.state})
}
