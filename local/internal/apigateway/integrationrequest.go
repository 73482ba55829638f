package apigateway

import (
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

// integrationRequest is what goes to an endpoint.
type integrationRequest struct {
	body    string
	headers map[string]string // by lower-case name
	query   map[string]string
	path    map[string]string
}

// integrate makes the integration request and sends it.
func (c *call) integrate() {
	in := c.method.integration
	c.called, c.calledAt = true, c.api.k.Now()
	if in.kind == "AWS_PROXY" {
		c.invokeProxy(in)
		return
	}
	req, ok := c.integrationRequest(in)
	if !ok {
		return
	}
	if in.kind == "MOCK" {
		c.mock(req)
		return
	}
	c.callService(in, req)
}

// integrationRequest applies the template and the parameter mappings; it has
// answered the client where it returns false.
func (c *call) integrationRequest(in *integration) (*integrationRequest, bool) {
	req := &integrationRequest{headers: map[string]string{}}
	tmpl, f := c.requestTemplate(in)
	if f != nil {
		c.fail(*f)
		return nil, false
	}
	if tmpl == nil {
		req.body = string(c.req.Body)
	} else {
		if c.isBinary(c.contentType()) {
			c.log("Execution failed due to configuration error: Unable to transform request")
			c.fail(internalServerError)
			return nil, false
		}
		body, err := c.render(tmpl, newInput(c, c.req.Body, true))
		if err != nil {
			c.failTemplate(err, true)
			return nil, false
		}
		req.body = body
	}
	for i := range in.params {
		p := &in.params[i]
		v, ok, err := p.value(c)
		if err != nil {
			bad := badRequest
			bad.message = "Invalid JSON in request body"
			c.fail(bad)
			return nil, false
		}
		if ok && v != "" {
			req.set(p.in, p.name, v)
		}
	}
	return req, c.applyOverrides(req)
}

func (r *integrationRequest) set(place, name, value string) {
	switch place {
	case "header":
		r.headers[strings.ToLower(name)] = headerText(value)
	case "querystring":
		if r.query == nil {
			r.query = map[string]string{}
		}
		r.query[name] = value
	case "path":
		if r.path == nil {
			r.path = map[string]string{}
		}
		r.path[name] = value
	}
}

// applyOverrides applies what a template set under $context.requestOverride,
// which goes over the mappings.
func (c *call) applyOverrides(req *integrationRequest) bool {
	if c.requestOverride == nil {
		return true
	}
	for _, place := range []string{"header", "querystring", "path"} {
		v, _ := c.requestOverride.Get(place)
		m, ok := v.(*vtl.Map)
		if !ok {
			continue
		}
		for _, e := range m.Entries() {
			name, err1 := vtl.ToString(e.Key)
			value, err2 := vtl.ToString(e.Value)
			if err1 != nil || err2 != nil || place == "header" && isIllegalHeader(name) {
				c.log("Execution failed due to configuration error: $context.requestOverride.%s.%s", place, name)
				c.fail(internalServerError)
				return false
			}
			req.set(place, name, value)
		}
	}
	return true
}

// requestTemplate picks the template of the request's content type, or nil
// where the body passes through.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html
func (c *call) requestTemplate(in *integration) (*vtl.Template, *failureOf) {
	if t, ok := in.templates[c.contentType()]; ok {
		return t, nil
	}
	if t, ok := in.templates["$default"]; ok {
		return t, nil
	}
	if in.passthrough == "NEVER" || in.passthrough == "WHEN_NO_TEMPLATES" && len(in.templates) > 0 {
		return nil, &unsupportedMediaType
	}
	return nil, nil
}

// render executes a template. What renders, but hardly as its author meant
// (such as a reference without value), is told to Config.Log.
func (c *call) render(t *vtl.Template, in *inputObject) (string, error) {
	var o vtl.Options
	if c.api.cfg.Log != nil {
		o.Warn = func(w vtl.Warning) { c.log("%s", w) }
	}
	return t.ExecuteWith(c.variables(in), o)
}

// variables are what a template sees.
func (c *call) variables(in *inputObject) map[string]any {
	if c.vars == nil {
		c.vars = map[string]any{
			"context":        contextObject{c, ""},
			"util":           utilObject{},
			"stageVariables": stageVariables{c.stage},
		}
	}
	c.vars["input"] = in
	return c.vars
}

// stageVariables is $stageVariables.
type stageVariables struct{ s *stage }

func (stageVariables) TypeName() string { return "$stageVariables" }

func (stageVariables) String() string { return "" }

func (v stageVariables) Property(name string) (any, bool, error) {
	if s, ok := v.s.variable(name); ok {
		return s, true, nil
	}
	return nil, true, nil
}

func (v stageVariables) Call(name string, args []any) (any, bool, error) {
	switch {
	case name == "get" && len(args) == 1:
		key, _ := args[0].(string)
		return v.Property(key)
	case name == "containsKey" && len(args) == 1:
		key, _ := args[0].(string)
		_, ok := v.s.variable(key)
		return ok, true, nil
	case name == "keySet" && len(args) == 0:
		l := vtl.NewList()
		for _, sv := range v.s.variables {
			l.Items = append(l.Items, sv.name)
		}
		return l, true, nil
	case name == "size" && len(args) == 0:
		return int32(len(v.s.variables)), true, nil
	}
	return nil, false, nil
}

func (c *call) isBinary(contentType string) bool {
	for _, t := range c.api.binaryTypes {
		if t == "*/*" || strings.EqualFold(t, contentType) {
			return true
		}
		if group, ok := strings.CutSuffix(t, "/*"); ok && strings.HasPrefix(contentType, group+"/") {
			return true
		}
	}
	return false
}
