package test

import (
	"strings"
)

// nothingIsPublic: besides the API's methods, what could be invoked from outside.
func nothingIsPublic(t reporter, template template) {
	for _, r := range template.resources() {
		switch r.Type {
		case "AWS::Lambda::Url":
			if r.Properties["AuthType"] != "AWS_IAM" {
				t.Errorf("%s can be called by anybody", r.ID)
			}
		case "AWS::Lambda::Permission":
			service, _ := r.Properties["Principal"].(string)
			if !strings.HasSuffix(service, ".amazonaws.com") {
				t.Errorf("%s lets %v invoke a function, which is no service", r.ID, r.Properties["Principal"])
			}
			// Without either, the service does so for whoever asks it to.
			if r.Properties["SourceArn"] == nil && r.Properties["SourceAccount"] == nil {
				t.Errorf("%s lets %s invoke a function on behalf of anybody", r.ID, service)
			}
		case "AWS::AppSync::GraphQLApi":
			modes := []any{r.Properties["AuthenticationType"]}
			for _, a := range list(r.Properties["AdditionalAuthenticationProviders"]) {
				modes = append(modes, at(a, "AuthenticationType"))
			}
			for _, mode := range modes {
				if mode == "API_KEY" || mode == nil {
					t.Errorf("%s admits whoever has its key", r.ID)
				}
			}
		case "AWS::AppSync::ApiKey":
			t.Errorf("%s is a key that says nothing of who has it", r.ID)
		}
	}
}

// addressesAreHTTPS: nothing is called without TLS.
func addressesAreHTTPS(t reporter, template template) {
	for _, r := range template.resources() {
		if r.Type == "AWS::SNS::Subscription" && r.Properties["Protocol"] == "http" {
			t.Errorf("%s delivers without TLS", r.ID)
		}
		texts(r.Properties, func(name, text string) {
			// The dialect of a JSON Schema is a name that looks like an address.
			if name != "$schema" && strings.Contains(text, "http://") {
				t.Errorf("%s has in %s an address without TLS", r.ID, name)
			}
		})
	}
}

// texts visits all texts below v with the name of the member that has them.
func texts(v any, visit func(name, text string)) {
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case string:
			visit(name, v)
		case []any:
			for _, item := range v {
				walk(name, item)
			}
		case map[string]any:
			for _, key := range sortedKeys(v) {
				walk(key, v[key])
			}
		}
	}
	walk("", v)
}

// everythingIsTraced: one trace has an order's way from the gateway to the last function.
func everythingIsTraced(t reporter, template template) {
	for _, r := range template.resources() {
		traced := true
		switch r.Type {
		case "AWS::Lambda::Function":
			traced = at(r.Properties, "TracingConfig", "Mode") == "Active"
		case "AWS::StepFunctions::StateMachine":
			traced = at(r.Properties, "TracingConfiguration", "Enabled") == true
		case "AWS::ApiGateway::Stage":
			traced = r.Properties["TracingEnabled"] == true
		case "AWS::AppSync::GraphQLApi":
			traced = r.Properties["XrayEnabled"] == true
		}
		if !traced {
			t.Errorf("%s is not traced", r.ID)
		}
	}
}

// requestsAreLogged: each stage has an access log and logs its errors without bodies, each GraphQL API and state machine
// its errors at least.
func requestsAreLogged(t reporter, template template) {
	for _, r := range template.resources() {
		switch r.Type {
		case "AWS::ApiGateway::Stage":
			if at(r.Properties, "AccessLogSetting", "DestinationArn") == nil {
				t.Errorf("%s has no access log", r.ID)
			}
			for _, s := range list(r.Properties["MethodSettings"]) {
				if at(s, "LoggingLevel") != "ERROR" || at(s, "DataTraceEnabled") != false {
					t.Errorf("%s logs %v, with contents: %v", r.ID, at(s, "LoggingLevel"), at(s, "DataTraceEnabled"))
				}
			}
		case "AWS::AppSync::GraphQLApi":
			if level := at(r.Properties, "LogConfig", "FieldLogLevel"); level == nil || level == "NONE" || at(r.Properties, "LogConfig", "ExcludeVerboseContent") != true {
				t.Errorf("%s logs %v, or contents too", r.ID, level)
			}
		case "AWS::StepFunctions::StateMachine":
			if level := at(r.Properties, "LoggingConfiguration", "Level"); level == nil || level == "OFF" {
				t.Errorf("%s logs nothing", r.ID)
			}
		}
	}
}

// nothingBehind is whether a resolver asks nobody.
func (t template) nothingBehind(resolver resource) bool {
	for _, source := range t.resources("AWS::AppSync::DataSource") {
		if source.Properties["Name"] == resolver.Properties["DataSourceName"] {
			return source.Properties["Type"] == "NONE"
		}
	}
	return false
}

// noResolverHidesErrors: a resolver that has somebody behind it looks at the error before the result. Without a look, AppSync
// answers with a result of nothing.
func noResolverHidesErrors(t reporter, template template) {
	for _, r := range template.resources("AWS::AppSync::Resolver", "AWS::AppSync::FunctionConfiguration") {
		code, _ := r.Properties["Code"].(string)
		if code == "" {
			t.Errorf("%s has no code, whose answers to errors could be seen", r.ID)
			continue
		}
		if template.nothingBehind(r) {
			continue
		}
		_, response, found := strings.Cut(code, "export function response(")
		first, _, _ := strings.Cut(response, "ctx.result")
		if !found || !strings.Contains(first, "ctx.error") || !strings.Contains(first, "util.error(") {
			t.Errorf("%s does not answer an error with one", r.ID)
		}
	}
}
