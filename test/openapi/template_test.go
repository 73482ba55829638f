package openapi_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

// resource is a resource of a template.
type resource struct {
	Type       string
	Properties json.RawMessage
}

// method is an AWS::ApiGateway::Method, or what of it can be answered.
type method struct {
	HttpMethod         string
	ResourceId         any
	RequestValidatorId any
	RequestParameters  map[string]bool
	MethodResponses    []struct {
		StatusCode         string
		ResponseParameters map[string]bool
	}
	Integration struct {
		RequestTemplates     map[string]any
		IntegrationResponses []integrationResponse
	}
}

type integrationResponse struct {
	StatusCode         string
	ResponseParameters map[string]string
	ResponseTemplates  map[string]any
}

// gatewayResponse is an AWS::ApiGateway::GatewayResponse.
type gatewayResponse struct {
	ResponseType       string
	StatusCode         string
	ResponseParameters map[string]string
	ResponseTemplates  map[string]string
}

// gateway is what a template says of its HTTP API.
type gateway struct {
	methods   map[string]method // by "POST /orders"
	responses []gatewayResponse
}

func read(t testing.TB, environment string) gateway {
	t.Helper()
	text, err := snapshot.Template(environment)
	if err != nil {
		t.Fatal(err)
	}
	var template struct{ Resources map[string]resource }
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	decode := func(r resource, v any) {
		if err := json.Unmarshal(r.Properties, v); err != nil {
			t.Fatal(err)
		}
	}
	pathOf := func(ref any) (path string) {
		for {
			id, _ := ref.(map[string]any)["Ref"].(string)
			if template.Resources[id].Type != "AWS::ApiGateway::Resource" {
				return path
			}
			var p struct {
				PathPart string
				ParentId any
			}
			decode(template.Resources[id], &p)
			path, ref = "/"+p.PathPart+path, p.ParentId
		}
	}
	g := gateway{methods: map[string]method{}}
	for _, id := range slices.Sorted(maps.Keys(template.Resources)) {
		switch r := template.Resources[id]; r.Type {
		case "AWS::ApiGateway::Method":
			var m method
			decode(r, &m)
			g.methods[m.HttpMethod+" "+pathOf(m.ResourceId)] = m
		case "AWS::ApiGateway::GatewayResponse":
			var a gatewayResponse
			decode(r, &a)
			g.responses = append(g.responses, a)
		}
	}
	return g
}

// text is a template that may have intrinsics in it.
func text(templates map[string]any) string {
	switch v := templates["application/json"].(type) {
	case string:
		return v
	default:
		b, _ := json.Marshal(v)
		return strings.NewReplacer(`\"`, `"`, `\n`, "\n").Replace(string(b))
	}
}

var (
	// What of a mapping template decides about an answer: each code follows the status that it goes with.
	decisions  = regexp.MustCompile(`#set\(\$status = (\d{3})\)|#set\(\$code = "([^"]+)"\)|#set\(\$context\.responseOverride\.status = (\d{3})\)`)
	overridden = regexp.MustCompile(`#set\(\$context\.responseOverride\.header\.([A-Za-z-]+) =`)
	fromBehind = "#set($status = $input.path('$.status'))"
	problem    = regexp.MustCompile(`"code":"([^"]+)"`)
)

// outcomes are those that an integration response of the method leads to.
func (m method) outcomes(r integrationResponse) outcomes {
	all := outcomes{}
	template := text(r.ResponseTemplates)
	if strings.Contains(template, fromBehind) {
		// The function says the status: any that is declared. That of the integration's own response has to be declared too.
		for _, declared := range m.MethodResponses {
			if declared.StatusCode != r.StatusCode || len(m.successes()) == 1 {
				all.add(declared.StatusCode)
			}
		}
	} else if r.StatusCode < "400" {
		all.add(r.StatusCode)
	}
	status := ""
	for _, d := range decisions.FindAllStringSubmatch(template, -1) {
		switch {
		case d[1] != "":
			status = d[1]
		case d[2] != "":
			all.add(status, d[2])
		default:
			all.add(d[3])
		}
	}
	return all
}

func (m method) successes() (all []string) {
	for _, r := range m.MethodResponses {
		if r.StatusCode < "300" {
			all = append(all, r.StatusCode)
		}
	}
	return all
}

// never are the answers of the gateway itself that these methods do not get, and why.
var never = map[string]string{
	"RESOURCE_NOT_FOUND":           "of a path that is not there",
	"MISSING_AUTHENTICATION_TOKEN": "of a path or method that is not there",
	"INVALID_SIGNATURE":            "of a path or method that is not there, with a token that looks like a signature",
	"EXPIRED_TOKEN":                "of requests signed with IAM credentials",
	"INVALID_API_KEY":              "of methods that want API keys",
	"QUOTA_EXCEEDED":               "of usage plans",
	"BAD_REQUEST_PARAMETERS":       "of validators that check parameters",
}

func (g gateway) outcomes(m method) outcomes {
	all := outcomes{}
	for _, r := range m.Integration.IntegrationResponses {
		for status, codes := range m.outcomes(r) {
			all.add(status, codes...)
		}
	}
	for _, r := range g.responses {
		code := problem.FindStringSubmatch(r.ResponseTemplates["application/json"])[1]
		switch {
		case never[r.ResponseType] != "":
		case r.ResponseType == "BAD_REQUEST_BODY" && m.RequestValidatorId == nil:
		case strings.HasPrefix(r.ResponseType, "DEFAULT_"):
			all.add(strings.TrimPrefix(r.ResponseType, "DEFAULT_"), code)
		default:
			all.add(r.StatusCode, code)
		}
	}
	return all
}

// TestTheDescriptionHasWhatTheTemplateHas: each path, method and status, with the codes of its problems, and no other.
func TestTheDescriptionHasWhatTheTemplateHas(t *testing.T) {
	d := load(t)
	described := d.operations()
	g := read(t, "prod") // which has all that the others have, and the firewall
	if diff := cmp.Diff(slices.Sorted(maps.Keys(g.methods)), slices.Sorted(maps.Keys(described))); diff != "" {
		t.Fatalf("operations of the template (-) and of the description (+):\n%s", diff)
	}
	functions := codesOfTheFunction(t)
	used := map[string]bool{}
	for name, m := range g.methods {
		want, got := g.outcomes(m), d.outcomes(described[name])
		for status, codes := range got {
			if status >= "400" && len(codes) == 0 {
				t.Errorf("%s: %s has no code", name, status)
			}
			for _, code := range codes {
				// Which of the function's an operation has, a run tells.
				if functions[code+" "+status] && strings.Contains(name, " /webhooks") {
					want.add(status, code)
					used[code+" "+status] = true
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: statuses and codes of the template (-) and of the description (+):\n%s", name, diff)
		}
	}
	for code := range functions {
		if !used[code] {
			t.Errorf("the function answers %s, which is not described", code)
		}
	}
	for _, environment := range snapshot.Environments() {
		other := read(t, environment)
		for name, m := range other.methods {
			if diff := cmp.Diff(g.outcomes(g.methods[name]), other.outcomes(m)); diff != "" && (environment == "prod" || !strings.Contains(diff, "filtered")) {
				t.Errorf("%s: %s answers otherwise in prod (-) and %s (+):\n%s", path, name, environment, diff)
			}
		}
	}
}

// codesOfTheFunction are the problems of the function behind /webhooks, as "unknown-webhook 404", read from its source.
func codesOfTheFunction(t *testing.T) map[string]bool {
	t.Helper()
	statuses := map[string]string{"StatusBadRequest": "400", "StatusForbidden": "403", "StatusNotFound": "404", "StatusConflict": "409"}
	codes := map[string]bool{}
	files, err := filepath.Glob("../../internal/handler/managewebhooks*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "refuse" {
				status := call.Args[0].(*ast.SelectorExpr).Sel.Name
				code, err := strconv.Unquote(call.Args[1].(*ast.BasicLit).Value)
				if err != nil || statuses[status] == "" {
					t.Fatalf("%s: refuse(%s, …): the test does not know that status: %v", name, status, err)
				}
				codes[code+" "+statuses[status]] = true
			}
			return true
		})
	}
	if len(codes) < 8 {
		t.Fatalf("only %d codes found in the source: %v", len(codes), codes)
	}
	return codes
}

// TestDescribedHeadersAreThoseThatAreSet: what the mappings and the gateway's own answers set always, and of what templates
// set beside it only what is described; answers of a run are held to the rest.
func TestDescribedHeadersAreThoseThatAreSet(t *testing.T) {
	d := load(t)
	g := read(t, "prod")
	for name, m := range g.methods {
		operation := d.operations()[name]
		for status := range operation["responses"].(map[string]any) {
			always, possibly := g.headers(m, status)
			described := d.headers(operation, status)
			for header := range always {
				if !slices.Contains(described, header) {
					t.Errorf("%s %s: the header %s is not described", name, status, header)
				}
			}
			for _, header := range described {
				if !always[header] && !possibly[header] {
					t.Errorf("%s %s: the header %s is described, and nothing sets it", name, status, header)
				}
			}
		}
	}
}

// headers are what the mappings set with a status, and what templates can set with it, without the Content-Type.
func (g gateway) headers(m method, status string) (always, possibly map[string]bool) {
	always, possibly = map[string]bool{}, map[string]bool{}
	for _, r := range m.Integration.IntegrationResponses {
		if _, ok := m.outcomes(r)[status]; !ok {
			continue
		}
		for name := range r.ResponseParameters {
			always[strings.TrimPrefix(name, "method.response.header.")] = true
		}
		for _, o := range overridden.FindAllStringSubmatch(text(r.ResponseTemplates), -1) {
			possibly[o[1]] = true
		}
	}
	for _, r := range g.responses {
		if never[r.ResponseType] == "" && (r.StatusCode == status || "DEFAULT_"+status == r.ResponseType) {
			for name := range r.ResponseParameters {
				always[strings.TrimPrefix(name, "gatewayresponse.header.")] = true
			}
		}
	}
	delete(always, "Content-Type")
	return always, possibly
}

// TestDescribedParametersAreReadByTheTemplate, and those that it declares are described.
func TestDescribedParametersAreReadByTheTemplate(t *testing.T) {
	d := load(t)
	for name, m := range read(t, "prod").methods {
		_, p, _ := strings.Cut(name, " ")
		described := map[string]bool{}
		templates := text(m.Integration.RequestTemplates)
		for _, r := range m.Integration.IntegrationResponses {
			templates += text(r.ResponseTemplates)
		}
		both := append(list(d.at(map[string]any(d), "paths", p, "parameters")), list(d.operations()[name]["parameters"])...)
		for _, parameter := range both {
			in, _ := d.at(parameter, "in").(string)
			id, _ := d.at(parameter, "name").(string)
			described[map[string]string{"path": "path", "header": "header", "query": "querystring"}[in]+"."+id] = true
			how := map[string]string{
				"path": "path.get('" + id + "')", "query": "querystring.get('" + id + "')", "header": `== "` + strings.ToLower(id) + `"`,
			}[in]
			if !strings.Contains(templates, how) {
				t.Errorf("%s: the parameter %s is described, and no template reads it", name, id)
			}
		}
		for parameter := range m.RequestParameters {
			if !described[strings.TrimPrefix(parameter, "method.request.")] {
				t.Errorf("%s: the parameter %s is not described", name, parameter)
			}
		}
	}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}
