package apigateway_test

import (
	"testing"
)

func TestVariablesInTemplates(t *testing.T) {
	for template, want := range map[string]string{
		"$context.accountId $context.apiId $context.stage $context.protocol":          "123456789012 Api dev HTTP/1.1",
		"$context.domainName $context.domainPrefix":                                   "api.execute-api.us-east-1.amazonaws.com api",
		"$context.httpMethod $context.path $context.resourcePath $context.resourceId": "POST /dev/7 /{id} R3",
		"$context.requestTime $context.requestTimeEpoch":                              "02/Jan/2026:03:04:05 +0000 1767323045678",
		"#set($age = $context.requestTimeEpoch + 1)$age":                              "1767323045679",
		"$context.identity.sourceIp $context.identity.userAgent":                      "203.0.113.7 ua",
		"$context.identity.get('sourceIp') $context.get('stage')":                     "203.0.113.7 dev",
		"#foreach($k in $context.identity.keySet())$k #end":                           "cognitoIdentityPoolId accountId cognitoIdentityId caller sourceIp principalOrgId accessKey cognitoAuthenticationType cognitoAuthenticationProvider userArn userAgent user ",
		"[$context.identity]": "[]",
		"[$!context.nothing][$!context.identity.user][$!context.authorizer.claims.sub]":                                     "[][][]",
		"#if($context.authorizer.claims.sub)yes#{else}no#end":                                                               "no",
		"#foreach($k in $context.authorizer.keySet())$k#end.":                                                               ".",
		"$stageVariables.a $stageVariables.get('b') #foreach($k in $stageVariables.keySet())$k#end [$!stageVariables.none]": "1 2 ab []",
		"$input.params('id') $input.params('q') $input.params('X-H') [$input.params('none')]":                               "7 two h2 []",
		"$input.params().path.id $input.params().querystring.q $input.params().header.get('X-H')":                           "7 two h2",
		"#foreach($k in $input.params().keySet())$k #end":                                                                   "path querystring header ",
		"$input.body":      `{"a":{"b":[1,2.50,"x"]},"n":null,"t":"<é>/"}`,
		"$input.json('$')": `{"a":{"b":[1,2.5,"x"]},"n":null,"t":"<é>/"}`,
		"$input.json('$.a.b') $input.json('$.t')":                                     `[1,2.5,"x"] "<é>/"`,
		"$input.json('$.none') $input.json('$.n')":                                    `"" null`,
		"$input.path('$.a') $input.path('$.a.b[2]')":                                  `{b=[1, 2.5, x]} x`,
		"$input.path('$.a.b').size() [$!input.path('$.none')]":                        "3 []",
		"#set($root = $input.path('$'))$root.a.b[0] #foreach($e in $root.a.b)$e,#end": "1 1,2.5,x,",
		"$util.base64Encode($input.params('id')) $util.parseJson('{\"x\":[7]}').x[0]": "Nw== 7",
		"$util.escapeJavaScript($input.json('$.t')).replaceAll(\"\\\\'\", \"'\")":     `\"<\u00E9>\/\"`,
	} {
		w := newWorld(t)
		w.add("Stage", "Stage", m{"RestApiId": "Api", "DeploymentId": "Deployment", "StageName": "dev", "Variables": m{"b": "2", "a": "1"}})
		// In its JSON protocol SQS gets the template's text as it is.
		in := queue(template)
		in["RequestParameters"] = m{"integration.request.header.Content-Type": "'application/x-amz-json-1.0'", "integration.request.header.X-Amz-Target": "'AmazonSQS.SendMessage'"}
		w.method(w.resource("", "{id}"), "POST", in, okOrError)
		w.replies(`{}`, nil)
		r := w.send("POST", "/7?q=one&q=two", `{"a":{"b":[1,2.50,"x"]},"n":null,"t":"<é>/"}`, "X-H", "h1", "x-h", "h2", "User-Agent", "ua")
		if len(w.calls) != 1 {
			t.Errorf("%s: got %d %s, %q", template, r.Status, r.Body, w.logs)
			continue
		}
		if got := string(w.calls[0].Input); got != want {
			t.Errorf("%s:\n got %q\nwant %q", template, got, want)
		}
	}
}
