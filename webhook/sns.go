package webhook

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Types of what SNS sends.
const (
	TypeNotification   = "Notification"
	TypeSubscription   = "SubscriptionConfirmation"
	TypeUnsubscription = "UnsubscribeConfirmation"
)

// Headers of SNS.
const (
	headerSNSType = "X-Amz-Sns-Message-Type"
	headerSNSRaw  = "X-Amz-Sns-Rawdelivery"
)

// snsDocument is the body of a request of SNS.
type snsDocument struct {
	Type, MessageId, TopicArn, Message, Timestamp string
	Subject, Token, SubscribeURL                  *string
	SignatureVersion, Signature, SigningCertURL   string
}

// signed is what the signature is made over: names and values of the members that
// the type has, in the order of their names, a line each ("Verifying the signatures of
// Amazon SNS messages" in the SNS developer guide).
func (d *snsDocument) signed() string {
	var b strings.Builder
	line := func(name string, value *string) {
		if value != nil {
			b.WriteString(name + "\n" + *value + "\n")
		}
	}
	line("Message", &d.Message)
	line("MessageId", &d.MessageId)
	if d.Type == TypeNotification {
		line("Subject", d.Subject)
	} else {
		line("SubscribeURL", d.SubscribeURL)
	}
	line("Timestamp", &d.Timestamp)
	if d.Type != TypeNotification {
		line("Token", d.Token)
	}
	line("TopicArn", &d.TopicArn)
	line("Type", &d.Type)
	return b.String()
}

// verifySNS believes nothing that is outside the signature: least of all the headers.
func (r *Receiver) verifySNS(ctx context.Context, body []byte) (Message, error) {
	var d snsDocument
	if err := json.Unmarshal(body, &d); err != nil {
		return Message{}, fmt.Errorf("%w: not a message of SNS: %w", ErrMalformed, err)
	}
	switch d.Type {
	case TypeNotification:
	case TypeSubscription, TypeUnsubscription:
		if d.SubscribeURL == nil || d.Token == nil {
			return Message{}, fmt.Errorf("%w: a %s without SubscribeURL and Token", ErrMalformed, d.Type)
		}
	default:
		return Message{}, fmt.Errorf("%w: not a type of SNS: %.40q", ErrMalformed, d.Type)
	}
	if r.topics[d.TopicArn] == "" {
		return Message{}, fmt.Errorf("%w: topic %.300q is not allowed", ErrUnknownSender, d.TopicArn)
	}
	if err := r.checkSignature(ctx, &d); err != nil {
		return Message{}, err
	}
	at, err := time.Parse(time.RFC3339, d.Timestamp)
	if err != nil {
		return Message{}, fmt.Errorf("%w: timestamp %.40q", ErrMalformed, d.Timestamp)
	}
	if late := r.options.Now().Sub(at); late > r.options.SNSTolerance || late < -r.options.Tolerance {
		return Message{}, fmt.Errorf("%w: published at %s", ErrStale, d.Timestamp)
	}
	if d.MessageId == "" {
		return Message{}, fmt.Errorf("%w: no MessageId", ErrMalformed)
	}
	m := Message{ID: d.MessageId, Sent: at, Body: []byte(d.Message), Topic: d.TopicArn, Type: d.Type}
	if d.Subject != nil && d.Type == TypeNotification {
		m.Subject = *d.Subject
	}
	if d.Type != TypeNotification {
		m.SubscribeURL = *d.SubscribeURL
	}
	return m, nil
}

func (r *Receiver) checkSignature(ctx context.Context, d *snsDocument) error {
	var hash crypto.Hash
	var digest []byte
	switch {
	case d.SignatureVersion == "2":
		sum := sha256.Sum256([]byte(d.signed()))
		hash, digest = crypto.SHA256, sum[:]
	case d.SignatureVersion == "1" && !r.options.RefuseSHA1:
		sum := sha1.Sum([]byte(d.signed()))
		hash, digest = crypto.SHA1, sum[:]
	case d.SignatureVersion == "1":
		return fmt.Errorf("%w: version 1 uses SHA-1 and is refused; set SignatureVersion 2 for the topic", ErrSignature)
	default:
		return fmt.Errorf("%w: unknown version %.10q", ErrSignature, d.SignatureVersion)
	}
	signature, err := base64.StdEncoding.DecodeString(d.Signature)
	if err != nil || len(signature) == 0 {
		return fmt.Errorf("%w: the signature is not base64", ErrMalformed)
	}
	key, err := r.certificates.key(ctx, r.topics[d.TopicArn], d.SigningCertURL)
	if err != nil {
		return err
	}
	if rsa.VerifyPKCS1v15(key, hash, digest, signature) != nil {
		return ErrSignature
	}
	return nil
}

var region = regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]+$`)

// snsHost is the host of SNS in a topic's region, which signs and confirms for the topic. It
// follows from the ARN that the receiver was given: hosts that only look like one of SNS can be
// somebody else's, such as those of a bucket of S3 that is called sns (sns.s3-us-west-2.amazonaws.com).
func snsHost(topicARN string) (string, error) {
	parts := strings.Split(topicARN, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sns" || !region.MatchString(parts[3]) {
		return "", fmt.Errorf("webhook: topic %q is not the ARN of an SNS topic", topicARN)
	}
	host := "sns." + parts[3] + ".amazonaws.com"
	if parts[1] == "aws-cn" {
		host += ".cn"
	}
	return host, nil
}

// snsURL parses the address of something at a host of SNS: https, nothing that hides
// another host.
func snsURL(host, s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || u.Fragment != "" || host == "" || u.Host != host {
		return nil, fmt.Errorf("%.300q is no https address at %s", s, host)
	}
	return u, nil
}

// Confirm confirms the subscription that SNS asks about in a message of [TypeSubscription] that Verify
// returned. With TypeUnsubscription it takes the subscription up again.
func (r *Receiver) Confirm(ctx context.Context, m Message) error {
	if m.Type != TypeSubscription && m.Type != TypeUnsubscription {
		return fmt.Errorf("%w: a %q has no subscription to confirm", ErrMalformed, m.Type)
	}
	u, err := snsURL(r.topics[m.Topic], m.SubscribeURL)
	if err != nil {
		return fmt.Errorf("%w: SubscribeURL: %w", ErrMalformed, err)
	}
	q := u.Query()
	if q.Get("Action") != "ConfirmSubscription" || q.Get("TopicArn") != m.Topic {
		return fmt.Errorf("%w: SubscribeURL does not confirm a subscription to the message's topic", ErrMalformed)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("%w: SubscribeURL: %w", ErrMalformed, err)
	}
	resp, err := r.options.HTTPClient.Do(req)
	if err != nil {
		return fmt.Errorf("%w: confirming the subscription: %w", ErrUnavailable, err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: confirming the subscription: %s", ErrUnavailable, resp.Status)
	}
	return nil
}
