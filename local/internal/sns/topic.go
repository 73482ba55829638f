package sns

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
	"github.com/orderflow-cdk/orderflow/local/internal/msgattr"
)

// Limits of a message and of the attribute MaximumMessageSize, in bytes.
// Source: SNS API Reference, SetTopicAttributes.
const (
	defaultMessageSize = 256 << 10
	minMessageSize     = 1 << 10
	maxMessageSize     = 1 << 20
)

// Topic is a standard topic.
type Topic struct {
	Name, ARN string

	s             *Service
	signature     int // version: 1 or 2
	maxSize       int
	policy        topicPolicy
	attributes    map[string]string // that were set and have no effect
	settings      settings          // all that were set
	subscriptions []*Subscription   // in order of creation, those pending included
	deleted       int
}

// CreateTopic makes a topic and the subscriptions that its own properties list.
func (s *Service) CreateTopic(name string, p TopicProperties) (*Topic, error) {
	t, err := s.newTopic(name, p)
	if err != nil {
		return nil, fmt.Errorf("sns: topic %s: %w", name, err)
	}
	for _, sub := range p.Subscription {
		if _, err := s.CreateSubscription(SubscriptionProperties{TopicArn: t.ARN, Protocol: sub.Protocol, Endpoint: sub.Endpoint}); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (s *Service) newTopic(name string, p TopicProperties) (*Topic, error) {
	if p.TopicName != "" && p.TopicName != name {
		return nil, fmt.Errorf("TopicName is %q but the topic is to be created as %q", p.TopicName, name)
	}
	switch {
	case bool(p.FifoTopic) || strings.HasSuffix(name, ".fifo"):
		return nil, errors.New("FIFO topics are not simulated")
	case bool(p.ContentBasedDeduplication), p.FifoThroughputScope != "", len(p.ArchivePolicy) > 0:
		return nil, errors.New("ContentBasedDeduplication, FifoThroughputScope and ArchivePolicy need a FIFO topic, which is not simulated")
	}
	if name == "" || len(name) > 256 || strings.ContainsFunc(name, func(r rune) bool { return r > 127 || !msgattr.IsNameByte(byte(r)) }) {
		return nil, errInvalid("Topic Name")
	}
	t := &Topic{
		Name: name, ARN: s.topicARN(name),
		s: s, signature: 1, maxSize: defaultMessageSize, policy: defaultTopicPolicy(), attributes: map[string]string{},
	}
	if s.byARN[t.ARN] != nil {
		return nil, errors.New("it exists already")
	}
	for _, a := range []struct{ name, value string }{{"DisplayName", p.DisplayName}, {"SignatureVersion", p.SignatureVersion},
		{"KmsMasterKeyId", p.KmsMasterKeyId}, {"TracingConfig", p.TracingConfig}} {
		if a.value == "" {
			continue
		}
		if err := t.setAttribute(a.name, a.value); err != nil {
			return nil, err
		}
	}
	t.settings.declared = maps.Clone(t.settings.now)
	s.topics = append(s.topics, t)
	s.byARN[t.ARN] = t
	t.touch()
	return t, nil
}

// Subscriptions returns the topic's subscriptions, pending ones included, in the
// order in which they were made.
func (t *Topic) Subscriptions() []*Subscription { return t.subscriptions }

func (t *Topic) count() (confirmed, pending int) {
	for _, sub := range t.subscriptions {
		if sub.pending {
			pending++
		} else {
			confirmed++
		}
	}
	return confirmed, pending
}

// setAttribute sets an attribute as SetTopicAttributes does.
func (t *Topic) setAttribute(name, value string) error {
	if err := t.apply(name, value); err != nil {
		return err
	}
	t.settings.set(name, value)
	t.touch()
	return nil
}

func (t *Topic) apply(name, value string) error {
	switch name {
	case "DisplayName":
		if utf8.RuneCountInString(value) > 100 || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' }) {
			return errInvalid("DisplayName")
		}
	case "SignatureVersion":
		switch value {
		case "1", "2":
			t.signature = int(value[0] - '0')
		default:
			return errInvalid("SignatureVersion")
		}
	case "MaximumMessageSize":
		return t.setMaximumMessageSize(value)
	case "DeliveryPolicy":
		p, err := parseTopicPolicy(value)
		if err != nil {
			return errInvalid("DeliveryPolicy: %s", err)
		}
		t.policy = p
		return nil
	case "TracingConfig":
		if value != "PassThrough" && value != "Active" {
			return errInvalid("TracingConfig")
		}
	case "KmsMasterKeyId":
	case "Policy":
		return fmt.Errorf("sns: to set the attribute %s is not simulated", name)
	default:
		if !isFeedback(name) {
			return errInvalid("AttributeName")
		}
	}
	t.attributes[name] = value
	return nil
}

// isFeedback says whether an attribute configures the logging of deliveries.
func isFeedback(name string) bool {
	for _, protocol := range []string{"HTTP", "Firehose", "Lambda", "Application", "SQS"} {
		switch strings.TrimPrefix(name, protocol) {
		case "SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn":
			return true
		}
	}
	return false
}

func (s *Service) listTopics(c api.Call) ([]byte, error) {
	var in struct{ NextToken string }
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	type item struct{ TopicArn string }
	topics, next, err := page(s.topics, in.NextToken)
	if err != nil {
		return nil, err
	}
	items := make([]item, 0, len(topics))
	for _, t := range topics {
		items = append(items, item{t.ARN})
	}
	return jsontext.Marshal(struct {
		Topics    []item
		NextToken string `json:",omitempty"`
	}{items, next})
}
