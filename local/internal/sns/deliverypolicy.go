package sns

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

type throttlePolicy struct {
	MaxReceivesPerSecond cfn.Int `json:"maxReceivesPerSecond"`
}

func (p *throttlePolicy) check(path string) error {
	if p != nil && p.MaxReceivesPerSecond < 1 {
		return fmt.Errorf("%s.maxReceivesPerSecond must be greater than or equal to 1", path)
	}
	return nil
}

type requestPolicy struct {
	HeaderContentType string `json:"headerContentType"`
}

const defaultContentType = "text/plain; charset=UTF-8"

// contentTypes are those that a request policy may choose: all of them with raw
// delivery, the first two otherwise. Source: SNS Developer Guide, "Creating an
// HTTP/S delivery policy".
var contentTypes = []string{"application/json", "text/plain",
	"text/css", "text/csv", "text/html", "text/xml", "application/atom+xml", "application/octet-stream",
	"application/soap+xml", "application/x-www-form-urlencoded", "application/xhtml+xml", "application/xml"}

func (p *requestPolicy) check(path string, raw bool) error {
	if p == nil {
		return nil
	}
	allowed := contentTypes
	if !raw {
		allowed = contentTypes[:2]
	}
	media, _, _ := strings.Cut(p.HeaderContentType, ";")
	if !slices.Contains(allowed, strings.ToLower(strings.TrimSpace(media))) {
		return fmt.Errorf("%s.headerContentType must be one of %s", path, strings.Join(allowed, ", "))
	}
	return nil
}

// topicPolicy is the part "http" of a topic's delivery policy.
type topicPolicy struct {
	Retry            *retryPolicy    `json:"defaultHealthyRetryPolicy"`
	Sickly           *retryPolicy    `json:"defaultSicklyRetryPolicy"`
	Throttle         *throttlePolicy `json:"defaultThrottlePolicy"`
	Request          *requestPolicy  `json:"defaultRequestPolicy"`
	DisableOverrides cfn.Bool        `json:"disableSubscriptionOverrides"`

	set      bool
	schedule schedule
}

func defaultTopicPolicy() topicPolicy { return topicPolicy{schedule: defaultSchedule} }

func parseTopicPolicy(document string) (topicPolicy, error) {
	if document == "" || document == "{}" {
		return defaultTopicPolicy(), nil
	}
	var in struct {
		HTTP *topicPolicy `json:"http"`
	}
	if err := strictly(document, &in); err != nil {
		return topicPolicy{}, err
	}
	if in.HTTP == nil {
		return defaultTopicPolicy(), nil
	}
	p := *in.HTTP
	p.set = true
	var err1 error
	p.schedule, err1 = p.Retry.schedule("http.defaultHealthyRetryPolicy")
	// Raw delivery is a matter of each subscription, so that any type may be meant.
	return p, errors.Join(err1, p.Throttle.check("http.defaultThrottlePolicy"), p.Request.check("http.defaultRequestPolicy", true))
}

// shownTopicPolicy is the spelling of GetTopicAttributes.
type shownTopicPolicy struct {
	HTTP struct {
		Retry            any             `json:"defaultHealthyRetryPolicy,omitempty"`
		DisableOverrides bool            `json:"disableSubscriptionOverrides"`
		Throttle         *throttlePolicy `json:"defaultThrottlePolicy,omitempty"`
		Request          *requestPolicy  `json:"defaultRequestPolicy,omitempty"`
	} `json:"http"`
}

// text is what was set.
func (p *topicPolicy) text() string {
	var out shownTopicPolicy
	if p.Retry != nil {
		out.HTTP.Retry = p.Retry
	}
	out.HTTP.DisableOverrides, out.HTTP.Throttle, out.HTTP.Request = bool(p.DisableOverrides), p.Throttle, p.Request
	return mustMarshal(out)
}

// effective is what applies to a subscription that sets nothing of its own.
func (p *topicPolicy) effective() string {
	var out shownTopicPolicy
	out.HTTP.Retry = p.schedule
	out.HTTP.DisableOverrides, out.HTTP.Throttle = bool(p.DisableOverrides), p.Throttle
	if out.HTTP.Request = p.Request; p.Request == nil {
		out.HTTP.Request = &requestPolicy{defaultContentType}
	}
	return mustMarshal(out)
}

// subscriptionPolicy is a subscription's delivery policy.
type subscriptionPolicy struct {
	Retry      *retryPolicy    `json:"healthyRetryPolicy"`
	Sickly     *retryPolicy    `json:"sicklyRetryPolicy"`
	Throttle   *throttlePolicy `json:"throttlePolicy"`
	Request    *requestPolicy  `json:"requestPolicy"`
	Guaranteed cfn.Bool        `json:"guaranteed"`
}

func parseSubscriptionPolicy(document string, raw bool) (*subscriptionPolicy, error) {
	p := &subscriptionPolicy{}
	if err := strictly(document, p); err != nil {
		return nil, err
	}
	_, err := p.Retry.schedule("healthyRetryPolicy")
	return p, errors.Join(err, p.Throttle.check("throttlePolicy"), p.Request.check("requestPolicy", raw))
}

// effectivePolicy is what applies to an HTTP subscription in the end.
type effectivePolicy struct {
	Retry      *schedule       `json:"healthyRetryPolicy"`
	Sickly     *schedule       `json:"sicklyRetryPolicy"`
	Throttle   *throttlePolicy `json:"throttlePolicy"`
	Request    *requestPolicy  `json:"requestPolicy"`
	Guaranteed bool            `json:"guaranteed"`
}

func (p *effectivePolicy) text() string { return mustMarshal(p) }

// text is the subscription's own policy as GetSubscriptionAttributes spells it.
func (p *subscriptionPolicy) text() string {
	out := effectivePolicy{Throttle: p.Throttle, Request: p.Request, Guaranteed: bool(p.Guaranteed)}
	if p.Retry != nil {
		s, err := p.Retry.schedule("")
		if err != nil {
			panic("sns: a delivery policy that was accepted: " + err.Error())
		}
		out.Retry = &s
	}
	return mustMarshal(out)
}

// effectivePolicy puts together the topic's policy and the subscription's, whose
// parts win unless the topic forbids it.
func (sub *Subscription) effectivePolicy() effectivePolicy {
	t := &sub.topic.policy
	out := effectivePolicy{Throttle: t.Throttle, Request: t.Request}
	s := t.schedule
	out.Retry = &s
	if p := sub.policy; p != nil && !bool(t.DisableOverrides) {
		if p.Retry != nil {
			own, err := p.Retry.schedule("")
			if err != nil {
				panic("sns: a delivery policy that was accepted: " + err.Error())
			}
			out.Retry = &own
		}
		if p.Throttle != nil {
			out.Throttle = p.Throttle
		}
		if p.Request != nil {
			out.Request = p.Request
		}
		out.Guaranteed = bool(p.Guaranteed)
	}
	if out.Request == nil {
		out.Request = &requestPolicy{defaultContentType}
	}
	return out
}

const unexpectedMember = "Unexpected JSON member: " // the service's own words

// strictly decodes a policy. What it holds beside the known members is an error.
func strictly(policy string, into any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(policy)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return errors.New(unexpectedMember + strings.Trim(name, `"`))
		}
		return fmt.Errorf("failed to parse JSON. %w", err)
	}
	if d.More() {
		return errors.New("failed to parse JSON. There is something after the object")
	}
	return nil
}

func mustMarshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // numbers and strings
	}
	return string(b)
}
