package apigateway

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

// integration is a Method's Integration.
type integration struct {
	kind        string // AWS, AWS_PROXY, MOCK
	target      target
	credentials string
	passthrough string
	templates   map[string]*vtl.Template // by content type
	params      []paramMapping
	timeout     time.Duration
	responses   []integrationResponse
	fallback    *integrationResponse // the one without SelectionPattern
}

// paramMapping is a RequestParameters entry: "integration.request.header.X".
type paramMapping struct {
	param
	mapping
}

// integrationResponse is an IntegrationResponse.
type integrationResponse struct {
	status    int
	pattern   *regexp.Regexp
	headers   []headerMapping
	templates []responseTemplate // sorted by content type
}

type responseTemplate struct {
	contentType string
	template    *vtl.Template // nil: the body passes through
}

func (b *builder) buildIntegration(id, typ string, m methodProps, declared map[string]bool) *integration {
	p := m.Integration
	in := &integration{kind: p.Type, credentials: p.Credentials, passthrough: p.PassthroughBehavior, timeout: b.timeoutOf(id, typ, p)}
	switch p.Type {
	case "AWS", "AWS_PROXY":
		b.targetOf(id, typ, p, in)
	case "MOCK":
	case "HTTP", "HTTP_PROXY":
		b.Errorf(id, typ, "Integration.Type %s is not simulated: a local run calls no URL", p.Type)
		return in
	default:
		b.Errorf(id, typ, "Integration.Type must be AWS, AWS_PROXY, HTTP, HTTP_PROXY or MOCK, got %q", p.Type)
		return in
	}
	switch p.PassthroughBehavior {
	case "":
		in.passthrough = "WHEN_NO_MATCH"
	case "WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER":
	default:
		b.Errorf(id, typ, "Integration.PassthroughBehavior must be WHEN_NO_MATCH, WHEN_NO_TEMPLATES or NEVER, got %q", p.PassthroughBehavior)
	}
	if p.ContentHandling == "CONVERT_TO_BINARY" {
		b.Errorf(id, typ, "Integration.ContentHandling CONVERT_TO_BINARY is not simulated")
	}
	if p.ConnectionId != "" {
		b.Errorf(id, typ, "Integration.ConnectionId: VPC links are not simulated")
	}
	if p.ResponseTransferMode != "" && p.ResponseTransferMode != "BUFFERED" {
		b.Errorf(id, typ, "Integration.ResponseTransferMode %s is not simulated", p.ResponseTransferMode)
	}
	b.requestMappings(id, typ, p, in, declared)
	for _, v := range sortedVariables(p.RequestTemplates) {
		t, err := vtl.Parse(id+" request "+v.name, v.value)
		if err != nil {
			b.Errorf(id, typ, "Integration.RequestTemplates: %v", err)
			continue
		}
		if in.templates == nil {
			in.templates = map[string]*vtl.Template{}
		}
		in.templates[strings.ToLower(v.name)] = t
	}
	if in.kind != "AWS_PROXY" {
		b.integrationResponses(id, typ, m, in)
	}
	return in
}

func (b *builder) requestMappings(id, typ string, p *integrationProps, in *integration, declared map[string]bool) {
	for _, v := range sortedVariables(p.RequestParameters) {
		rest, ok := strings.CutPrefix(v.name, "integration.request.")
		place, name, _ := strings.Cut(rest, ".")
		if !ok || name == "" || !slices.Contains([]string{"header", "querystring", "path"}, place) {
			b.Errorf(id, typ, "Integration.RequestParameters: %q is not of the form integration.request.{header|querystring|path}.{name}", v.name)
			continue
		}
		m, err := parseMapping(v.value, "method.request.")
		if err != nil {
			b.Errorf(id, typ, "Integration.RequestParameters: %s: %v", v.name, err)
			continue
		}
		// API Gateway refuses to map what the method does not declare.
		if strings.HasPrefix(v.value, "method.request.") && m.kind != mapBody && !declared[v.value] && !declared[singleValued(v.value)] {
			if !(m.kind == mapPath) {
				b.Errorf(id, typ, "Integration.RequestParameters: %s: the method does not declare %s in its RequestParameters", v.name, v.value)
				continue
			}
		}
		if place == "header" && isIllegalHeader(name) {
			b.Errorf(id, typ, "Integration.RequestParameters: API Gateway does not let a mapping set the header %s", name)
		}
		in.params = append(in.params, paramMapping{param{place, name}, m})
	}
}

func singleValued(s string) string {
	s = strings.Replace(s, ".multivalueheader.", ".header.", 1)
	return strings.Replace(s, ".multivaluequerystring.", ".querystring.", 1)
}

func isIllegalHeader(name string) bool {
	switch strings.ToLower(name) {
	case "content-length", "transfer-encoding", "x-amzn-trace-id", "x-amzn-apigateway-api-id", "authorization", "connection", "content-md5", "expect", "host", "proxy-authenticate", "te":
		return true
	}
	return false
}

func (b *builder) integrationResponses(id, typ string, m methodProps, in *integration) {
	type declaredResponse map[string]bool
	methodResponses := map[string]declaredResponse{}
	for _, r := range m.MethodResponses {
		if _, err := parseStatus(string(r.StatusCode)); err != nil {
			b.Errorf(id, typ, "MethodResponses: %v", err)
		}
		params := declaredResponse{}
		for name := range r.ResponseParameters {
			params[name] = true
		}
		methodResponses[string(r.StatusCode)] = params
	}
	for _, r := range m.Integration.IntegrationResponses {
		where := "Integration.IntegrationResponses[" + string(r.StatusCode) + "]"
		status, err := parseStatus(string(r.StatusCode))
		if err != nil {
			b.Errorf(id, typ, "%s: %v", where, err)
			continue
		}
		declared, ok := methodResponses[string(r.StatusCode)]
		if !ok {
			b.Errorf(id, typ, "%s: MethodResponses declares no such status", where)
		}
		if slices.ContainsFunc(in.responses, func(o integrationResponse) bool { return o.status == status }) ||
			in.fallback != nil && in.fallback.status == status {
			b.Errorf(id, typ, "%s: a second response of this status", where)
			continue
		}
		if r.ContentHandling == "CONVERT_TO_BINARY" {
			b.Errorf(id, typ, "%s: ContentHandling CONVERT_TO_BINARY is not simulated", where)
		}
		ir := integrationResponse{status: status}
		for _, v := range sortedVariables(r.ResponseParameters) {
			name, ok := strings.CutPrefix(v.name, "method.response.header.")
			if !ok || name == "" {
				b.Errorf(id, typ, "%s: ResponseParameters: %q is not of the form method.response.header.{name}", where, v.name)
				continue
			}
			if !declared[v.name] {
				b.Errorf(id, typ, "%s: ResponseParameters: MethodResponses does not declare %s", where, v.name)
				continue
			}
			mp, err := parseMapping(v.value, "integration.response.")
			if err != nil {
				b.Errorf(id, typ, "%s: ResponseParameters: %s: %v", where, v.name, err)
				continue
			}
			ir.headers = append(ir.headers, headerMapping{remapped(name), mp})
		}
		for _, v := range sortedVariables(r.ResponseTemplates) {
			rt := responseTemplate{contentType: v.name}
			if v.value != "" {
				if rt.template, err = vtl.Parse(fmt.Sprintf("%s response %d %s", id, status, v.name), v.value); err != nil {
					b.Errorf(id, typ, "%s: ResponseTemplates: %v", where, err)
				}
			}
			ir.templates = append(ir.templates, rt)
		}
		if r.SelectionPattern == "" {
			if in.fallback != nil {
				b.Errorf(id, typ, "%s: a second response without SelectionPattern: which of them is the default?", where)
			}
			in.fallback = &ir
			continue
		}
		if ir.pattern, err = regexp.Compile(`\A(?:` + r.SelectionPattern + `)\z`); err != nil {
			b.Errorf(id, typ, "%s: SelectionPattern: %v", where, err)
			continue
		}
		in.responses = append(in.responses, ir)
	}
}

// remapped is the name under which a mapped header leaves: some are renamed.
func remapped(name string) string {
	switch strings.ToLower(name) {
	case "connection", "content-length", "date", "server", "authorization", "content-md5", "expect", "host", "max-forwards",
		"proxy-authenticate", "trailer", "upgrade", "user-agent", "www-authenticate":
		return "x-amzn-Remapped-" + name
	}
	return name
}
