package sns

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// userAgent is the one that SNS names itself with. Source: SNS Developer Guide,
// "HTTP/HTTPS headers", like the headers below.
const userAgent = "Amazon Simple Notification Service Agent"

// maxAnswer is how much is read of an endpoint's answer, which says nothing to SNS
// but by its status.
const maxAnswer = 64 << 10

// post makes an attempt with an HTTP endpoint.
func (d *delivery) post() {
	d.due, d.turn = time.Time{}, false
	d.touch()
	if d.notification() && d.sub.gone {
		d.end() // while it waited for its turn
		return
	}
	d.request("")
}

// request posts the message. An endpoint that asks for a password gets the one of
// its URL, once.
func (d *delivery) request(authorization string) {
	r, user, err := d.newRequest()
	if err != nil {
		d.done(&failure{reason: err.Error(), permanent: true})
		return
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	s := d.sub.topic.s
	s.post(r, DeliveryTimeout, func(res *http.Response, err error) {
		if err != nil {
			d.done(&failure{reason: err.Error()})
			return
		}
		if res.Body != nil {
			_, _ = io.CopyN(io.Discard, res.Body, maxAnswer)
			_ = res.Body.Close()
		}
		if res.StatusCode == http.StatusUnauthorized && user != nil && authorization == "" {
			challenge, _, _ := strings.Cut(res.Header.Get("Www-Authenticate"), " ")
			if strings.EqualFold(challenge, "Basic") {
				password, _ := user.Password()
				d.request("Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
				return
			}
			d.done(&failure{reason: fmt.Sprintf("HTTP status 401: authentication %q is not simulated", challenge), permanent: true})
			return
		}
		d.done(statusFailure(res.StatusCode))
	})
}

// statusFailure is what SNS makes of an endpoint's status: 5xx and 429 are repeated,
// everything else that is no success is final, redirections included. Source: SNS
// Developer Guide, "Fanout to HTTP/S endpoints".
func statusFailure(status int) *failure {
	if status >= 200 && status < 300 {
		return nil
	}
	return &failure{
		reason:    fmt.Sprintf("HTTP status %d", status),
		permanent: status < 500 && status != http.StatusTooManyRequests,
	}
}

func (d *delivery) newRequest() (*http.Request, *url.Userinfo, error) {
	u, err := url.Parse(d.sub.Endpoint)
	if err != nil {
		return nil, nil, err
	}
	user := u.User
	u.User = nil
	m, raw := d.m, d.sub.raw && d.notification()
	var body []byte
	if raw {
		body = []byte(m.bodyFor(d.sub.Protocol))
	} else {
		body = m.envelope(d.sub)
	}
	r, err := http.NewRequest(http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	h := r.Header
	h.Set("X-Amz-Sns-Message-Type", m.kind)
	h.Set("X-Amz-Sns-Message-Id", m.id)
	h.Set("X-Amz-Sns-Topic-Arn", m.topic.ARN)
	if m.kind != kindSubscribe {
		h.Set("X-Amz-Sns-Subscription-Arn", d.sub.ARN)
	}
	if raw {
		h.Set("X-Amz-Sns-Rawdelivery", "true")
	}
	h.Set("Content-Type", d.contentType())
	h.Set("User-Agent", userAgent)
	h.Set("Accept-Encoding", "gzip,deflate")
	return r, user, nil
}

// contentType is that of the request policy; the handshake always has the default.
func (d *delivery) contentType() string {
	if !d.notification() {
		return defaultContentType
	}
	return d.sub.effectivePolicy().Request.HeaderContentType
}
