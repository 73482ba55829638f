package apigateway_test

import (
	"encoding/json"
	"strings"
	"testing"
)

const petSchema = `{
  "$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "required": ["type", "price"], "additionalProperties": false,
  "properties": {
    "type": {"type": "string", "enum": ["dog", "cat", "fish"]},
    "price": {"type": "number", "minimum": 25.0, "maximum": 500.0},
    "age": {"type": "integer", "minimum": 0, "exclusiveMinimum": true},
    "name": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]*$"},
    "tags": {"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": true, "items": {"$ref": "https://apigateway.amazonaws.com/restapis/Api/models/Tag"}},
    "size": {"oneOf": [{"type": "string"}, {"type": "object", "required": ["w", "h"]}]},
    "mail": {"type": "string", "format": "email"},
    "step": {"multipleOf": 5}
  }
}`

func petWorld(t testing.TB) *world {
	w := newWorld(t)
	w.add("PetModel", "Model", m{"RestApiId": "Api", "Name": "Pet", "ContentType": "application/json", "Schema": json.RawMessage(petSchema)})
	w.add("TagModel", "Model", m{"RestApiId": "Api", "Name": "Tag", "ContentType": "application/json", "Schema": `{"type":"string","maxLength":3}`})
	w.add("Validator", "RequestValidator", m{"RestApiId": "Api", "ValidateRequestBody": true, "ValidateRequestParameters": "true"})
	w.add("Bad", "GatewayResponse", m{"RestApiId": "Api", "ResponseType": "BAD_REQUEST_BODY", "StatusCode": "422",
		"ResponseTemplates": m{"application/json": `{"message":$context.error.messageString,"detail":"$context.error.validationErrorString"}`}})
	w.method(w.resource("", "pets"), "POST", mock("ok"), m{
		"RequestValidatorId": "Validator", "RequestModels": m{"application/json": "Pet"},
	})
	w.method(w.resource("", "find"), "GET", mock("ok"), m{
		"RequestValidatorId": "Validator",
		"RequestParameters": m{"method.request.querystring.q": true, "method.request.header.X-Tenant": true,
			"method.request.header.X-Other": false, "method.request.querystring.a": "true"},
	})
	return w
}

func TestBodyModelsWordTheirErrorsAsAPIGatewayDoes(t *testing.T) {
	w := petWorld(t)
	for body, want := range map[string]string{
		`{"type":"dog","price":249.99}`:                    "",
		`{"type":"dog","price":25}`:                        "",
		`{"type":"cat1","price":24.99}`:                    `[instance value ("cat1") not found in enum (possible values: ["dog","cat","fish"]), numeric instance is lower than the required minimum (minimum: 25.0, found: 24.99)]`,
		`{}`:                                               `[object has missing required properties (["price","type"])]`,
		`{"type":7,"extra":1,"another":2}`:                 `[object has missing required properties (["price"]), object instance has properties which are not allowed by the schema: ["another","extra"]]`,
		`{"type":"dog","price":"50"}`:                      `[instance type (string) does not match any allowed primitive type (allowed: ["integer","number"])]`,
		`{"type":"dog","price":501}`:                       `[numeric instance is greater than the required maximum (maximum: 500.0, found: 501)]`,
		`{"type":"dog","price":50,"age":1.5}`:              `[instance type (number) does not match any allowed primitive type (allowed: ["integer"])]`,
		`{"type":"dog","price":50,"age":0}`:                `[numeric instance is not strictly greater than the required minimum 0]`,
		`{"type":"dog","price":50,"name":"x"}`:             `[string "x" is too short (length: 1, required minimum: 2)]`,
		`{"type":"dog","price":50,"name":"ééééé"}`:         `[ECMA 262 regex "^[a-z]*$" does not match input string "ééééé", string "ééééé" is too long (length: 5, maximum allowed: 4)]`,
		`{"type":"dog","price":50,"tags":[]}`:              `[array is too short: must have at least 1 elements but instance has 0 elements]`,
		`{"type":"dog","price":50,"tags":["a","b","c"]}`:   `[array is too long: must have at most 2 elements but instance has 3 elements]`,
		`{"type":"dog","price":50,"tags":["a","a"]}`:       `[array must not contain duplicate elements]`,
		`{"type":"dog","price":50,"tags":["abcd"]}`:        `[string "abcd" is too long (length: 4, maximum allowed: 3)]`,
		`{"type":"dog","price":50,"size":7}`:               `[instance failed to match exactly one schema (matched 0 out of 2)]`,
		`{"type":"dog","price":50,"mail":"nobody"}`:        `[string "nobody" is not a valid email address]`,
		`{"type":"dog","price":50,"step":7}`:               `[remainder of division is not zero (7 / 5)]`,
		`[]`:                                               `[instance type (array) does not match any allowed primitive type (allowed: ["object"])]`,
		``:                                                 `[Unknown error parsing request body]`,
		`{"type":`:                                         `[Unknown error parsing request body]`,
		`{"type":"dog","price":1e999999999}`:               `[Unknown error parsing request body]`,
		`{"type":"dog","price":1e999}`:                     `[numeric instance is greater than the required maximum (maximum: 500.0, found: 1e999)]`,
		`{"type":"dog","price":50} x`:                      `[Unknown error parsing request body]`,
		`{"type":"dog","price":50,"name":"a\",\"b\":\"c"}`: `[ECMA 262 regex "^[a-z]*$" does not match input string "a","b":"c", string "a","b":"c" is too long (length: 9, maximum allowed: 4)]`,
	} {
		r := w.send("POST", "/pets", body, "Content-Type", "application/json")
		if want == "" {
			w.expect(r, 200, "ok")
			continue
		}
		var got struct{ Message, Detail string }
		if err := json.Unmarshal(r.Body, &got); err != nil {
			t.Errorf("%s: the response is not JSON: %v: %s", body, err, r.Body)
		}
		if r.Status != 422 || got.Message != "Invalid request body" || got.Detail != want {
			t.Errorf("%s: got %d %q\n got %s\nwant %s", body, r.Status, got.Message, got.Detail, want)
		}
	}
}

func TestTheModelIsChosenByContentType(t *testing.T) {
	w := petWorld(t)
	for contentType, status := range map[string]int{
		"":                                422, // taken for application/json
		"application/json":                422,
		"Application/JSON; charset=utf-8": 422,
		"text/plain":                      200, // no model: not validated
	} {
		r := w.send("POST", "/pets", `{"statusCode": 1}`, "Content-Type", contentType)
		if r.Status != status {
			t.Errorf("%q: got %d %s, want %d", contentType, r.Status, r.Body, status)
		}
	}
}

func TestRequiredParameters(t *testing.T) {
	w := petWorld(t)
	missing := func(names string) string {
		return `{"message":"Missing required request parameters: [` + names + `]"}`
	}
	w.expect(w.send("GET", "/find", ""), 400, missing("X-Tenant, a, q"))
	w.expect(w.send("GET", "/find?q=1&a=", "", "X-Tenant", "t"), 400, missing("a"))
	w.expect(w.send("GET", "/find?q=1&a=2", ""), 400, missing("X-Tenant"))
	w.expect(w.send("GET", "/find?q=1&a=2", "", "x-tenant", "t"), 200, "ok")
}

func TestPassthroughBehaviour(t *testing.T) {
	for _, c := range []struct {
		behaviour, contentType string
		templates              m
		status                 int
	}{
		{"NEVER", "application/json", m{"application/json": `{"from":"template"}`}, 200},
		{"NEVER", "application/json; charset=UTF-8", m{"application/json": `{"from":"template"}`}, 200},
		{"NEVER", "", m{"application/json": `{"from":"template"}`}, 200},
		{"NEVER", "text/plain", m{"application/json": `{}`}, 415},
		{"NEVER", "application/json", nil, 415},
		{"WHEN_NO_TEMPLATES", "text/plain", m{"application/json": `{}`}, 415},
		{"WHEN_NO_TEMPLATES", "text/plain", nil, 200},
		{"WHEN_NO_MATCH", "text/plain", m{"application/json": `{"from":"template"}`}, 200},
		{"", "text/plain", m{"application/json": `{"from":"template"}`}, 200},
		{"NEVER", "text/plain", m{"$default": `{"from":"template"}`}, 200},
	} {
		w := newWorld(t)
		in := dynamodb("")
		in["RequestTemplates"] = c.templates
		if c.behaviour != "" {
			in["PassthroughBehavior"] = c.behaviour
		}
		w.method("", "POST", in, nil)
		r := w.send("POST", "/", `{"from":"client"}`, "Content-Type", c.contentType)
		if r.Status != c.status {
			t.Errorf("%+v: got %d %s", c, r.Status, r.Body)
		}
		if c.status == 415 && (string(r.Body) != `{"message":"Unsupported Media Type"}` || len(w.calls) > 0) {
			t.Errorf("%+v: got %s, %d calls", c, r.Body, len(w.calls))
		}
		if c.status == 200 {
			_, matches := c.templates[strings.ToLower(strings.Split(c.contentType+";", ";")[0])]
			_, byDefault := c.templates["$default"]
			want := `{"from":"client"}`
			if matches || byDefault || c.contentType == "" {
				want = `{"from":"template"}`
			}
			if got := string(w.calls[0].Input); got != want {
				t.Errorf("%+v: the endpoint got %s, want %s", c, got, want)
			}
		}
	}
}

func TestRequestTooLarge(t *testing.T) {
	w := newWorld(t)
	w.method("", "POST", mock("ok"), nil)
	r := w.send("POST", "/", strings.Repeat(" ", 10<<20)+"x")
	if r.Status != 413 || r.Header.Get("X-Amzn-Errortype") != "RequestTooLargeException" {
		t.Errorf("got %d %s %v", r.Status, r.Body, r.Header)
	}
	if r = w.send("POST", "/", strings.Repeat(" ", 10<<20)); r.Status != 200 {
		t.Errorf("10 MB exactly: got %d %s", r.Status, r.Body)
	}
}
