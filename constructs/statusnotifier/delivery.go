package statusnotifier

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"
)

// Backoff is how the delays between SNS's retries grow from the shortest to the longest.
type Backoff string

// The backoff functions of SNS.
const (
	Linear      Backoff = "linear"
	Arithmetic  Backoff = "arithmetic"
	Geometric   Backoff = "geometric"
	Exponential Backoff = "exponential"
)

// Delivery is how often and how fast SNS repeats a delivery to an HTTPS
// endpoint that did not answer 2xx. Of Retries, the first ones come at
// once, then some after MinDelay each, the last ones after MaxDelay each, and what is left
// in between backs off from one to the other. SNS gives all of it
// 3,600 seconds at most (SNS, "Message delivery retries").
type Delivery struct {
	// Retries is how many there are in all: 1–100.
	// Default: with the zero Delivery 18, else SNS's 3.
	Retries int
	// ImmediateRetries come first, without a delay; MinDelayRetries after them;
	// MaxDelayRetries last. Together no more than Retries.
	// Default: with the zero Delivery 0, 3 and 8; else 0.
	ImmediateRetries, MinDelayRetries, MaxDelayRetries int
	// MinDelay and MaxDelay are whole seconds, 1 second to 1 hour.
	// Default: with the zero Delivery 10 s and 5 minutes, else SNS's 20 s both.
	MinDelay, MaxDelay time.Duration
	// Backoff is what happens in between.
	// Default: with the zero Delivery Exponential, else Linear.
	Backoff Backoff
	// MaxPerSecond is the most deliveries a second to the endpoint.
	// Default: 0, no limit.
	MaxPerSecond int
	// ContentType is the Content-Type of notifications.
	// Default: application/json with Raw, else SNS's text/plain; charset=UTF-8.
	ContentType string
}

// maxRetrySpan is the hard limit on all retries of an HTTP/S endpoint.
const maxRetrySpan = time.Hour

// contentTypes are those that SNS admits (SNS, "Creating an HTTP/S delivery
// policy"), but for parameters.
var contentTypes = []string{"text/plain", "application/json", "application/xml", "text/xml", "text/css", "text/csv", "text/html",
	"application/atom+xml", "application/octet-stream", "application/soap+xml", "application/x-www-form-urlencoded", "application/xhtml+xml"}

func (d Delivery) withDefaults(raw bool) Delivery {
	if d.ContentType == "" && raw {
		d.ContentType = "application/json"
	}
	schedule := d
	schedule.ContentType, schedule.MaxPerSecond = "", 0
	if schedule == (Delivery{}) {
		// Near to the hour that there is: 3 × 10 s, 7 in between, 8 × 5 minutes.
		d.Retries, d.MinDelayRetries, d.MaxDelayRetries = 18, 3, 8
		d.MinDelay, d.MaxDelay, d.Backoff = 10*time.Second, 5*time.Minute, Exponential
	}
	setDefault(&d.Retries, 3)
	if d.MinDelay == 0 && d.MaxDelay > 0 {
		d.MinDelay = min(20*time.Second, d.MaxDelay)
	}
	setDefault(&d.MinDelay, 20*time.Second)
	setDefault(&d.MaxDelay, max(20*time.Second, d.MinDelay))
	setDefault(&d.Backoff, Linear)
	return d
}

// validate expects the defaults.
func (d Delivery) validate() error {
	var c checks
	c.within("retries", d.Retries, 1, 100)
	for _, count := range []struct {
		name string
		n    int
	}{{"immediate", d.ImmediateRetries}, {"min delay", d.MinDelayRetries}, {"max delay", d.MaxDelayRetries}} {
		c.bad(count.n < 0, "%s retries must not be negative, got %d", count.name, count.n)
	}
	c.bad(d.MaxPerSecond < 0, "deliveries a second must not be negative, got %d", d.MaxPerSecond)
	backoff := d.Retries - d.ImmediateRetries - d.MinDelayRetries - d.MaxDelayRetries
	c.bad(backoff < 0, "immediate, min delay and max delay retries must be at most %d together, got %d", d.Retries, d.Retries-backoff)
	c.span("min delay", d.MinDelay, time.Second, time.Hour)
	c.span("max delay", d.MaxDelay, time.Second, time.Hour)
	c.bad(d.MinDelay > d.MaxDelay, "min delay must not exceed max delay (%v), got %v", d.MaxDelay, d.MinDelay)
	switch d.Backoff {
	case Linear, Arithmetic, Geometric, Exponential:
	default:
		c.bad(true, "backoff must be Linear, Arithmetic, Geometric or Exponential, got %q", d.Backoff)
	}
	c.bad(d.span() > maxRetrySpan, "retries must end within %v, got %v", maxRetrySpan, d.span())
	if d.ContentType != "" {
		kind, _, _ := strings.Cut(d.ContentType, ";")
		c.bad(!slices.Contains(contentTypes, kind), "content type must be one that SNS sends, got %q", d.ContentType)
	}
	return c.err()
}

// span is how long all retries take. Of the backoff functions, Linear is the
// slowest; the others' formulas SNS does not tell.
func (d Delivery) span() time.Duration {
	backoff := max(0, d.Retries-d.ImmediateRetries-d.MinDelayRetries-d.MaxDelayRetries)
	return time.Duration(d.MinDelayRetries)*d.MinDelay + time.Duration(d.MaxDelayRetries)*d.MaxDelay +
		time.Duration(backoff)*(d.MinDelay+d.MaxDelay)/2
}

// policy expects the defaults. It is without the backoff function, which the
// CDK spells in capitals and SNS's documentation does not.
func (d Delivery) policy() *awssns.DeliveryPolicy {
	policy := &awssns.DeliveryPolicy{HealthyRetryPolicy: &awssns.HealthyRetryPolicy{
		NumRetries:         jsii.Number(d.Retries),
		NumNoDelayRetries:  jsii.Number(d.ImmediateRetries),
		NumMinDelayRetries: jsii.Number(d.MinDelayRetries),
		NumMaxDelayRetries: jsii.Number(d.MaxDelayRetries),
		MinDelayTarget:     seconds(d.MinDelay),
		MaxDelayTarget:     seconds(d.MaxDelay),
	}}
	if d.MaxPerSecond > 0 {
		policy.ThrottlePolicy = &awssns.ThrottlePolicy{MaxReceivesPerSecond: jsii.Number(d.MaxPerSecond)}
	}
	if d.ContentType != "" {
		policy.RequestPolicy = &awssns.RequestPolicy{HeaderContentType: jsii.String(d.ContentType)}
	}
	return policy
}
