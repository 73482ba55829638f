package webhook_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/webhook"
)

// A secret and what is signed with it, as the specification's own libraries test it.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

var otherSecret = "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 64))

var now = time.Unix(1614265330, 0).UTC()

func clock() time.Time { return now }

func TestSignIsWhatTheSpecificationsLibrariesExpect(t *testing.T) {
	for _, s := range []string{secret, strings.TrimPrefix(secret, "whsec_")} {
		got, err := webhook.Sign(s, "msg_p5jXN8AQM9LWM0D4loKWxJek", now.Add(999*time.Millisecond), []byte(`{"test": 2432232314}`))
		if err != nil {
			t.Fatal(err)
		}
		if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	for _, c := range []struct{ name, secret, id string }{
		{"not base64", "whsec_?", "msg"},
		{"23 bytes", "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23)), "msg"},
		{"65 bytes", "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65)), "msg"},
		{"empty", "", "msg"},
		{"id with a full stop", secret, "msg.1"},
		{"id with a line break", secret, "msg\n1"},
		{"no id", secret, ""},
	} {
		got, err := webhook.Sign(c.secret, c.id, now, nil)
		if err == nil {
			t.Errorf("%s: signed %s", c.name, got)
		} else if c.id == "msg" && !errors.Is(err, webhook.ErrSecret) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && c.secret != "" && strings.Contains(err.Error(), c.secret) {
			t.Errorf("%s: the error tells the secret: %v", c.name, err)
		}
	}
}

func TestNewSecretsDifferAndHave32Bytes(t *testing.T) {
	a, b := webhook.NewSecret(), webhook.NewSecret()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(a, "whsec_"))
	if a == b || !strings.HasPrefix(a, "whsec_") || err != nil || len(key) != 32 {
		t.Errorf("%q, %q: %v", a, b, err)
	}
}

func newReceiver(t *testing.T, o webhook.Options) *webhook.Receiver {
	t.Helper()
	if o.Now == nil {
		o.Now = clock
	}
	r, err := webhook.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sign(t testing.TB, secret, id string, at time.Time, body string) string {
	t.Helper()
	s, err := webhook.Sign(secret, id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// signed returns the headers of a message that is signed with each of the secrets.
func signed(t testing.TB, id string, at time.Time, body string, secrets ...string) http.Header {
	t.Helper()
	var all []string
	for _, s := range secrets {
		all = append(all, sign(t, s, id, at, body))
	}
	h := http.Header{}
	h.Set(webhook.HeaderID, id)
	h.Set(webhook.HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(webhook.HeaderSignature, strings.Join(all, " "))
	return h
}

func TestVerify(t *testing.T) {
	const id, body = "msg_1", `{"a":1}`
	good := func() http.Header { return signed(t, id, now, body, secret) }
	with := func(key, value string) http.Header {
		h := good()
		h.Set(key, value)
		return h
	}
	without := func(key string) http.Header {
		h := good()
		h.Del(key)
		return h
	}
	signature := sign(t, secret, id, now, body)
	many := strings.Repeat("v1,"+base64.StdEncoding.EncodeToString(make([]byte, 32))+" ", 20)
	for _, c := range []struct {
		name   string
		header http.Header
		body   string
		want   error
	}{
		{"as sent", good(), body, nil},
		{"five minutes old", signed(t, id, now.Add(-5*time.Minute), body, secret), body, nil},
		{"five minutes ahead", signed(t, id, now.Add(5*time.Minute), body, secret), body, nil},
		{"older", signed(t, id, now.Add(-301*time.Second), body, secret), body, webhook.ErrStale},
		{"further ahead", signed(t, id, now.Add(301*time.Second), body, secret), body, webhook.ErrStale},
		{"another body", good(), body + " ", webhook.ErrSignature},
		{"another id", with(webhook.HeaderID, "msg_2"), body, webhook.ErrSignature},
		{"another time", with(webhook.HeaderTimestamp, "1614265331"), body, webhook.ErrSignature},
		{"time in hex", with(webhook.HeaderTimestamp, "0x60378472"), body, webhook.ErrMalformed},
		{"time with a sign", with(webhook.HeaderTimestamp, "+1614265330"), body, webhook.ErrMalformed},
		{"time beyond all time", with(webhook.HeaderTimestamp, "9223372036854775807"), body, webhook.ErrMalformed},
		{"no time", without(webhook.HeaderTimestamp), body, webhook.ErrUnsigned},
		{"no id", without(webhook.HeaderID), body, webhook.ErrUnsigned},
		{"no signature", without(webhook.HeaderSignature), body, webhook.ErrUnsigned},
		{"nothing", http.Header{}, body, webhook.ErrUnsigned},
		{"another secret", signed(t, id, now, body, otherSecret), body, webhook.ErrSignature},
		{"both secrets", signed(t, id, now, body, otherSecret, secret), body, nil},
		{"other versions first", with(webhook.HeaderSignature, "v1a,AAAA v0,x nonsense "+signature), body, nil},
		{"another version only", with(webhook.HeaderSignature, "v1a,"+strings.TrimPrefix(signature, "v1,")), body, webhook.ErrSignature},
		{"the beginning of a signature", with(webhook.HeaderSignature, "v1,g0hM"), body, webhook.ErrSignature},
		{"an empty signature", with(webhook.HeaderSignature, "v1,"), body, webhook.ErrSignature},
		{"beyond 20 signatures", with(webhook.HeaderSignature, many+signature), body, webhook.ErrSignature},
		// The content that is signed would be the same.
		{"the time moved into the id", func() http.Header {
			h := signed(t, "msg", now, "1.x", secret)
			h.Set(webhook.HeaderID, "msg."+strconv.FormatInt(now.Unix(), 10))
			h.Set(webhook.HeaderTimestamp, "1")
			return h
		}(), "x", webhook.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := newReceiver(t, webhook.Options{Secrets: []string{secret}}).Verify(context.Background(), c.header, []byte(c.body))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			want := webhook.Message{}
			if c.want == nil {
				want = webhook.Message{ID: id, Sent: m.Sent, Body: []byte(body)}
			}
			if diff := cmp.Diff(want, m); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestEitherSecretVerifiesWhileOneIsRotated(t *testing.T) {
	r := newReceiver(t, webhook.Options{Secrets: []string{otherSecret, secret}})
	for _, s := range []string{secret, otherSecret} {
		if _, err := r.Verify(context.Background(), signed(t, "m", now, "x", s), []byte("x")); err != nil {
			t.Error(err)
		}
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	_, err := webhook.New(webhook.Options{Secrets: []string{secret, "short"}, Topics: []string{"orders"}, Tolerance: -1})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"secret 1", `"orders"`, "negative"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	if _, err := webhook.New(webhook.Options{}); err == nil {
		t.Error("a receiver that can verify nothing")
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", `{"test": 2432232314}`)
	f.Add("a.b", "-1", "v1, v1a,x", "")
	r, err := webhook.New(webhook.Options{Secrets: []string{secret}, Now: clock})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id, timestamp, signature, body string) {
		h := http.Header{}
		h.Set(webhook.HeaderID, id)
		h.Set(webhook.HeaderTimestamp, timestamp)
		h.Set(webhook.HeaderSignature, signature)
		m, err := r.Verify(context.Background(), h, []byte(body))
		if err != nil {
			return
		}
		// Whoever does not know the secret cannot get here; the fuzzer does not.
		want := sign(t, secret, m.ID, m.Sent, body)
		if !strings.Contains(signature, want) {
			t.Errorf("accepted %q, whose signature is %s, with %q", body, want, signature)
		}
	})
}
