package test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
)

func TestEveryMethodKnowsItsCaller(t *testing.T) {
	each(t, func(t *testing.T, template template) {
		methods := template.resources("AWS::ApiGateway::Method")
		if len(methods) < 4 {
			t.Errorf("%d methods, want POST, two GET and DELETE", len(methods))
		}
		for _, m := range methods {
			if m.Properties["HttpMethod"] == "OPTIONS" {
				continue // Browsers send no credentials with these.
			}
			if kind := m.Properties["AuthorizationType"]; kind == "NONE" || kind == nil {
				t.Errorf("%s can be called by anybody", m.ID)
			}
		}
	})
}

// selected is the integration response that API Gateway chooses for a status of
// the service behind it: the first whose pattern matches all of it, or else
// the one without a pattern (API Gateway, "Integration response": for an AWS
// integration the pattern is matched against the status).
func selected(t *testing.T, method resource, status int) (map[string]any, bool) {
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
			t.Fatalf("%s: %v", method.ID, err)
		}
		if re.MatchString(strconv.Itoa(status)) {
			return response, true
		}
	}
	return fallback, fallback != nil
}

func TestNoErrorBehindTheGatewayLooksLikeSuccess(t *testing.T) {
	each(t, func(t *testing.T, template template) {
		for _, m := range template.resources("AWS::ApiGateway::Method") {
			if at(m.Properties, "Integration", "Type") != "AWS" {
				continue
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
	})
}

func TestTheGatewayItselfAnswersWithProblems(t *testing.T) {
	each(t, func(t *testing.T, template template) {
		found := map[any]bool{}
		for _, r := range template.resources("AWS::ApiGateway::GatewayResponse") {
			found[r.Properties["ResponseType"]] = true
			if got := at(r.Properties, "ResponseParameters", "gatewayresponse.header.Content-Type"); got != "'application/problem+json'" {
				t.Errorf("%v has the content type %v", r.Properties["ResponseType"], got)
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
	})
}
