package eventpattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

var lambdaDialect = dialect{notSuffix: true}

// Pattern is a filter of an event source mapping.
type Pattern struct{ m *matcher }

// CompileLambda compiles the Pattern of a filter in an event source mapping's
// FilterCriteria. A pattern that Lambda refuses is an error.
func CompileLambda(pattern []byte) (*Pattern, error) {
	rules, err := compileLambda(pattern)
	if err != nil {
		return nil, err
	}
	return &Pattern{newMatcher(rules)}, nil
}

// maxPattern is the greatest length of a pattern; API reference, Filter.
const maxPattern = 4096

func compileLambda(pattern []byte) ([]rule, error) {
	if len(pattern) > maxPattern {
		return nil, invalidPattern(fmt.Errorf("it has %d characters, at most %d are allowed", len(pattern), maxPattern))
	}
	rules, err := compile(pattern, lambdaDialect)
	if err != nil {
		return nil, invalidPattern(err)
	}
	return rules, nil
}

func invalidPattern(err error) error {
	return fmt.Errorf("InvalidParameterValueException: Invalid filter pattern definition: %w", err)
}

func compile(pattern []byte, d dialect) ([]rule, error) {
	t, err := newTokens(pattern)
	if err != nil {
		return nil, err
	}
	c := compiler{tokens: t, d: d}
	if c.next().kind != '{' {
		return nil, c.errorf(false, "Filter is not an object")
	}
	return c.object("", []rule{{}})
}

// Match says whether a record matches. It must be valid JSON.
func (p *Pattern) Match(record []byte) bool {
	return p.m.match(record)
}

// QueuePattern is a filter of an event source mapping that reads a queue.
type QueuePattern struct {
	m    *matcher
	text bool // it asks for the body as a text, not for what is in it
}

// CompileQueue compiles the Pattern of a filter of a mapping that reads a
// queue. Only the key body can be filtered on; with an object there, the body is
// read as JSON.
//
// Source: Lambda Developer Guide, "Using event filtering with an Amazon SQS event source".
func CompileQueue(pattern []byte) (*QueuePattern, error) {
	rules, err := compileLambda(pattern)
	if err != nil {
		return nil, err
	}
	texts, objects := 0, 0
	for _, r := range rules {
		for name := range r {
			switch {
			case name == "body":
				texts++
			case strings.HasPrefix(name, "body."):
				objects++
			default:
				return nil, invalidPattern(fmt.Errorf("a filter on %q: only the body of a message can be filtered", name))
			}
		}
	}
	if texts > 0 && objects > 0 {
		return nil, invalidPattern(errors.New("it asks for the body both as a text and as an object"))
	}
	return &QueuePattern{m: newMatcher(rules), text: texts > 0}, nil
}

// Match says whether a message with that body matches. A body that is JSON never
// matches a pattern for a text, and one that is no JSON object never matches a
// pattern for an object.
func (p *QueuePattern) Match(body string) bool {
	b := []byte(body)
	valid := json.Valid(b)
	event := append(make([]byte, 0, len(b)+10), `{"body":`...)
	switch {
	case p.text && !valid:
		event = jsontext.AppendString(event, body)
	case !p.text && valid && b[skipSpace(b, 0)] == '{':
		event = append(event, b...)
	default:
		return false
	}
	return p.m.match(append(event, '}'))
}
