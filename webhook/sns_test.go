package webhook_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/webhook"
)

const (
	topic   = "arn:aws:sns:eu-central-1:123456789012:orders"
	certURL = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
)

// amazon plays the hosts of SNS: its key, its certificate, and what is asked of it.
type amazon struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate

	mu       sync.Mutex
	requests []string
	answer   func(*http.Request) *http.Response // nil: as SNS does
}

var snsKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newAmazon(t testing.TB) *amazon {
	t.Helper()
	return &amazon{key: snsKey(), cert: certify(t, "sns.amazonaws.com", snsKey(), nil, snsKey())}
}

// certify makes a certificate that is valid for a year around now.
func certify(t testing.TB, name string, key *rsa.PrivateKey, parent *x509.Certificate, signer *rsa.PrivateKey) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: now.AddDate(0, -6, 0), NotAfter: now.AddDate(0, 6, 0),
		IsCA: true, BasicConstraintsValid: true,
	}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func pemOf(certs ...*x509.Certificate) string {
	var b bytes.Buffer
	for _, c := range certs {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return b.String()
}

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func (a *amazon) RoundTrip(req *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = append(a.requests, req.Method+" "+req.URL.String())
	if a.answer != nil {
		return a.answer(req), nil
	}
	switch {
	case req.URL.String() == certURL:
		return reply(200, pemOf(a.cert)), nil
	case req.URL.Query().Get("Action") == "ConfirmSubscription":
		return reply(200, "<ConfirmSubscriptionResponse/>"), nil
	}
	return reply(404, ""), nil
}

func (a *amazon) client() *http.Client { return &http.Client{Transport: a} }

// sns is a message as SNS sends it. Members left out are absent.
type sns map[string]string

func notification(message string) sns {
	return sns{"Type": "Notification", "MessageId": "m-1", "TopicArn": topic, "Message": message,
		"Timestamp": now.Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "2", "SigningCertURL": certURL}
}

func confirmation(kind string) sns {
	m := notification("You have chosen to subscribe")
	m["Type"], m["Token"] = kind, "2336412f37"
	m["SubscribeURL"] = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + topic + "&Token=2336412f37"
	return m
}

func (m sns) with(key, value string) sns {
	m[key] = value
	return m
}

// sign signs a message as its SignatureVersion says, written down apart from the
// package: the names of AWS's guide, in its order.
func (a *amazon) sign(t testing.TB, m sns) sns {
	t.Helper()
	names := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if m["Type"] != "Notification" {
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	text := ""
	for _, n := range names {
		if v, ok := m[n]; ok {
			text += n + "\n" + v + "\n"
		}
	}
	sum1, sum2 := sha1.Sum([]byte(text)), sha256.Sum256([]byte(text))
	hash, digest := crypto.SHA256, sum2[:]
	if m["SignatureVersion"] == "1" {
		hash, digest = crypto.SHA1, sum1[:]
	}
	s, err := rsa.SignPKCS1v15(rand.Reader, a.key, hash, digest)
	if err != nil {
		t.Fatal(err)
	}
	m["Signature"] = base64.StdEncoding.EncodeToString(s)
	return m
}

func (m sns) body(t testing.TB) []byte {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (m sns) header() http.Header {
	h := http.Header{}
	h.Set("x-amz-sns-message-type", m["Type"])
	return h
}

func TestVerifySNS(t *testing.T) {
	a := newAmazon(t)
	stranger := &amazon{key: func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k }()}
	signed := func(m sns) sns { return a.sign(t, m) }
	at := func(d time.Duration) string { return now.Add(d).Format("2006-01-02T15:04:05.000Z") }
	for _, c := range []struct {
		name string
		m    sns
		want error
	}{
		{"version 2", signed(notification("hello")), nil},
		{"version 1", signed(notification("hello").with("SignatureVersion", "1")), nil},
		{"with a subject", signed(notification("hello").with("Subject", "S")), nil},
		{"with an empty message", signed(notification("")), nil},
		{"with what must be escaped", signed(notification("{\"a\":\"\\n\u2028<&>\"}\n\x00")), nil},
		{"a subscription", signed(confirmation("SubscriptionConfirmation")), nil},
		{"an end of a subscription", signed(confirmation("UnsubscribeConfirmation")), nil},
		{"an hour old", signed(notification("x").with("Timestamp", at(-time.Hour))), nil},
		{"older than SNS repeats", signed(notification("x").with("Timestamp", at(-66*time.Minute))), webhook.ErrStale},
		{"from the future", signed(notification("x").with("Timestamp", at(6*time.Minute))), webhook.ErrStale},
		{"no time", signed(notification("x").with("Timestamp", "yesterday")), webhook.ErrMalformed},
		{"another message", signed(notification("hello")).with("Message", "hell"), webhook.ErrSignature},
		{"another id", signed(notification("hello")).with("MessageId", "m-2"), webhook.ErrSignature},
		{"another time", signed(notification("hello")).with("Timestamp", at(time.Second)), webhook.ErrSignature},
		{"another subject", signed(notification("hello").with("Subject", "S")).with("Subject", "T"), webhook.ErrSignature},
		{"a subject added", signed(notification("hello")).with("Subject", "S"), webhook.ErrSignature},
		{"another token", signed(confirmation("SubscriptionConfirmation")).with("Token", "t"), webhook.ErrSignature},
		{"an end made a beginning", signed(confirmation("UnsubscribeConfirmation")).with("Type", "SubscriptionConfirmation"), webhook.ErrSignature},
		{"version 1 called 2", signed(notification("x").with("SignatureVersion", "1")).with("SignatureVersion", "2"), webhook.ErrSignature},
		{"version 3", signed(notification("x").with("SignatureVersion", "3")), webhook.ErrSignature},
		{"not base64", signed(notification("x")).with("Signature", "?"), webhook.ErrMalformed},
		{"no signature", notification("x"), webhook.ErrMalformed},
		{"signed by somebody else", stranger.sign(t, notification("x")), webhook.ErrSignature},
		{"somebody else's topic", signed(notification("x").with("TopicArn", topic+"2")), webhook.ErrUnknownSender},
		{"no topic", signed(notification("x").with("TopicArn", "")), webhook.ErrUnknownSender},
		{"an unknown type", signed(notification("x").with("Type", "Other")), webhook.ErrMalformed},
		{"no id", signed(notification("x").with("MessageId", "")), webhook.ErrMalformed},
		{"a subscription without address", signed(notification("x").with("Type", "SubscriptionConfirmation").with("Token", "t")), webhook.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(t, webhook.Options{Topics: []string{topic}, HTTPClient: a.client()})
			m, err := r.Verify(context.Background(), c.m.header(), c.m.body(t))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			want := webhook.Message{}
			if c.want == nil {
				want = webhook.Message{ID: "m-1", Sent: m.Sent, Body: []byte(c.m["Message"]), Topic: topic, Type: c.m["Type"],
					Subject: c.m["Subject"], SubscribeURL: c.m["SubscribeURL"]}
				if got := m.Sent.Format("2006-01-02T15:04:05.000Z"); got != c.m["Timestamp"] {
					t.Errorf("sent at %s, want %s", got, c.m["Timestamp"])
				}
			}
			if diff := cmp.Diff(want, m); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestSNSThatCannotBeVerified(t *testing.T) {
	a := newAmazon(t)
	m := a.sign(t, notification("x").with("SignatureVersion", "1"))
	raw := m.header()
	raw.Set("x-amz-sns-rawdelivery", "true")
	for _, c := range []struct {
		name   string
		o      webhook.Options
		header http.Header
		body   string
		want   error
	}{
		{"raw delivery", webhook.Options{Topics: []string{topic}}, raw, `{"id":"k:1"}`, webhook.ErrRawDelivery},
		{"no JSON", webhook.Options{Topics: []string{topic}}, m.header(), `x`, webhook.ErrMalformed},
		{"SHA-1 refused", webhook.Options{Topics: []string{topic}, RefuseSHA1: true}, m.header(), string(m.body(t)), webhook.ErrSignature},
		{"only secrets", webhook.Options{Secrets: []string{secret}}, m.header(), string(m.body(t)), webhook.ErrUnknownSender},
		{"only topics", webhook.Options{Topics: []string{topic}}, signed(t, "m", now, "x", secret), "x", webhook.ErrUnknownSender},
	} {
		c.o.HTTPClient = a.client()
		if _, err := newReceiver(t, c.o).Verify(context.Background(), c.header, []byte(c.body)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// TestCertificatesComeFromSNSOnly: none of these addresses may even be asked.
func TestCertificatesComeFromSNSOnly(t *testing.T) {
	for _, address := range []string{
		"",
		"http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0.pem",
		"https://sns.eu-central-1.amazonaws.com.evil.example/a.pem",
		"https://sns.eu-central-1.amazonaws.com@evil.example/a.pem",
		"https://evil@sns.eu-central-1.amazonaws.com/a.pem",
		"https://sns.eu-central-1.amazonaws.com:8443/a.pem",
		"https://evil.example/sns.eu-central-1.amazonaws.com/a.pem",
		"https://sns.eu-central-1.amazonaws.co/a.pem",
		"https://xsns.eu-central-1.amazonaws.com/a.pem",
		"https://sns.a.b.amazonaws.com/a.pem",
		"https://sns.amazonaws.com/a.pem",
		"https://sns.eu-central-1.amazonaws.com/a.pem?x=y",
		"https://sns.eu-central-1.amazonaws.com/a.pem?",
		"https://sns.eu-central-1.amazonaws.com/?Action=GetTopicAttributes&x=.pem",
		"https://sns.eu-central-1.amazonaws.com/a/b.pem",
		"https://sns.eu-central-1.amazonaws.com/a%2f.pem",
		"https://sns.eu-central-1.amazonaws.com/a.pem#.pem",
		"https://bucket.s3.amazonaws.com/a.pem",
		// A bucket of S3 can be called sns, and is somebody else's.
		"https://sns.s3.amazonaws.com/a.pem",
		"https://sns.s3-us-west-2.amazonaws.com/a.pem",
		"https://sns.s3-accelerate.amazonaws.com/a.pem",
		// SNS, and not where the topic is.
		"https://sns.us-west-2.amazonaws.com/a.pem",
		"https://sns.eu-central-1.amazonaws.com.cn/a.pem",
		"file:///etc/a.pem",
		"https://sns.eu-central-1.amazonaws.com\n.evil.example/a.pem",
	} {
		a := newAmazon(t)
		a.answer = func(*http.Request) *http.Response { return reply(200, pemOf(a.cert)) }
		m := a.sign(t, notification("x").with("SigningCertURL", address))
		r := newReceiver(t, webhook.Options{Topics: []string{topic}, HTTPClient: a.client()})
		if _, err := r.Verify(context.Background(), m.header(), m.body(t)); !errors.Is(err, webhook.ErrCertificate) {
			t.Errorf("%s: %v", address, err)
		}
		if len(a.requests) != 0 {
			t.Errorf("%s: asked for %v", address, a.requests)
		}
	}
	a := newAmazon(t)
	a.answer = func(*http.Request) *http.Response { return reply(200, pemOf(a.cert)) }
	const chinese = "arn:aws-cn:sns:cn-north-1:123456789012:orders"
	m := a.sign(t, notification("x").with("TopicArn", chinese).with("SigningCertURL", "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem"))
	r := newReceiver(t, webhook.Options{Topics: []string{topic, chinese}, HTTPClient: a.client()})
	if _, err := r.Verify(context.Background(), m.header(), m.body(t)); err != nil {
		t.Errorf("China: %v", err)
	}
}

func TestCertificates(t *testing.T) {
	a := newAmazon(t)
	root := certify(t, "root", a.key, nil, a.key)
	middle := certify(t, "middle", otherKey(), root, a.key)
	leaf := certify(t, "sns.amazonaws.com", a.key, middle, otherKey())
	roots := x509.NewCertPool()
	roots.AddCert(root)
	foreign := x509.NewCertPool()
	foreign.AddCert(certify(t, "other", otherKey(), nil, otherKey()))
	for _, c := range []struct {
		name   string
		answer *http.Response
		o      webhook.Options
		want   error
	}{
		{"one", reply(200, pemOf(a.cert)), webhook.Options{}, nil},
		{"after other blocks", reply(200, "text\n-----BEGIN X-----\n-----END X-----\n"+pemOf(a.cert)), webhook.Options{}, nil},
		{"that leads to the root", reply(200, pemOf(leaf, middle)), webhook.Options{Roots: roots}, nil},
		{"with a link missing", reply(200, pemOf(leaf)), webhook.Options{Roots: roots}, webhook.ErrCertificate},
		{"that leads elsewhere", reply(200, pemOf(leaf, middle)), webhook.Options{Roots: foreign}, webhook.ErrCertificate},
		{"expired", reply(200, pemOf(a.cert)), webhook.Options{Now: func() time.Time { return now.AddDate(1, 0, 0) }, SNSTolerance: 1e6 * time.Hour}, webhook.ErrCertificate},
		{"missing", reply(404, ""), webhook.Options{}, webhook.ErrCertificate},
		{"moved", reply(302, pemOf(a.cert)), webhook.Options{}, webhook.ErrCertificate},
		{"not to be had now", reply(503, ""), webhook.Options{}, webhook.ErrUnavailable},
		{"throttled", reply(429, ""), webhook.Options{}, webhook.ErrUnavailable},
		{"that is none", reply(200, "hello"), webhook.Options{}, webhook.ErrCertificate},
		{"that is broken", reply(200, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), webhook.Options{}, webhook.ErrCertificate},
		{"without end", reply(200, strings.Repeat("x", 1<<20)), webhook.Options{}, webhook.ErrCertificate},
	} {
		t.Run(c.name, func(t *testing.T) {
			a.requests = nil
			a.answer = func(*http.Request) *http.Response { return c.answer }
			c.o.Topics, c.o.HTTPClient = []string{topic}, a.client()
			r := newReceiver(t, c.o)
			m := a.sign(t, notification("x"))
			for range 2 {
				if _, err := r.Verify(context.Background(), m.header(), m.body(t)); !errors.Is(err, c.want) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
				if c.want != nil {
					return
				}
			}
			if len(a.requests) != 1 {
				t.Errorf("asked %d times for a good certificate", len(a.requests))
			}
		})
	}
}

var otherKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func FuzzVerifySNS(f *testing.F) {
	a := newAmazon(f)
	m := a.sign(f, notification("hello"))
	f.Add(m.body(f))
	f.Add([]byte(`{"Type":"Notification","Subject":null}`))
	f.Add([]byte(`[]`))
	r, err := webhook.New(webhook.Options{Topics: []string{topic}, HTTPClient: a.client(), Now: clock})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := r.Verify(context.Background(), m.header(), body)
		if err == nil && (string(got.Body) != "hello" || got.ID != "m-1" || got.Topic != topic || got.Subject != "") {
			t.Errorf("accepted what nobody signed: %+v", got)
		}
	})
}
