package test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

func methodsKnowTheirCallers(t reporter, template template) {
	for _, m := range template.resources("AWS::ApiGateway::Method") {
		if m.Properties["HttpMethod"] == "OPTIONS" {
			continue // Browsers send no credentials with these.
		}
		kind := m.Properties["AuthorizationType"]
		if (kind == "NONE" || kind == nil) && m.Properties["ApiKeyRequired"] != true {
			t.Errorf("%s can be called by anybody", m.ID)
		}
	}
}

// selected is the integration response that API Gateway chooses for a status of
// the service behind it: the first whose pattern matches all of it, or else
// the one without a pattern (API Gateway, "Integration response": for an AWS
// integration the pattern is matched against the status).
func selected(t reporter, method resource, status int) (map[string]any, bool) {
	t.Helper()
	var fallback map[string]any
	for _, r := range list(at(method.Properties, "Integration", "IntegrationResponses")) {
		response := r.(map[string]any)
		pattern, _ := response["SelectionPattern"].(string)
		if pattern == "" {
			fallback = response
			continue
		}
		re, err := regexp.Compile("^(?:" + pattern + ")$")
		if err != nil {
			t.Errorf("%s: %v", method.ID, err)
			continue
		}
		if re.MatchString(strconv.Itoa(status)) {
			return response, true
		}
	}
	return fallback, fallback != nil
}

func noErrorLooksLikeSuccess(t reporter, template template) {
	for _, m := range template.resources("AWS::ApiGateway::Method") {
		if at(m.Properties, "Integration", "Type") != "AWS" || invokesAFunction(m) {
			continue // Functions: below.
		}
		declared := map[any]bool{}
		for _, r := range list(m.Properties["MethodResponses"]) {
			declared[at(r, "StatusCode")] = true
		}
		for status := 200; status < 600; status++ {
			response, ok := selected(t, m, status)
			if !ok {
				t.Errorf("%s: %d from behind has no answer", m.ID, status)
				continue
			}
			code, _ := strconv.Atoi(fmt.Sprint(response["StatusCode"]))
			if status >= 300 && code < 400 {
				t.Errorf("%s: %d from behind becomes %d", m.ID, status, code)
			}
			if !declared[response["StatusCode"]] {
				t.Errorf("%s: answers %v, which it does not declare", m.ID, response["StatusCode"])
			}
		}
		if at(m.Properties, "Integration", "PassthroughBehavior") != "NEVER" {
			t.Errorf("%s lets bodies of other content types through", m.ID)
		}
	}
}

func invokesAFunction(method resource) bool {
	return strings.Contains(fmt.Sprint(at(method.Properties, "Integration", "Uri")), ":lambda:path/")
}

// noFailedFunctionLooksLikeSuccess: in front of a function, the pattern is
// matched against the error's message, and a function without an error gets the
// response that has no pattern.
func noFailedFunctionLooksLikeSuccess(t reporter, template template) {
	for _, m := range template.resources("AWS::ApiGateway::Method") {
		if !invokesAFunction(m) {
			continue
		}
		succeeded := 0
		for _, r := range list(at(m.Properties, "Integration", "IntegrationResponses")) {
			pattern, _ := at(r, "SelectionPattern").(string)
			switch {
			case pattern == "":
				succeeded++
			case at(r, "StatusCode") != "500" || !regexp.MustCompile("^(?:"+pattern+")$").MatchString("any\nmessage"):
				t.Errorf("%s: not every error matches %q, or it becomes %v", m.ID, pattern, at(r, "StatusCode"))
			}
		}
		if n := len(list(at(m.Properties, "Integration", "IntegrationResponses"))); n != 2 || succeeded != 1 {
			t.Errorf("%s: %d responses, %d without a pattern; want 2 and 1", m.ID, n, succeeded)
		}
		if at(m.Properties, "Integration", "PassthroughBehavior") != "NEVER" {
			t.Errorf("%s lets bodies of other content types through", m.ID)
		}
		if role, ok := template.target(at(m.Properties, "Integration", "Credentials")); !ok || role.Type != "AWS::IAM::Role" {
			t.Errorf("%s has no role to invoke its function with", m.ID)
		}
	}
}

func gatewayAnswersWithProblems(t reporter, template template) {
	if len(template.resources("AWS::ApiGateway::RestApi")) == 0 {
		return
	}
	found := map[any]bool{}
	for _, r := range template.resources("AWS::ApiGateway::GatewayResponse") {
		if code, given := r.Properties["StatusCode"].(string); given && code < "400" {
			t.Errorf("%s: %v becomes %s", r.ID, r.Properties["ResponseType"], code)
		}
		found[r.Properties["ResponseType"]] = true
		if got := at(r.Properties, "ResponseParameters", "gatewayresponse.header.Content-Type"); got != "'application/problem+json'" {
			t.Errorf("%s: %v has the content type %v", r.ID, r.Properties["ResponseType"], got)
		}
	}
	for _, want := range []string{
		"BAD_REQUEST_BODY", "UNAUTHORIZED", "ACCESS_DENIED", "REQUEST_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE",
		"THROTTLED", "DEFAULT_4XX", "DEFAULT_5XX",
	} {
		if !found[want] {
			t.Errorf("%s is answered with what API Gateway makes up", want)
		}
	}
}
