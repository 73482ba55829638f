package states

import (
	"fmt"
	"time"
)

func (b *branch) runChoice() {
	if b.state.paths != nil {
		b.pathChoice()
		return
	}
	sc := scope{}
	for i := range b.state.choices {
		c := &b.state.choices[i]
		holds := c.literal
		if c.condition != nil {
			v, f := b.eval(c.condition, &sc)
			if f != nil {
				b.handle(f)
				return
			}
			is, ok := v.(bool)
			if !ok {
				b.handle(b.unexpectedType(c.condition, "boolean", v))
				return
			}
			holds = is
		}
		if holds {
			b.leave(c.output, c.assign, &sc, b.input, c.next)
			return
		}
	}
	if b.state.defaultState == nil {
		b.handle(b.noChoice())
		return
	}
	b.leave(b.state.output, b.state.assign, &sc, b.input, b.state.defaultState)
}

func (b *branch) runWait() {
	sc := scope{}
	until := b.ex.sm.s.k.Now()
	if b.state.paths != nil {
		t, f := b.pathWait(until)
		if f != nil {
			b.handle(f)
			return
		}
		until = t
	} else if b.state.seconds != nil {
		n, f := b.number(b.state.seconds, 0, &sc)
		if f != nil {
			b.handle(f)
			return
		}
		until = until.Add(seconds(n))
	} else {
		s, f := b.text(b.state.timestamp, &sc)
		if f != nil {
			b.handle(f)
			return
		}
		t, err := parseTimestamp(s)
		if err != nil {
			b.handle(b.queryFailure("Timestamp", "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: "+s))
			return
		}
		until = t
	}
	b.schedule(waiting, until)
}

// parseTimestamp reads what the States Language calls a timestamp: RFC 3339
// with an upper-case T and an offset or an upper-case Z.
func parseTimestamp(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err == nil && len(s) > 10 && s[10] != 'T' {
		return t, fmt.Errorf("%q has no T", s)
	}
	return t, err
}

func (b *branch) runFail() {
	if b.state.paths != nil {
		b.die(b.pathFail())
		return
	}
	sc := scope{}
	name, f := b.text(b.state.errorName, &sc)
	if f != nil {
		b.handle(f)
		return
	}
	cause, f := b.text(b.state.cause, &sc)
	if f != nil {
		b.handle(f)
		return
	}
	b.die(&failure{name: name, cause: cause})
}
