package apigateway

import (
	"fmt"
	"strconv"
	"strings"
)

type pathParser struct {
	src, s string
	i      int
}

func (p *pathParser) step() (step, error) {
	var st step
	switch p.s[p.i] {
	case '.':
		p.i++
		if p.i < len(p.s) && p.s[p.i] == '.' {
			p.i++
			st.descend = true
		}
		if p.i < len(p.s) && p.s[p.i] == '[' {
			if !st.descend {
				return st, fmt.Errorf("'.' before '[' at %d", p.i)
			}
			return p.bracket(st)
		}
		return p.dotted(st)
	case '[':
		return p.bracket(st)
	}
	return st, fmt.Errorf("unexpected %q at %d", p.s[p.i], p.i)
}

func (p *pathParser) dotted(st step) (step, error) {
	start := p.i
	for p.i < len(p.s) && p.s[p.i] != '.' && p.s[p.i] != '[' {
		p.i++
	}
	switch name := strings.TrimSpace(p.s[start:p.i]); {
	case name == "":
		return st, fmt.Errorf("a name is missing at %d", start)
	case name == "*":
		st.kind = stepWildcard
	case name == "length()" || name == "size()":
		st.kind = stepLength
		if p.i < len(p.s) || st.descend {
			return st, fmt.Errorf("%s must be the last step", name)
		}
	case strings.HasSuffix(name, ")"):
		return st, fmt.Errorf("the function %s is not simulated", name)
	default:
		st.names = []string{name}
	}
	return st, nil
}

func (p *pathParser) bracket(st step) (step, error) {
	p.i++ // [
	p.space()
	if p.i >= len(p.s) {
		return st, fmt.Errorf("'[' is not closed")
	}
	switch c := p.s[p.i]; {
	case c == '*':
		p.i++
		st.kind = stepWildcard
		return st, p.close()
	case c == '?':
		f, err := p.filter()
		st.kind, st.filter = stepFilter, f
		return st, err
	case c == '\'' || c == '"':
		for {
			name, err := p.quotedName()
			if err != nil {
				return st, err
			}
			st.names = append(st.names, name)
			p.space()
			if p.i < len(p.s) && p.s[p.i] == ',' {
				p.i++
				p.space()
				continue
			}
			break
		}
		if len(st.names) > 1 {
			st.kind = stepNames
		}
		return st, p.close()
	}
	return p.indexes(st)
}

func (p *pathParser) indexes(st step) (step, error) {
	n, have, err := p.integer()
	if err != nil {
		return st, err
	}
	p.space()
	if p.i < len(p.s) && p.s[p.i] == ':' {
		p.i++
		p.space()
		st.kind, st.from, st.fromOK = stepSlice, n, have
		if st.to, st.ok, err = p.integer(); err != nil {
			return st, err
		}
		if !st.fromOK && !st.ok {
			return st, fmt.Errorf("a slice needs a bound")
		}
		return st, p.close()
	}
	if !have {
		return st, fmt.Errorf("an index, a name or * is missing at %d", p.i)
	}
	st.kind, st.indexes = stepIndex, []int{n}
	for p.i < len(p.s) && p.s[p.i] == ',' {
		p.i++
		p.space()
		if n, have, err = p.integer(); err != nil || !have {
			return st, fmt.Errorf("an index is missing at %d", p.i)
		}
		st.kind, st.indexes = stepIndexes, append(st.indexes, n)
		p.space()
	}
	return st, p.close()
}

func (p *pathParser) integer() (n int, have bool, err error) {
	start := p.i
	if p.i < len(p.s) && p.s[p.i] == '-' {
		p.i++
	}
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	if start == p.i {
		return 0, false, nil
	}
	n, err = strconv.Atoi(p.s[start:p.i])
	if err != nil || n > 1<<31 || n < -1<<31 {
		return 0, false, fmt.Errorf("%q is no index", p.s[start:p.i])
	}
	return n, true, nil
}

func (p *pathParser) quotedName() (string, error) {
	if p.i >= len(p.s) || p.s[p.i] != '\'' && p.s[p.i] != '"' {
		return "", fmt.Errorf("a quoted name is missing at %d", p.i)
	}
	q := p.s[p.i]
	var name strings.Builder
	for p.i++; p.i < len(p.s); p.i++ {
		switch c := p.s[p.i]; {
		case c == '\\' && p.i+1 < len(p.s):
			p.i++
			name.WriteByte(p.s[p.i])
		case c == q:
			p.i++
			return name.String(), nil
		default:
			name.WriteByte(c)
		}
	}
	return "", fmt.Errorf("a quoted name is not closed")
}

func (p *pathParser) space() {
	for p.i < len(p.s) && p.s[p.i] == ' ' {
		p.i++
	}
}

func (p *pathParser) close() error {
	p.space()
	if p.i >= len(p.s) || p.s[p.i] != ']' {
		return fmt.Errorf("']' is missing at %d", p.i)
	}
	p.i++
	return nil
}
