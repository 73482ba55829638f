package local_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

func TestWorldOutsideOfAProcess(t *testing.T) {
	var mu sync.Mutex
	var told []local.Event
	hosts := local.Hosts{"payments.example.com": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Header.Get("Proxy-Authorization") != "" || r.Header.Get("Connection") != "" {
			t.Errorf("header %v", r.Header)
		}
		if err := local.Sleep(r.Context(), 10*time.Millisecond); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, "%s %s%s?%s %s", r.Method, r.Host, r.URL.Path, r.URL.RawQuery, b)
	})}
	s := newProcessStack(t, func(o *local.Options) {
		o.Egress = hosts
		o.OnEvent = func(e local.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Kind == local.EventHTTP {
				told = append(told, e)
			}
		}
	})
	for url, want := range map[string]string{
		"https://payments.example.com/a%2Fb/charges?x=1": `"201 POST payments.example.com/a/b/charges?x=1 body"`,
		"https://payments.example.com:8443/":             `"201 POST payments.example.com:8443/? body"`,
		"http://payments.example.com/plain":              `"201 POST payments.example.com/plain? body"`,
		"https://nobody.example.com/":                    `"Post \"https://nobody.example.com/\": EOF"`,
		"https://sqs.eu-central-1.amazonaws.com/nothing": `"404 the template has no AWS::ApiGateway::RestApi\n"`,
	} {
		s.expect("F", fmt.Sprintf(`{"do":"fetch","url":%q}`, url), want)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 4 {
		t.Errorf("events: %+v", told)
	}
	for _, e := range told {
		if e.From != "F" || e.Detail != "body" || (e.Err == "") != strings.HasPrefix(e.To, "payments.") {
			t.Errorf("event %+v", e)
		}
	}
	if !strings.Contains(s.logs.String(), "lookup nobody.example.com: no such host") {
		t.Error("the log does not say why a host is not reached")
	}
}

func TestNoWorldOutside(t *testing.T) {
	s := newProcessStack(t, nil)
	s.expect("F", `{"do":"fetch","url":"https://example.com/"}`,
		`"Post \"https://example.com/\": local: the stack may not reach example.com: no Egress was configured"`)
}

func TestProxyIsForFunctionsOnly(t *testing.T) {
	s := newProcessStack(t, nil)
	var list []string
	if err := json.Unmarshal([]byte(s.invoke("F", `{"do":"environment"}`)), &list); err != nil {
		t.Fatal(err)
	}
	for _, kv := range list {
		if proxy, ok := strings.CutPrefix(kv, "HTTPS_PROXY=http://"); ok {
			res, err := http.Get("http://" + proxy[strings.Index(proxy, "@")+1:])
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusProxyAuthRequired {
				t.Error(res.Status)
			}
			return
		}
	}
	t.Error("there is no proxy")
}
