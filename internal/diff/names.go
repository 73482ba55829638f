package diff

import (
	"regexp"
	"strings"
)

// hash is what the CDK appends to a construct's path to make a logical id: 8 hexadecimal digits.
var hash = regexp.MustCompile(`[0-9A-F]{8}$`)

// stem is a logical id without its hash.
func stem(id string) string {
	if s := hash.ReplaceAllString(id, ""); s != "" {
		return s
	}
	return id
}

// name is how a person calls a resource.
func (t *template) name(id string) string {
	r := t.resources[id]
	if r == nil {
		return stem(id)
	}
	switch r.kind {
	case "AWS::Lambda::Function":
		// Of a Go function, Handler is nothing but its name.
		if h := r.text("Handler"); h != "" && strings.HasPrefix(r.text("Runtime"), "provided") && t.alone(h) && h != "bootstrap" {
			return h
		}
		return strings.TrimSuffix(stem(id), "Function")
	case "AWS::ApiGateway::Method":
		return r.text("HttpMethod") + " " + t.route(at(r.properties, "ResourceId"))
	case "AWS::ApiGateway::Resource":
		return t.route(map[string]any{"Ref": id})
	case "AWS::AppSync::Resolver":
		if f := r.text("FieldName"); f != "" {
			return r.text("TypeName") + "." + f
		}
	case "AWS::ApiGateway::GatewayResponse":
		if f := r.text("ResponseType"); f != "" {
			return f
		}
	}
	return stem(id)
}

// alone reports whether one function at most has a handler.
func (t *template) alone(handler string) bool {
	n := 0
	for _, r := range t.resources {
		if r.kind == "AWS::Lambda::Function" && r.text("Handler") == handler {
			n++
		}
	}
	return n < 2
}

// route is the path of a resource of a REST API.
func (t *template) route(resource any) string {
	path := ""
	for range len(t.resources) {
		id, _ := at(resource, "Ref").(string)
		r := t.resources[id]
		if r == nil || r.kind != "AWS::ApiGateway::Resource" {
			break
		}
		path, resource = "/"+r.text("PathPart")+path, r.properties["ParentId"]
	}
	if path == "" {
		return "/"
	}
	return path
}

// who is how a person calls a role: by the functions that have it, else by its own name.
func (t *template) who(role string) string {
	var users []string
	for _, r := range t.of("AWS::Lambda::Function", "AWS::Serverless::Function") {
		references(r.properties["Role"], func(id, _ string) {
			if id == role {
				users = append(users, t.name(r.id))
			}
		})
	}
	if len(users) == 0 {
		return stem(role)
	}
	return strings.Join(users, ", ")
}
