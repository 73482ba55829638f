package asyncapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
)

var open = asyncapi.Unauthenticated("dev")

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name  string
		props asyncapi.Props
		want  string
	}{
		{"defaults", asyncapi.Props{Authorizer: open}, ""},
		{"no authorizer", asyncapi.Props{},
			"authorizer must be given: IAM, CognitoUserPool, LambdaAuthorizer, APIKey or Unauthenticated"},
		{"path", asyncapi.Props{Authorizer: open, Path: "Orders/x"},
			`path must be lower-case letters, digits and hyphens, got "Orders/x"`},
		{"stage", asyncapi.Props{Authorizer: open, Stage: "a.b"},
			`stage must be 1–128 letters, digits, hyphens and underscores, got "a.b"`},
		{"batch size", asyncapi.Props{Authorizer: open, BatchSize: 10_001, BatchWindow: time.Second},
			"batch size must be 1–10000, got 10001"},
		{"negative batch size", asyncapi.Props{Authorizer: open, BatchSize: -1}, "batch size must be 1–10000, got -1"},
		{"large batch without window", asyncapi.Props{Authorizer: open, BatchSize: 11},
			"batch window must be at least 1s for a batch size above 10, got 0s for 11"},
		{"large batch with window", asyncapi.Props{Authorizer: open, BatchSize: 100, BatchWindow: time.Second}, ""},
		{"large FIFO batch", asyncapi.Props{Authorizer: open, Queue: asyncapi.FIFO(asyncapi.GroupByTenant), BatchSize: 11},
			"batch size must be 1–10, got 11"},
		{"FIFO window", asyncapi.Props{Authorizer: open, Queue: asyncapi.FIFO(asyncapi.GroupByOrder), BatchWindow: time.Second},
			"batch window must be 0 for a FIFO queue, got 1s"},
		{"fractional window", asyncapi.Props{Authorizer: open, BatchWindow: 1500 * time.Millisecond},
			"batch window must be whole seconds, got 1.5s"},
		{"long window", asyncapi.Props{Authorizer: open, BatchWindow: 301 * time.Second},
			"batch window must be 0s–5m0s, got 5m1s"},
		{"max concurrency", asyncapi.Props{Authorizer: open, MaxConcurrency: 1}, "max concurrency must be 2–1000, got 1"},
		{"max receive count", asyncapi.Props{Authorizer: open, MaxReceiveCount: 1001}, "max receive count must be 1–1000, got 1001"},
		{"visibility", asyncapi.Props{Authorizer: open, VisibilityTimeout: 13 * time.Hour},
			"visibility timeout must be 0s–12h0m0s, got 13h0m0s"},
		{"retention", asyncapi.Props{Authorizer: open, Retention: 30 * time.Second},
			"retention must be 1m0s–336h0m0s, got 30s"},
		{"dead letters kept shorter", asyncapi.Props{Authorizer: open, DeadLetterRetention: time.Hour},
			"dead letter retention must not be shorter than retention (96h0m0s), since it counts from when the message was first sent, got 1h0m0s"},
		{"retry after", asyncapi.Props{Authorizer: open, RetryAfter: time.Millisecond},
			"retry after must be 1s–1h0m0s, got 1ms\nretry after must be whole seconds, got 1ms"},
		{"throttle", asyncapi.Props{Authorizer: open, Throttle: asyncapi.Throttle{Rate: -1, Burst: -2}},
			"throttle rate must be above 0, got -1\nthrottle burst must be above 0, got -2"},
		{"CORS", asyncapi.Props{Authorizer: open, CORS: &asyncapi.CORS{AllowOrigin: "https://x.example'"}},
			`CORS origin must be "*" or scheme://host[:port], got "https://x.example'"`},
		{"web ACL", asyncapi.Props{Authorizer: open, WebACL: &asyncapi.WebACL{RatePerIP: 9, Rules: []asyncapi.ManagedRules{"Mine"}}},
			"web ACL rate per IP must be 10–2000000000, got 9\n" +
				`web ACL rules must be one of [AWSManagedRulesKnownBadInputsRuleSet AWSManagedRulesCommonRuleSet AWSManagedRulesAmazonIpReputationList AWSManagedRulesAnonymousIpList], got "Mine"`},
		{"everything at once", asyncapi.Props{Path: "/", MaxReceiveCount: -1, MaxConcurrency: 1},
			`path must be lower-case letters, digits and hyphens, got "/"` + "\n" +
				"authorizer must be given: IAM, CognitoUserPool, LambdaAuthorizer, APIKey or Unauthenticated\n" +
				"max concurrency must be 2–1000, got 1\n" +
				"max receive count must be 1–1000, got -1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, text(c.props.Validate())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestValidateAuthorizer(t *testing.T) {
	for _, c := range []struct {
		name string
		a    asyncapi.Authorizer
		want string
	}{
		{"IAM", asyncapi.IAM(asyncapi.TenantAccount), ""},
		{"IAM by user agent", asyncapi.IAM("$context.identity.userAgent"),
			`IAM tenant must be TenantAccount, TenantPrincipal or TenantCognitoIdentity, got "$context.identity.userAgent"`},
		{"claim that breaks out", asyncapi.CognitoUserPool(nil, "sub'])#set("),
			"user pool must be given, got nil\n" +
				`tenant claim must be letters, digits, underscores, colons and hyphens, got "sub'])#set("`},
		{"scope", asyncapi.CognitoUserPool(nil, "", "a b"),
			"user pool must be given, got nil\n" + `scope must be an OAuth 2.0 scope, got "a b"`},
		{"context key", asyncapi.LambdaAuthorizer(nil, "a.b"),
			"authorizer function must be given, got nil\n" + `context key must be letters, digits and underscores, got "a.b"`},
		{"API key", asyncapi.APIKey(asyncapi.Plan{}), ""},
		{"negative quota", asyncapi.APIKey(asyncapi.Plan{PerDay: -1}),
			"plan's limits must not be negative, got {Throttle:{Rate:0 Burst:0} PerDay:-1}"},
		{"half a throttle", asyncapi.APIKey(asyncapi.Plan{Throttle: asyncapi.Throttle{Rate: 1}}),
			"plan's throttle needs both a rate and a burst, got {Rate:1 Burst:0}"},
		{"tenant that breaks out", asyncapi.Unauthenticated(`a"b`),
			`tenant must be 1–47 letters, digits, dots, at signs, colons, underscores and hyphens, got "a\"b"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, text(asyncapi.Props{Authorizer: c.a}.Validate())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestValidateModel(t *testing.T) {
	for _, c := range []struct {
		name   string
		schema string
		want   string
	}{
		{"draft 4", `{"$schema":"http://json-schema.org/draft-04/schema#","type":"object","properties":{"a":{"minimum":0,"exclusiveMinimum":true}}}`, ""},
		{"a property may be named as a keyword", `{"properties":{"const":{"type":"string"},"if":{}}}`, ""},
		{"not JSON", `{`, "model must be a JSON Schema: unexpected EOF"},
		{"empty", ``, "model must be a JSON Schema: EOF"},
		{"no object", `[]`, "model must be a JSON Schema: json: cannot unmarshal array into Go value of type map[string]interface {}"},
		{"more behind", `{} {}`, "model must be one JSON Schema, got more text behind it"},
		{"other draft", `{"$schema":"https://json-schema.org/draft/2020-12/schema"}`,
			"model.$schema must be draft 4's, got https://json-schema.org/draft/2020-12/schema"},
		{"later keywords, wherever", `{"properties":{"a":{"const":1}},"items":[{"if":{}}],"anyOf":[{"exclusiveMinimum":0}]}`,
			"model.anyOf[0].exclusiveMinimum must be true or false, as in draft 4, got 0\n" +
				`model.items[0].if: API Gateway knows JSON Schema draft 4 only and would ignore "if"` + "\n" +
				`model.properties.a.const: API Gateway knows JSON Schema draft 4 only and would ignore "const"`},
		{"null", `{"properties":{"a":{"enum":["x",null]}}}`,
			`model.properties.a.enum[1]: null would be lost on the way to CloudFormation; allow it with {"type":"null"} instead`},
		{"too long", `{"title":"` + strings.Repeat("x", 400*1024) + `"}`, "model must be at most 409600 bytes, got 409612"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := asyncapi.Props{Authorizer: open, Model: asyncapi.JSONSchema(c.schema)}
			if diff := cmp.Diff(c.want, text(p.Validate())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
