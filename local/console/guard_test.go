package console_test

import (
	"net/http"
	"strings"
	"testing"
)

// Only the page itself may change something, and only under names that cannot be somebody else's.
func TestOthersAreKeptOut(t *testing.T) {
	a := start(t)
	own := map[string]string{"X-Console": "1"}
	with := func(k, v string) map[string]string { return map[string]string{"X-Console": "1", k: v} }
	for name, c := range map[string]struct {
		header map[string]string
		status int
	}{
		"the page":                  {with("Sec-Fetch-Site", "same-origin"), http.StatusOK},
		"curl":                      {own, http.StatusOK},
		"the page, by its origin":   {with("Origin", strings.TrimSuffix(a.url, "/console")), http.StatusOK},
		"another site":              {with("Sec-Fetch-Site", "cross-site"), http.StatusForbidden},
		"another port of localhost": {with("Sec-Fetch-Site", "same-site"), http.StatusForbidden},
		"another origin":            {with("Origin", "https://evil.example"), http.StatusForbidden},
		"no origin at all":          {with("Origin", "null"), http.StatusForbidden},
		"a form":                    {map[string]string{"Content-Type": "text/plain"}, http.StatusForbidden},
		"a rebound name":            {with("Host", "evil.example"), http.StatusMisdirectedRequest},
		"a name that begins so":     {with("Host", "localhost.evil.example"), http.StatusMisdirectedRequest},
		"localhost":                 {with("Host", "localhost:8080"), http.StatusOK},
		"an address":                {with("Host", "[::1]:8080"), http.StatusOK},
	} {
		res := a.try("time", `{"do":"resume"}`, c.header)
		res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, c.status)
		}
	}
	req, err := http.NewRequest(http.MethodGet, a.url+"/api/orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("a rebound name reads: %d", res.StatusCode)
	}
	if res, err = http.Get(a.url + "/orders/x"); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	csp := res.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the page's policy %q lacks %s", csp, want)
		}
	}
	if strings.Contains(csp, "unsafe") {
		t.Errorf("the page's policy is %q", csp)
	}
}
