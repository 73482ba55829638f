package apigateway

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

// mapping is a parameter mapping expression: 'static', method.request.*,
// integration.response.*, context.* or stageVariables.*.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
type mapping struct {
	kind mappingKind
	text string // the static value, the name, or the context path
	path *jsonPath
}

type mappingKind uint8

const (
	mapStatic mappingKind = iota
	mapContext
	mapStageVariable
	mapHeader
	mapMultiHeader
	mapQuery
	mapMultiQuery
	mapPath
	mapBody
	mapIntegrationHeader
	mapIntegrationMultiHeader
	mapIntegrationBody
)

// dotted spells a variable's name with dots only: claims['custom:tenant'] is
// claims.custom:tenant.
func dotted(name string) string {
	name = strings.ReplaceAll(name, "['", ".")
	return strings.ReplaceAll(name, "']", "")
}

var errBodyNotJSON = errors.New("the body is not JSON")

// parseMapping reads an expression; side is "method.request." or
// "integration.response.", whichever it may refer to.
func parseMapping(s, side string) (mapping, error) {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return mapping{kind: mapStatic, text: s[1 : len(s)-1]}, nil
	}
	if name, ok := strings.CutPrefix(s, "context."); ok && name != "" {
		return mapping{kind: mapContext, text: dotted(name)}, nil
	}
	if name, ok := strings.CutPrefix(s, "stageVariables."); ok && name != "" {
		return mapping{kind: mapStageVariable, text: name}, nil
	}
	rest, ok := strings.CutPrefix(s, side)
	if !ok {
		return mapping{}, fmt.Errorf("%q is neither a static value in single quotes nor context.*, stageVariables.* or %s*", s, side)
	}
	in, name, _ := strings.Cut(rest, ".")
	response := side == "integration.response."
	if in == "body" {
		m := mapping{kind: mapBody}
		if response {
			m.kind = mapIntegrationBody
		}
		if name != "" {
			var err error
			if m.path, err = compileJSONPath("$." + name); err != nil {
				return m, err
			}
		}
		return m, nil
	}
	kinds := map[string]mappingKind{
		"header": mapHeader, "multivalueheader": mapMultiHeader, "querystring": mapQuery,
		"multivaluequerystring": mapMultiQuery, "path": mapPath,
	}
	if response {
		kinds = map[string]mappingKind{"header": mapIntegrationHeader, "multivalueheader": mapIntegrationMultiHeader}
	}
	kind, ok := kinds[in]
	if !ok || name == "" {
		return mapping{}, fmt.Errorf("%q: %s%s.* is no place of a parameter", s, side, in)
	}
	return mapping{kind: kind, text: name}, nil
}

// value is the expression's value in a call, and false where there is none.
func (m *mapping) value(c *call) (string, bool, error) {
	switch m.kind {
	case mapStatic:
		return m.text, true, nil
	case mapContext:
		v, ok := c.contextText(m.text)
		return v, ok, nil
	case mapStageVariable:
		v, ok := c.stage.variable(m.text)
		return v, ok, nil
	case mapHeader:
		v, ok := c.lastHeader(m.text)
		return v, ok, nil
	case mapMultiHeader:
		v := c.req.Header.Values(m.text)
		return strings.Join(v, ","), len(v) > 0, nil
	case mapQuery:
		v, ok := c.queryParam(m.text)
		return v, ok, nil
	case mapMultiQuery:
		v := c.queryValues(m.text)
		return strings.Join(v, ","), len(v) > 0, nil
	case mapPath:
		v, ok := c.pathParam(m.text)
		return v, ok, nil
	case mapBody:
		return m.fromBody(c.req.Body)
	case mapIntegrationHeader:
		v := c.answer.header.Values(m.text)
		if len(v) == 0 {
			return "", false, nil
		}
		return v[len(v)-1], true, nil
	case mapIntegrationMultiHeader:
		v := c.answer.header.Values(m.text)
		return strings.Join(v, ","), len(v) > 0, nil
	}
	return m.fromBody(c.answer.body)
}

// fromBody maps a JSON body or a part of it. A body that does not begin like
// JSON has no parts, but is no error.
func (m *mapping) fromBody(body []byte) (string, bool, error) {
	body = bytes.TrimSpace(body)
	if m.path == nil {
		return javaString(body), len(body) > 0, nil
	}
	if len(body) == 0 || !strings.ContainsRune(`{["'`, rune(body[0])) {
		return "", false, nil
	}
	v, err := vtl.FromJSON(body)
	if err != nil {
		return "", false, errBodyNotJSON
	}
	got, ok := m.path.eval(v)
	if !ok || got == nil {
		return "", false, nil
	}
	if s, ok := got.(string); ok {
		return s, true, nil
	}
	s, err := vtl.ToJSON(got)
	return s, err == nil, err
}
