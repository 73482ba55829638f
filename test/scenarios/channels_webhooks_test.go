package scenarios_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/webhook"
)

// The contract of /webhooks, as docs/architecture.md states it.
func TestWebhooksOverHTTP(t *testing.T) {
	w := around(t, local.Options{Seed: 1})
	acme, globex := as(t, w.Stack, "acme"), as(t, w.Stack, "globex")
	const body = `{"url":"https://hooks.acme.example/in","description":"Zoë's \"shop\"","statuses":["COMPLETED","FAILED"]}`

	if list := acme.do("GET", "/webhooks", "").want(http.StatusOK); strings.TrimSpace(list.Body.String()) != `{"webhooks":[]}` {
		t.Errorf("no webhooks: %s", list.Body)
	}
	made := acme.do("POST", "/webhooks", body).want(http.StatusCreated)
	secret, id := made.text("secret"), made.text("id")
	if !strings.HasPrefix(secret, "whsec_") || !strings.HasPrefix(id, "we_") || made.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%v %s", made.Header(), made.Body)
	}
	want := made.fields()
	delete(want, "secret")
	if diff := cmp.Diff(map[string]any{
		"id": id, "url": "https://hooks.acme.example/in", "description": `Zoë's "shop"`, "statuses": []any{"COMPLETED", "FAILED"},
		"enabled": true, "createdAt": want["createdAt"],
	}, want); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, path := range []string{"/webhooks", "/webhooks/" + id} {
		got := acme.do("GET", path, "").want(http.StatusOK)
		if strings.Contains(got.Body.String(), secret) || strings.Contains(got.Body.String(), "secret") {
			t.Errorf("%s tells the secret: %s", path, got.Body)
		}
		fields := got.fields()
		if list, ok := fields["webhooks"].([]any); ok && len(list) == 1 {
			fields = list[0].(map[string]any)
		}
		if diff := cmp.Diff(want, fields); diff != "" {
			t.Errorf("%s (-want +got)\n%s", path, diff)
		}
	}

	t.Run("the same URL again", func(t *testing.T) {
		for _, again := range []string{body, `{"url":"https://HOOKS.acme.example:443/in"}`} {
			if p := acme.do("POST", "/webhooks", again).problem(http.StatusConflict); p["code"] != "webhook-exists" || !strings.Contains(p["detail"].(string), id) {
				t.Errorf("%v", p)
			}
		}
		globex.do("POST", "/webhooks", body).want(http.StatusCreated)
	})
	t.Run("somebody else's and none at all", func(t *testing.T) {
		unknown := "we_" + strings.Repeat("0", 32)
		for _, op := range []struct{ method, suffix string }{
			{"GET", ""}, {"DELETE", ""}, {"POST", "/rotate"}, {"POST", "/enable"}, {"POST", "/test"},
		} {
			var details []string
			for _, which := range []string{id, unknown, "nonsense", "%23endpoints", id + "x"} {
				details = append(details, globex.do(op.method, "/webhooks/"+which+op.suffix, "").problem(http.StatusNotFound)["detail"].(string))
			}
			if slices.Sort(details); details[0] != details[len(details)-1] {
				t.Errorf("%s %s tells them apart: %q", op.method, op.suffix, details)
			}
		}
		acme.do("GET", "/webhooks/"+id, "").want(http.StatusOK)
	})
	t.Run("bodies that are none", func(t *testing.T) {
		for _, bad := range []string{
			``, `{`, `[]`, `"x"`, `{}`, `{"url":1}`, `{"url":""}`, `{"url":"http://hooks.acme.example/"}`, `{"url":"https://"}`, `{"url":"https://u:p@hooks.acme.example/"}`,
			`{"url":"https://127.0.0.1/"}`, `{"url":"https://[::1]/"}`, `{"url":"https://169.254.169.254/latest/meta-data/"}`, `{"url":"https://localhost/"}`,
			`{"url":"https://2130706433/"}`, `{"url":"https://0x7f.1/"}`, `{"url":"https://10.1.2.3/"}`, `{"url":"https://[fd00:ec2::254]/"}`, `{"url":"https://[::ffff:127.0.0.1]/"}`,
			`{"url":"https://a.example/","statuses":["SHIPPED"]}`, `{"url":"https://a.example/","statuses":["QUEUED"]}`, `{"url":"https://a.example/","statuses":"PAID"}`,
			`{"url":"https://a.example/","secret":"whsec_mine"}`, `{"url":"https://a.example/","description":"` + strings.Repeat("x", 257) + `"}`,
		} {
			acme.do("POST", "/webhooks", bad).problem(http.StatusBadRequest)
		}
	})
	t.Run("who is nobody", func(t *testing.T) {
		as(t, w.Stack, "").do("GET", "/webhooks", "").problem(http.StatusForbidden)
		acme.with("Authorization", "").do("GET", "/webhooks", "").problem(http.StatusUnauthorized)
		acme.with("Authorization", "nonsense").do("POST", "/webhooks", body).problem(http.StatusUnauthorized)
	})
	t.Run("other methods", func(t *testing.T) {
		if a := acme.do("PUT", "/webhooks/"+id, body); a.Code != http.StatusForbidden && a.Code != http.StatusNotFound {
			t.Errorf("%d %s", a.Code, a.Body)
		}
		acme.with("Content-Type", "text/plain").do("POST", "/webhooks", body).problem(http.StatusUnsupportedMediaType)
	})
	t.Run("deletion", func(t *testing.T) {
		if a := acme.do("DELETE", "/webhooks/"+id, "").want(http.StatusNoContent); a.Body.Len() != 0 {
			t.Errorf("%q", a.Body)
		}
		acme.do("DELETE", "/webhooks/"+id, "").problem(http.StatusNotFound)
		acme.do("GET", "/webhooks/"+id, "").problem(http.StatusNotFound)
		if again := acme.do("POST", "/webhooks", body).want(http.StatusCreated); again.text("secret") == secret {
			t.Error("it has the secret of the one that was deleted")
		}
	})
	t.Run("at most twenty", func(t *testing.T) {
		c := as(t, w.Stack, "many")
		for i := range 20 {
			c.do("POST", "/webhooks", fmt.Sprintf(`{"url":"https://many.example/%d"}`, i)).want(http.StatusCreated)
		}
		if p := c.do("POST", "/webhooks", `{"url":"https://many.example/20"}`).problem(http.StatusConflict); p["code"] != "too-many-webhooks" {
			t.Errorf("%v", p)
		}
		list, _ := c.do("GET", "/webhooks", "").want(http.StatusOK).fields()["webhooks"].([]any)
		if len(list) != 20 {
			t.Fatalf("%d webhooks", len(list))
		}
		c.do("DELETE", "/webhooks/"+list[7].(map[string]any)["id"].(string), "").want(http.StatusNoContent)
		c.do("POST", "/webhooks", `{"url":"https://many.example/20"}`).want(http.StatusCreated)
	})
}

// signers tells which secrets a request is signed by.
func signers(t *testing.T, p post, secrets map[string]string) string {
	t.Helper()
	var by []string
	for name, secret := range secrets {
		var seconds int64
		if _, err := fmt.Sscan(p.header.Get(webhook.HeaderTimestamp), &seconds); err != nil {
			t.Fatal(err)
		}
		s, err := webhook.Sign(secret, p.id(), time.Unix(seconds, 0), p.body)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(strings.Fields(p.header.Get(webhook.HeaderSignature)), s) {
			by = append(by, name)
		}
	}
	slices.Sort(by)
	return strings.Join(by, "+")
}

func TestRotationOfASecret(t *testing.T) {
	w := around(t, local.Options{Seed: 1})
	hook := w.endpoint("acme", "hooks.acme.example")
	try := func() post {
		t.Helper()
		had := len(hook.posts)
		as(t, w.Stack, "acme").do("POST", "/webhooks/"+hook.id+"/test", "").want(http.StatusAccepted)
		w.Advance(5 * time.Second)
		if len(hook.posts) != had+1 {
			t.Fatalf("%d posts, want %d", len(hook.posts), had+1)
		}
		return hook.posts[had]
	}
	secrets := map[string]string{"1": hook.secret}
	rotate := func(name string) {
		t.Helper()
		a := as(t, w.Stack, "acme").do("POST", "/webhooks/"+hook.id+"/rotate", "").want(http.StatusOK)
		if secrets[name] = a.text("secret"); !strings.HasPrefix(secrets[name], "whsec_") || a.text("id") != hook.id {
			t.Fatalf("%s", a.Body)
		}
	}
	want := func(by string) {
		t.Helper()
		if got := signers(t, try(), secrets); got != by {
			t.Errorf("signed by %s, want %s", got, by)
		}
	}
	want("1")
	rotate("2") // the receiver still knows the first alone, and accepts
	want("1+2")
	hook.trust(secrets["2"])
	w.Advance(23 * time.Hour)
	want("1+2")
	w.Advance(time.Hour)
	want("2")
	rotate("3")
	rotate("4")
	hook.trust(secrets["4"])
	want("3+4")
	for _, p := range hook.posts {
		if p.status != http.StatusNoContent {
			t.Errorf("%s was answered %d", p.id(), p.status)
		}
	}
}

func TestTryingAWebhookOut(t *testing.T) {
	w := around(t, local.Options{Seed: 1})
	hook := w.endpoint("acme", "hooks.acme.example", "FAILED")
	other := w.endpoint("acme", "other.acme.example")
	a := as(t, w.Stack, "acme").do("POST", "/webhooks/"+hook.id+"/test", "").want(http.StatusAccepted)
	w.Advance(5 * time.Second)
	if len(hook.told) != 1 || len(other.posts) != 0 {
		t.Fatalf("%d told, %d elsewhere", len(hook.told), len(other.posts))
	}
	e := hook.told[0]
	if e.ID != a.text("eventId") || e.Type != event.TypeTest || e.OrderID != "test" || e.Tenant != "acme" || w.Now().Sub(e.OccurredAt) > 10*time.Second {
		t.Errorf("%+v", e)
	}
	valid(t)(hook.posts[0].body)

	hook.answer = answering(http.StatusGone)
	as(t, w.Stack, "acme").do("POST", "/webhooks/"+hook.id+"/test", "").want(http.StatusAccepted)
	w.Advance(5 * time.Second)
	shown := hook.shown()
	if failure, _ := shown["lastFailure"].(map[string]any); shown["enabled"] != false || shown["disabledReason"] != "Gone" || failure["status"] != 410.0 {
		t.Errorf("after 410: %v", shown)
	}
	if p := as(t, w.Stack, "acme").do("POST", "/webhooks/"+hook.id+"/test", "").problem(http.StatusConflict); p["code"] != "webhook-disabled" {
		t.Errorf("%v", p)
	}
	hook.answer = nil
	if a := as(t, w.Stack, "acme").do("POST", "/webhooks/"+hook.id+"/enable", "").want(http.StatusOK); a.fields()["enabled"] != true || a.text("disabledReason") != "" {
		t.Errorf("%s", a.Body)
	}
	as(t, w.Stack, "acme").do("POST", "/webhooks/"+hook.id+"/test", "").want(http.StatusAccepted)
	w.Advance(5 * time.Second)
	if len(hook.told) != 2 {
		t.Errorf("%d told after it was enabled", len(hook.told))
	}
}

func TestAWebhookOfSomeStatuses(t *testing.T) {
	w := around(t, local.Options{Seed: 1})
	all, some := w.endpoint("acme", "all.acme.example"), w.endpoint("acme", "some.acme.example", "REJECTED", "COMPLETED")
	good, bad := w.submit("acme", order("tok_visa", "")), w.submit("acme", order("tok_declined", ""))
	w.settle("acme", good, bad)
	if diff := cmp.Diff(map[string][]string{good: {event.ID(good, 4)}, bad: {event.ID(bad, 3)}}, byOrder(some.told)); diff != "" {
		t.Errorf("some (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(byOrder(w.history("acme", good, bad)), byOrder(all.told)); diff != "" {
		t.Errorf("all (-want +got)\n%s", diff)
	}
}

// What was deleted hears nothing more, not even of events that are under way, and nor does who has
// registered the same URL since.
func TestADeletedWebhook(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprint("registered again: ", again), func(t *testing.T) {
			w := around(t, local.Options{Seed: 1})
			hook := w.endpoint("acme", "hooks.acme.example")
			hook.answer = answering(http.StatusInternalServerError)
			w.settle("acme", w.submit("acme", order("tok_visa", "")))
			had := len(hook.posts)
			if had == 0 || attribute(t, w.Stack, w.deliveries(), "ApproximateNumberOfMessagesNotVisible") == "0" {
				t.Fatalf("%d posts, and nothing is under way", had)
			}
			as(t, w.Stack, "acme").do("DELETE", "/webhooks/"+hook.id, "").want(http.StatusNoContent)
			hook.answer = nil
			want, now := 0, hook
			if again {
				now = w.endpoint("acme", "hooks.acme.example")
				want, had = 4, 0
			}
			id := w.submit("acme", order("tok_visa", ""))
			w.settle("acme", id)
			w.Advance(24 * time.Hour)
			if len(now.posts)-had != want || len(byOrder(now.told)[id]) != want {
				t.Errorf("%d posts, %v; want %d, of the order after it", len(now.posts)-had, ids(now.told), want)
			}
			w.nothingGivenUp()
			if n := attribute(t, w.Stack, w.deliveries(), "ApproximateNumberOfMessagesNotVisible"); n != "0" {
				t.Errorf("%s deliveries are left", n)
			}
		})
	}
}

// Whatever befalls the function, a request is answered or refused with a problem, and
// repeating it leads to one webhook.
func TestFaultsOfManagingWebhooks(t *testing.T) {
	const body = `{"url":"https://hooks.acme.example/hook"}`
	for _, kind := range kinds {
		for after := range 3 {
			if after == 0 && kind != crash && kind != hang {
				continue // There is no call that the fault could befall.
			}
			t.Run(fmt.Sprintf("%s after call %d", kind, after), func(t *testing.T) {
				f := &fault{function: "managewebhooks", after: after, kind: kind, invocations: 0}
				w := around(t, local.Options{Seed: uint64(after), Functions: f.functions()})
				hook := &endpoint{world: w, tenant: "acme"}
				w.hosts["hooks.acme.example"] = hook
				c := as(t, w.Stack, "acme")
				troubled := func(method, path, body string) answer {
					t.Helper()
					f.hits, f.invocations = 0, 1
					a := c.do(method, path, body)
					f.invocations = 0
					if f.hits == 0 && after < 2 {
						t.Errorf("%s %s: the fault never struck", method, path)
					}
					if a.Code >= 400 {
						a.problem(a.Code)
					}
					if a.Code >= 500 { // and again, as clients do
						a = c.do(method, path, body)
					}
					return a
				}
				if a := troubled("POST", "/webhooks", body); a.Code != http.StatusCreated && a.problem(http.StatusConflict)["code"] != "webhook-exists" {
					t.Errorf("%d %s", a.Code, a.Body)
				}
				list, _ := c.do("GET", "/webhooks", "").want(http.StatusOK).fields()["webhooks"].([]any)
				if len(list) != 1 {
					t.Fatalf("%d webhooks", len(list))
				}
				hook.id, _ = list[0].(map[string]any)["id"].(string)
				hook.trust(troubled("POST", "/webhooks/"+hook.id+"/rotate", "").want(http.StatusOK).text("secret"))
				troubled("POST", "/webhooks/"+hook.id+"/test", "").want(http.StatusAccepted)
				w.Advance(10 * time.Second)
				if len(hook.told) == 0 {
					t.Error("what it tries out does not come")
				}
				if a := troubled("DELETE", "/webhooks/"+hook.id, ""); a.Code != http.StatusNoContent && a.Code != http.StatusNotFound {
					t.Errorf("%d %s", a.Code, a.Body)
				}
				// What is counted is what is there: twenty fit, and no more.
				for i := range 20 {
					c.do("POST", "/webhooks", fmt.Sprintf(`{"url":"https://many.example/%d"}`, i)).want(http.StatusCreated)
				}
				c.do("POST", "/webhooks", body).problem(http.StatusConflict)
			})
		}
	}
}
