package webhook

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Options says whose messages a Receiver accepts. Secrets or Topics must be given; with
// both, it accepts both kinds.
type Options struct {
	// Secrets verify Standard Webhooks: a message must be signed with one of them. While
	// a secret is rotated, give the new one and the old one.
	Secrets []string
	// Topics lists the ARNs of the SNS topics that are accepted. SNS signs for whoever owns a
	// topic, so that a signature alone does not tell whose message it is.
	Topics []string

	// Tolerance is how far the timestamp of a Standard Webhook may be from now, both
	// ways; default 5 minutes. Each attempt has a timestamp of its own.
	Tolerance time.Duration
	// SNSTolerance is how old a message of SNS may be; default 65 minutes. Its timestamp is that
	// of the publication, and SNS repeats for up to an hour. Into the future it is Tolerance.
	SNSTolerance time.Duration
	// RefuseSHA1 refuses signature version 1 of SNS, which uses SHA-1.
	RefuseSHA1 bool
	// Roots, if set, must lead to the certificates of SNS, with intermediate
	// certificates taken from the same file. Without it a certificate is trusted for coming
	// over TLS from SNS's host in the topic's region.
	Roots *x509.CertPool
	// HTTPClient fetches certificates of SNS and confirms subscriptions; default one with a
	// timeout of 10 s. Redirects are never followed.
	HTTPClient *http.Client

	// MaxBody is the most bytes that are read of a request; default 1 MiB. A message of SNS has up to 256
	// KiB before it is escaped; one of orderflow, 20 kB.
	MaxBody int64
	// Seen remembers what was handled, so that a repetition is not handled again;
	// default a [Memory], which forgets with the process. Several processes need
	// a store that they share.
	Seen Seen
	// Unsubscribed, if set, is told that SNS ended the subscription to a topic.
	Unsubscribed func(ctx context.Context, topicARN string)
	// OnError, if set, is told why a request was not answered with 2xx, and what
	// went wrong after that. The answer itself tells no details.
	OnError func(ctx context.Context, err error)
	// Now is the clock; default time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Tolerance == 0 {
		o.Tolerance = 5 * time.Minute
	}
	if o.SNSTolerance == 0 {
		o.SNSTolerance = 65 * time.Minute
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Seen == nil {
		o.Seen = &Memory{Now: o.Now}
	}
	if o.OnError == nil {
		o.OnError = func(context.Context, error) {}
	}
	client := http.Client{Timeout: 10 * time.Second}
	if o.HTTPClient != nil {
		client = *o.HTTPClient
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.HTTPClient = &client
	return o
}

// Receiver verifies messages. It is safe for concurrent use.
type Receiver struct {
	options      Options
	keys         [][]byte
	topics       map[string]string // the host of SNS, by ARN
	certificates *certificates
}

// New returns a Receiver, or an error that names what is wrong with the options.
func New(o Options) (*Receiver, error) {
	var errs []error
	if len(o.Secrets) == 0 && len(o.Topics) == 0 {
		errs = append(errs, errors.New("webhook: neither Secrets nor Topics: nothing could be verified"))
	}
	if o.Tolerance < 0 || o.SNSTolerance < 0 || o.MaxBody < 0 {
		errs = append(errs, errors.New("webhook: Tolerance, SNSTolerance and MaxBody must not be negative"))
	}
	r := &Receiver{options: o.withDefaults(), topics: map[string]string{}}
	r.certificates = newCertificates(r.options)
	for i, secret := range o.Secrets {
		key, err := decodeSecret(secret)
		if err != nil {
			errs = append(errs, fmt.Errorf("secret %d: %w", i, err))
		}
		r.keys = append(r.keys, key)
	}
	for _, topic := range o.Topics {
		host, err := snsHost(topic)
		errs = append(errs, err)
		r.topics[topic] = host
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return r, nil
}

// Message is what was verified.
type Message struct {
	// ID is the same however often the message is sent: the header webhook-id, or
	// the MessageId of SNS.
	ID string
	// Sent is when this attempt was made; with SNS, when it was published.
	Sent time.Time
	// Body is the request's body; with SNS, the message that was published.
	Body []byte

	// Topic is the ARN of the SNS topic, "" with a Standard Webhook. Of what SNS sends, only what is
	// here is signed: its MessageAttributes are not.
	Topic string
	// Type is that of SNS: [TypeNotification], [TypeSubscription] or [TypeUnsubscription].
	Type string
	// Subject is that of SNS, if the message has one.
	Subject string
	// SubscribeURL confirms the subscription, or with TypeUnsubscription takes
	// it up again. See [Receiver.Confirm].
	SubscribeURL string
}

// Verify tells what a request says, if it is signed by one of the secrets or by SNS for
// one of the topics, and recent enough. Which kind it is, the headers tell. It does not
// drop duplicates, nor confirm subscriptions: [Receiver.MessageHandler] does.
func (r *Receiver) Verify(ctx context.Context, header http.Header, body []byte) (Message, error) {
	switch {
	case header.Get(headerSNSType) != "":
		if strings.EqualFold(header.Get(headerSNSRaw), "true") {
			return Message{}, ErrRawDelivery
		}
		return r.verifySNS(ctx, body)
	case header.Get(HeaderSignature) != "" || header.Get(HeaderID) != "":
		return r.verifyStandard(header, body)
	}
	return Message{}, ErrUnsigned
}
