package statusnotifier_test

func webhook(id string) map[string]map[string]string {
	return map[string]map[string]string{"path": {"webhookId": id}}
}

func overridden(status float64, headers ...string) map[string]any {
	header := map[string]any{}
	for i := 0; i+1 < len(headers); i += 2 {
		header[headers[i]] = headers[i+1]
	}
	return map[string]any{"status": status, "header": header}
}

const (
	problemContent = "application/problem+json"
	noWebhooks     = problem + `"status":403,"title":"Forbidden","code":"no-tenant","detail":"The credentials name no tenant that webhooks could belong to."}`
	failedWebhooks = problem + `"status":500,"title":"Internal Server Error","code":"internal","detail":"The request was not answered properly."}`
	busyWebhooks   = problem + `"status":503,"title":"Service Unavailable","code":"throttled","detail":"Too much is asked at the same time. Try again."}`
	theirProblem   = `{"type":"about:blank","title":"Not Found","status":404,"code":"unknown-webhook","detail":"There is no such webhook."}`
)

// webhookScenarios are the routes below /webhooks. The upstream "answered" is
// an answer of the function; another one is its error message.
var webhookScenarios = []scenario{
	{name: "a webhook is created", operation: "CreateWebhook", tenant: `a"'c`, payload: `{"url":"https://a.example/\"}","statuses":["PAID"]}`,
		want: `{"tenant":"a\"'c","operation":"Create","body":{"url":"https://a.example/\"}","statuses":["PAID"]}}`},
	{name: "without a tenant nothing is asked for", operation: "CreateWebhook", payload: `{"url":"https://a.example"}`, want: `{}`},
	{name: "webhooks are listed", operation: "ListWebhooks", tenant: "acme", payload: `{}`, want: `{"tenant":"acme","operation":"List"}`},
	{name: "a webhook is asked for", operation: "GetWebhook", tenant: "acme", params: webhook("we_1-A"), payload: `{}`,
		want: `{"tenant":"acme","operation":"Get","id":"we_1-A"}`},
	{name: "a webhook is deleted", operation: "DeleteWebhook", tenant: "acme", params: webhook("we_1"), payload: `{}`,
		want: `{"tenant":"acme","operation":"Delete","id":"we_1"}`},
	{name: "an id cannot break out of the text", operation: "RotateWebhook", tenant: "acme", params: webhook(`x","tenant":"other`), payload: `{}`,
		want: `{"tenant":"acme","operation":"Rotate","id":"-"}`},
	{name: "a webhook is enabled", operation: "EnableWebhook", tenant: "acme", params: webhook("we_1"), payload: `{}`,
		want: `{"tenant":"acme","operation":"Enable","id":"we_1"}`},
	{name: "a webhook is tried", operation: "TestWebhook", tenant: "acme", params: webhook("we_1"), payload: `{}`,
		want: `{"tenant":"acme","operation":"Test","id":"we_1"}`},

	{name: "created", operation: "CreateWebhook", upstream: "answered", tenant: "acme", payload: `{"status":201,"body":{"id":"we_1","secret":"whsec_x"}}`,
		want: `{"id":"we_1","secret":"whsec_x"}`, override: overridden(201, "Location", "/live/webhooks/we_1")},
	{name: "listed", operation: "ListWebhooks", upstream: "answered", tenant: "acme", payload: `{"status":200,"body":{"webhooks":[]}}`,
		want: `{"webhooks":[]}`, override: overridden(200)},
	{name: "deleted", operation: "DeleteWebhook", upstream: "answered", tenant: "acme", params: webhook("we_1"), payload: `{"status":204}`,
		want: ``, override: overridden(204)},
	{name: "unknown", operation: "GetWebhook", upstream: "answered", tenant: "acme", params: webhook("we_1"), payload: `{"status":404,"body":` + theirProblem + `}`,
		want: theirProblem, override: overridden(404, "Content-Type", problemContent)},
	{name: "busy", operation: "CreateWebhook", upstream: "answered", tenant: "acme", payload: `{"status":503,"body":{"status":503}}`,
		want: `{"status":503}`, override: overridden(503, "Content-Type", problemContent, "Retry-After", "1")},
	{name: "without a tenant, whatever is answered", operation: "ListWebhooks", upstream: "answered", payload: `{"status":200,"body":{"webhooks":[]}}`,
		want: noWebhooks, override: overridden(403, "Content-Type", problemContent)},
	{name: "no answer as agreed", operation: "ListWebhooks", upstream: "answered", tenant: "acme", payload: `{"webhooks":[]}`,
		want: failedWebhooks, override: overridden(500, "Content-Type", problemContent)},
	{name: "a status that is none", operation: "ListWebhooks", upstream: "answered", tenant: "acme", payload: `{"status":"200 OK"}`,
		want: failedWebhooks, override: overridden(500, "Content-Type", problemContent)},
	{name: "the function is not invoked", operation: "ListWebhooks", upstream: "answered", tenant: "acme",
		payload: `{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`,
		want:    busyWebhooks, override: overridden(503, "Content-Type", problemContent, "Retry-After", "1")},
	{name: "the function fails", operation: "ListWebhooks", upstream: "dynamo:\nno", tenant: "acme", payload: `{"errorMessage":"dynamo: no","errorType":"Failure"}`,
		want: failedWebhooks, override: overridden(500)},
	{name: "the function is throttled by the table", operation: "ListWebhooks", upstream: "ThrottlingException: slow", tenant: "acme",
		payload: `{"errorMessage":"ThrottlingException: slow","errorType":"Failure"}`,
		want:    busyWebhooks, override: overridden(503, "Retry-After", "1")},
	{name: "the function fails without a tenant", operation: "ListWebhooks", upstream: "no", payload: `{"errorMessage":"no"}`,
		want: noWebhooks, override: overridden(403)},
}
