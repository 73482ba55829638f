package apigateway_test

import (
	"strings"
	"testing"
)

func TestRoutes(t *testing.T) {
	w := newWorld(t)
	echo := func(name string) m {
		return mock(name + ` $context.resourcePath $context.path id=$!input.params('id') rest=$!input.params('proxy')`)
	}
	w.method("", "GET", echo("root"), nil)
	orders := w.resource("", "orders")
	w.method(orders, "GET", echo("list"), nil)
	w.method(w.resource(orders, "special"), "GET", echo("special"), nil)
	id := w.resource(orders, "{id}")
	w.method(id, "GET", echo("one"), nil)
	w.method(w.resource(id, "status"), "ANY", echo("status"), nil)
	w.method(w.resource("", "{proxy+}"), "POST", echo("proxy"), nil)

	noRoute := `{"message":"Missing Authentication Token"}`
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/", "root / /dev/ id= rest="},
		{"GET", "/dev", "root / /dev/ id= rest="},
		{"GET", "/dev/", "root / /dev/ id= rest="},
		{"GET", "/orders", "list /orders /dev/orders id= rest="},
		{"GET", "/dev/orders", "list /orders /dev/orders id= rest="},
		{"GET", "/orders/", "list /orders /dev/orders/ id= rest="},
		{"GET", "/orders/special", "special /orders/special /dev/orders/special id= rest="},
		{"GET", "/orders/7", "one /orders/{id} /dev/orders/7 id=7 rest="},
		{"GET", "/dev/orders/a%2Fb", "one /orders/{id} /dev/orders/a%2Fb id=a%2Fb rest="},
		{"PATCH", "/orders/7/status", "status /orders/{id}/status /dev/orders/7/status id=7 rest="},
		{"HEAD", "/orders/7/status", ""},
		{"POST", "/orders/special", "proxy /{proxy+} /dev/orders/special id= rest=orders/special"},
		{"POST", "/a/b//c", "proxy /{proxy+} /dev/a/b//c id= rest=a/b//c"},
		{"POST", "/", noRoute},
		{"GET", "/nothing", noRoute},
		{"DELETE", "/orders", noRoute},
		{"HEAD", "/orders", ""},
	} {
		got := w.send(c.method, c.path, "")
		if string(got.Body) != c.want {
			t.Errorf("%s %s: got %s\nwant %s", c.method, c.path, got.Body, c.want)
		}
		if c.want == noRoute && (got.Status != 403 || got.Header.Get("X-Amzn-Errortype") != "MissingAuthenticationTokenException") {
			t.Errorf("%s %s: got %d %v", c.method, c.path, got.Status, got.Header)
		}
	}
	if got := w.send("HEAD", "/orders", ""); got.Status != 403 {
		t.Errorf("a HEAD that no method declares: got %d, want 403", got.Status)
	}
}

func TestAStageServesItsOwnVariables(t *testing.T) {
	w := newWorld(t)
	for _, s := range []string{"a", "b"} {
		w.add("Stage"+s, "Stage", m{"RestApiId": "Api", "DeploymentId": "Deployment", "StageName": s, "Variables": m{"name": "stage " + s}})
	}
	w.method(w.resource("", "x"), "GET", mock("$context.stage: $stageVariables.name"), nil)
	w.expect(w.send("GET", "/a/x", ""), 200, "a: stage a")
	w.expect(w.send("GET", "/b/x", ""), 200, "b: stage b")
	w.expect(w.send("GET", "/x", ""), 200, "a: stage a")
}

func TestTheSameSeedMakesTheSameIDs(t *testing.T) {
	var ids []string
	for range 2 {
		w := newWorld(t)
		w.method("", "GET", mock("$context.requestId $context.extendedRequestId"), nil)
		w.send("GET", "/nothing")
		ids = append(ids, string(w.send("GET", "/").Body))
	}
	if ids[0] != ids[1] {
		t.Errorf("got %q", ids)
	}
}

func TestHeadersOfEveryResponse(t *testing.T) {
	w := newWorld(t)
	w.method("", "GET", mock("ok"), nil)
	w.method(w.resource("", "item"), "GET", dynamodb("{}"), nil)

	r := w.send("GET", "/", "")
	if r.Header.Get("X-Amzn-Requestid") == "" || !strings.HasSuffix(r.Header.Get("X-Amz-Apigw-Id"), "=") || r.Header.Get("X-Amzn-Trace-Id") != "" {
		t.Errorf("MOCK: got %v", r.Header)
	}
	if r = w.send("GET", "/item", ""); !strings.HasPrefix(r.Header.Get("X-Amzn-Trace-Id"), "Root=1-") {
		t.Errorf("AWS: got %v", r.Header)
	}
	if r = w.send("GET", "/item", "", "X-Amzn-RequestId", "mine-1"); r.Header.Get("X-Amzn-Requestid") != "mine-1" || r.Header.Get("X-Amz-Apigw-Id") == "mine-1" {
		t.Errorf("a client may choose the request id and nothing else: got %v", r.Header)
	}
	if r = w.send("GET", "/item", "", "X-Amzn-RequestId", "no good\tid"); r.Header.Get("X-Amzn-Requestid") == "no good\tid" {
		t.Errorf("got %v", r.Header)
	}
	seen := map[string]bool{}
	for range 2000 {
		r := w.send("GET", "/", "")
		for _, id := range []string{r.Header.Get("X-Amzn-Requestid"), r.Header.Get("X-Amz-Apigw-Id")} {
			if seen[id] {
				t.Fatalf("the id %s came twice", id)
			}
			seen[id] = true
		}
	}
}
