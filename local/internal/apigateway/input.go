package apigateway

import (
	"errors"
	"fmt"
	"slices"

	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

// inputObject is $input: the request's body, or in a response template the
// endpoint's, and the request's parameters.
type inputObject struct {
	c       *call
	body    string
	request bool
	parsed  bool
	value   any
	err     error
}

// errBadJSON is a body that a template wanted to read as JSON and could not.
var errBadJSON = errors.New("could not parse the body into JSON")

func newInput(c *call, body []byte, request bool) *inputObject {
	in := &inputObject{c: c, request: request, body: javaString(body)}
	if in.body == "" {
		in.body = "{}" // what API Gateway shows of an empty body
	}
	return in
}

func (in *inputObject) TypeName() string { return "$input" }

// String is what a template prints of $input itself.
func (in *inputObject) String() string { return "$input" }

func (in *inputObject) Property(name string) (any, bool, error) {
	if name == "body" {
		return in.body, true, nil
	}
	return nil, false, nil
}

func (in *inputObject) Call(name string, args []any) (any, bool, error) {
	switch name {
	case "params":
		switch len(args) {
		case 0:
			return in.c.allParams(), true, nil
		case 1:
			key, _ := args[0].(string)
			return in.c.anyParam(key), true, nil
		}
	case "json", "path":
		if len(args) != 1 {
			return nil, false, nil
		}
		v, ok, err := in.lookup(args[0])
		if err != nil {
			return nil, true, err
		}
		if name == "path" {
			return v, true, nil
		}
		if !ok {
			return `""`, true, nil
		}
		s, err := vtl.ToJSON(v)
		return s, true, err
	}
	return nil, false, nil
}

func (in *inputObject) lookup(arg any) (any, bool, error) {
	s, ok := arg.(string)
	if !ok {
		return nil, false, fmt.Errorf("a JSONPath must be a string, got %v", arg)
	}
	p, err := in.c.api.paths.get(s)
	if err != nil {
		return nil, false, err
	}
	if !in.parsed {
		in.parsed = true
		if in.value, err = vtl.FromJSON([]byte(in.body)); err != nil {
			in.err = fmt.Errorf("%w: %w", errBadJSON, err)
		}
	}
	if in.err != nil {
		return nil, false, in.err
	}
	v, ok := p.eval(in.value)
	return v, ok, nil
}

// anyParam looks a parameter up in the path, the query string and the headers.
func (c *call) anyParam(name string) string {
	if v, ok := c.pathParam(name); ok {
		return v
	}
	if v, ok := c.queryParam(name); ok {
		return v
	}
	return c.header(name)
}

// allParams is $input.params(): maps by place.
func (c *call) allParams() *vtl.Map {
	path := vtl.NewMap(len(c.params))
	for _, p := range c.params {
		path.Put(p.name, p.value)
	}
	c.parseQuery()
	query := vtl.NewMap(len(c.query))
	for _, q := range c.query {
		query.Put(q.name, q.value)
	}
	header := vtl.NewMap(len(c.req.Header))
	names := make([]string, 0, len(c.req.Header))
	for name := range c.req.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		header.Put(name, c.header(name))
	}
	all := vtl.NewMap(3)
	all.Put("path", path)
	all.Put("querystring", query)
	all.Put("header", header)
	return all
}

// pathCache holds compiled JSONPaths. Templates name few; one that builds
// paths from requests must not fill the memory.
type pathCache struct{ byText map[string]*jsonPath }

const maxCachedPaths = 1000

func (pc *pathCache) get(s string) (*jsonPath, error) {
	if p, ok := pc.byText[s]; ok {
		return p, nil
	}
	p, err := compileJSONPath(s)
	if err != nil {
		return nil, err
	}
	if pc.byText == nil || len(pc.byText) >= maxCachedPaths {
		pc.byText = map[string]*jsonPath{}
	}
	pc.byText[s] = p
	return p, nil
}
