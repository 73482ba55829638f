package sns

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// setAll sets the attributes of a new subscription.
func (sub *Subscription) setAll(attributes map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := sub.set(name, attributes[name]); err != nil {
			return err
		}
	}
	return sub.settle()
}

// set checks and keeps one attribute; settle gives it its effect.
func (sub *Subscription) set(name, value string) error {
	switch name {
	case "RawMessageDelivery":
		if value != "true" && value != "false" {
			return errInvalid("RawMessageDelivery: Invalid value [%s]. Must be true or false.", value)
		}
		if value == "true" && !sub.mayBeRaw() {
			return errInvalid("RawMessageDelivery: Raw message delivery is not supported for the protocol %s.", sub.Protocol)
		}
	case "FilterPolicy":
		if value == "" || value == "{}" {
			delete(sub.attributes, name)
			return nil
		}
	case "FilterPolicyScope":
		if value != scopeAttributes && value != scopeBody {
			return errInvalid("FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", value)
		}
	case "RedrivePolicy":
		if value == "" || value == "{}" {
			delete(sub.attributes, name)
			return nil
		}
		if _, err := deadLetterTarget(value); err != nil {
			return err
		}
	case "DeliveryPolicy":
		if sub.Protocol != "http" && sub.Protocol != "https" {
			return errInvalid("DeliveryPolicy: only http and https subscriptions have one")
		}
		if value == "" || value == "{}" || value == "null" {
			delete(sub.attributes, name)
			return nil
		}
	case "SubscriptionRoleArn":
	case "ReplayPolicy", "ReplayStatus":
		return fmt.Errorf("sns: %s needs a FIFO topic, which is not simulated", name)
	default:
		return errInvalid("AttributeName")
	}
	sub.attributes[name] = value
	return nil
}

func (sub *Subscription) mayBeRaw() bool {
	switch sub.Protocol {
	case "http", "https", "sqs", "firehose":
		return true
	}
	return false
}

// settle derives from the attributes what deliveries need.
func (sub *Subscription) settle() error {
	var err error
	sub.raw = sub.attributes["RawMessageDelivery"] == "true"
	sub.filter = nil
	if p := sub.attributes["FilterPolicy"]; p != "" {
		if sub.filter, err = compileFilter(p, sub.scope()); err != nil {
			return err
		}
	}
	sub.deadLetters = ""
	if p := sub.attributes["RedrivePolicy"]; p != "" {
		if sub.deadLetters, err = deadLetterTarget(p); err != nil {
			return err
		}
	}
	sub.policy = nil
	if p := sub.attributes["DeliveryPolicy"]; p != "" {
		if sub.policy, err = parseSubscriptionPolicy(p, sub.raw); err != nil {
			return errInvalid("DeliveryPolicy: %s", err)
		}
	}
	return nil
}

const (
	scopeAttributes = "MessageAttributes"
	scopeBody       = "MessageBody"
)

func (sub *Subscription) scope() string {
	if s := sub.attributes["FilterPolicyScope"]; s != "" {
		return s
	}
	return scopeAttributes
}

// shown are the attributes that GetSubscriptionAttributes returns.
func (sub *Subscription) shown() map[string]string {
	out := map[string]string{
		"ConfirmationWasAuthenticated": strconv.FormatBool(sub.authenticated || !sub.confirms()),
		"Endpoint":                     sub.Endpoint,
		"Owner":                        sub.topic.s.account,
		"PendingConfirmation":          strconv.FormatBool(sub.pending),
		"Protocol":                     sub.Protocol,
		"RawMessageDelivery":           strconv.FormatBool(sub.raw),
		"SubscriptionArn":              sub.ARN,
		"SubscriptionPrincipal":        sub.principal,
		"TopicArn":                     sub.topic.ARN,
	}
	for _, name := range []string{"FilterPolicy", "RedrivePolicy", "SubscriptionRoleArn"} {
		if v := sub.attributes[name]; v != "" {
			out[name] = v
		}
	}
	if sub.filter != nil {
		out["FilterPolicyScope"] = sub.scope()
	}
	if sub.isHTTP() {
		if sub.policy != nil {
			out["DeliveryPolicy"] = sub.policy.text()
		}
		effective := sub.effectivePolicy()
		out["EffectiveDeliveryPolicy"] = effective.text()
	}
	return out
}

func (sub *Subscription) isHTTP() bool { return sub.Protocol == "http" || sub.Protocol == "https" }

// confirms says whether the owner of the endpoint has to confirm. Source: SNS API
// Reference, Subscribe (endpoints of other accounts are not simulated).
func (sub *Subscription) confirms() bool {
	return sub.isHTTP() || sub.Protocol == "email" || sub.Protocol == "email-json"
}

func (s *Service) getSubscriptionAttributes(c api.Call) ([]byte, error) {
	var in struct{ SubscriptionArn string }
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	sub, err := s.findSubscription(in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	return jsontext.Marshal(struct{ Attributes map[string]string }{sub.shown()})
}

func (s *Service) setSubscriptionAttributes(c api.Call) ([]byte, error) {
	var in struct {
		SubscriptionArn, AttributeName string
		AttributeValue                 string
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	sub, err := s.findSubscription(in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	before := maps.Clone(sub.attributes)
	if err = sub.set(in.AttributeName, in.AttributeValue); err == nil {
		err = sub.settle()
	}
	if err != nil {
		sub.attributes = before
		if err := sub.settle(); err != nil {
			panic(fmt.Sprintf("sns: attributes of %s that were accepted before: %v", sub.ARN, err))
		}
		return nil, err
	}
	sub.touch()
	return []byte("{}"), nil
}

func (s *Service) getTopicAttributes(c api.Call) ([]byte, error) {
	var in struct{ TopicArn string }
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	t, err := s.find(in.TopicArn)
	if err != nil {
		return nil, err
	}
	confirmed, pending := t.count()
	out := map[string]string{
		"TopicArn":                t.ARN,
		"Owner":                   s.account,
		"DisplayName":             "",
		"SubscriptionsConfirmed":  strconv.Itoa(confirmed),
		"SubscriptionsPending":    strconv.Itoa(pending),
		"SubscriptionsDeleted":    strconv.Itoa(t.deleted),
		"EffectiveDeliveryPolicy": t.policy.effective(),
	}
	if t.policy.set {
		out["DeliveryPolicy"] = t.policy.text()
	}
	maps.Copy(out, t.attributes)
	return jsontext.Marshal(struct{ Attributes map[string]string }{out})
}

func (s *Service) setTopicAttributes(c api.Call) ([]byte, error) {
	var in struct{ TopicArn, AttributeName, AttributeValue string }
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	t, err := s.find(in.TopicArn)
	if err != nil {
		return nil, err
	}
	if err := t.setAttribute(in.AttributeName, in.AttributeValue); err != nil {
		return nil, err
	}
	return []byte("{}"), nil
}

func (s *Service) findSubscription(arn string) (*Subscription, error) {
	if sub := s.subscriptions[arn]; sub != nil {
		return sub, nil
	}
	if err := checkARN("SubscriptionArn", arn); err != nil {
		return nil, err
	}
	return nil, errNotFound("Subscription")
}

// setMaximumMessageSize sets the largest message. Source: SNS API Reference,
// SetTopicAttributes: above 256 KiB only with up to 100 subscriptions of kinds
// that can take as much.
func (t *Topic) setMaximumMessageSize(value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < minMessageSize || n > maxMessageSize {
		return errInvalid("MaximumMessageSize Reason: must be between %d and %d", minMessageSize, maxMessageSize)
	}
	if n > defaultMessageSize {
		for i, sub := range t.subscriptions {
			if i >= 100 || sub.Protocol != "sqs" && sub.Protocol != "lambda" && sub.Protocol != "firehose" {
				return errInvalid("MaximumMessageSize Reason: more than %d bytes need 100 or fewer subscriptions, all of them Amazon SQS, Amazon Data Firehose or Lambda", defaultMessageSize)
			}
		}
	}
	t.maxSize = n
	t.attributes["MaximumMessageSize"] = value
	return nil
}
