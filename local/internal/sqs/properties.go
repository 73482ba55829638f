package sqs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/msgattr"
)

// QueueProperties are the properties of AWS::SQS::Queue. A nil pointer means
// the service's default, which the field's comment ends with.
type QueueProperties struct {
	QueueName string
	FifoQueue cfn.Bool

	// ContentBasedDeduplication makes the SHA-256 of the body the deduplication
	// id of a message that has none. Only FIFO. Default false.
	ContentBasedDeduplication cfn.Bool
	// DeduplicationScope is "queue" or "messageGroup". Only FIFO. Default "queue".
	DeduplicationScope string
	// FifoThroughputLimit is "perQueue" or "perMessageGroupId". No throughput
	// limit is simulated.
	FifoThroughputLimit string `local:"declared"`

	VisibilityTimeout             *cfn.Int // seconds, 0–43,200; default 30
	MessageRetentionPeriod        *cfn.Int // seconds, 60–1,209,600; default 345,600 (4 days)
	MaximumMessageSize            *cfn.Int // bytes, 1,024–1,048,576; default 1,048,576
	DelaySeconds                  *cfn.Int // seconds, 0–900; default 0
	ReceiveMessageWaitTimeSeconds *cfn.Int // seconds, 0–20; default 0

	RedrivePolicy      *RedrivePolicy
	RedriveAllowPolicy *RedriveAllowPolicy

	KmsMasterKeyId               string    `local:"declared"`
	KmsDataKeyReusePeriodSeconds *cfn.Int  `local:"declared"`
	SqsManagedSseEnabled         *cfn.Bool `local:"declared"`
	Tags                         []Tag     `local:"declared"`
}

// Tag is a tag of a resource.
type Tag struct{ Key, Value string }

// RedrivePolicy says when a message has failed too often and where it goes.
type RedrivePolicy struct {
	// DeadLetterTargetArn is the dead-letter queue. It may be created later.
	DeadLetterTargetArn string `json:"deadLetterTargetArn"`
	// MaxReceiveCount is how often a message is received before it moves, 1–1,000.
	MaxReceiveCount cfn.Int `json:"maxReceiveCount"`
}

// UnmarshalJSON takes the policy as an object or as a string that holds one,
// as CloudFormation and the API do respectively.
func (p *RedrivePolicy) UnmarshalJSON(b []byte) error {
	type plain RedrivePolicy
	return strictly("RedrivePolicy", b, (*plain)(p))
}

// RedriveAllowPolicy says which queues may use this one for dead letters.
type RedriveAllowPolicy struct {
	// RedrivePermission is "allowAll" (default), "denyAll" or "byQueue".
	RedrivePermission string `json:"redrivePermission"`
	// SourceQueueArns are the queues that byQueue allows, up to 10.
	SourceQueueArns []string `json:"sourceQueueArns,omitempty"`
}

// UnmarshalJSON takes the policy as an object or as a string that holds one.
func (p *RedriveAllowPolicy) UnmarshalJSON(b []byte) error {
	type plain RedriveAllowPolicy
	return strictly("RedriveAllowPolicy", b, (*plain)(p))
}

func strictly(name string, b []byte, into any) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		b = []byte(s)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// settings are a queue's properties with their defaults.
type settings struct {
	visibility, retention, delay, wait time.Duration
	maxSize                            int
	contentDedup, dedupPerGroup        bool
	redrive                            *RedrivePolicy
	allow                              *RedriveAllowPolicy
}

func defaultSettings() settings {
	return settings{visibility: 30 * time.Second, retention: 96 * time.Hour, maxSize: maxMessageSize}
}

// limits of the numeric attributes, in the attribute's own unit.
var limits = map[string][2]int64{
	"VisibilityTimeout":             {0, 43_200},
	"MessageRetentionPeriod":        {60, 1_209_600},
	"MaximumMessageSize":            {1024, maxMessageSize},
	"DelaySeconds":                  {0, 900},
	"ReceiveMessageWaitTimeSeconds": {0, 20},
}

func (s *settings) setNumber(name string, n int64) error {
	if l := limits[name]; n < l[0] || n > l[1] {
		return errAttributeValue(name, fmt.Sprintf("Must be from %d to %d.", l[0], l[1]))
	}
	d := time.Duration(n) * time.Second
	switch name {
	case "VisibilityTimeout":
		s.visibility = d
	case "MessageRetentionPeriod":
		s.retention = d
	case "MaximumMessageSize":
		s.maxSize = int(n)
	case "DelaySeconds":
		s.delay = d
	case "ReceiveMessageWaitTimeSeconds":
		s.wait = d
	}
	return nil
}

func (p *RedrivePolicy) validate() error {
	if p.DeadLetterTargetArn == "" {
		return errAttributeValue("RedrivePolicy", "The required parameter 'deadLetterTargetArn' is missing")
	}
	if p.MaxReceiveCount < 1 || p.MaxReceiveCount > 1000 {
		return errAttributeValue("RedrivePolicy", fmt.Sprintf(
			"Invalid value for maxReceiveCount: %d, valid values are from 1 to 1000 both inclusive.", p.MaxReceiveCount))
	}
	return nil
}

func (p *RedriveAllowPolicy) validate() error {
	switch p.RedrivePermission {
	case "", "allowAll", "denyAll":
		if len(p.SourceQueueArns) > 0 {
			return errAttributeValue("RedriveAllowPolicy", "sourceQueueArns is only valid with redrivePermission byQueue.")
		}
	case "byQueue":
		if n := len(p.SourceQueueArns); n < 1 || n > 10 {
			return errAttributeValue("RedriveAllowPolicy", fmt.Sprintf("byQueue needs 1 to 10 sourceQueueArns, got %d.", n))
		}
	default:
		return errAttributeValue("RedriveAllowPolicy", "redrivePermission must be allowAll, denyAll or byQueue.")
	}
	return nil
}

func (p *RedriveAllowPolicy) allows(arn string) bool {
	if p == nil {
		return true
	}
	switch p.RedrivePermission {
	case "denyAll":
		return false
	case "byQueue":
		for _, a := range p.SourceQueueArns {
			if a == arn {
				return true
			}
		}
		return false
	}
	return true
}

func (p QueueProperties) settings(name string) (settings, error) {
	s := defaultSettings()
	if err := checkName(name, bool(p.FifoQueue)); err != nil {
		return s, err
	}
	if p.QueueName != "" && p.QueueName != name {
		return s, fmt.Errorf("QueueName is %q but the queue is to be created as %q", p.QueueName, name)
	}
	for _, n := range []struct {
		name string
		v    *cfn.Int
	}{
		{"VisibilityTimeout", p.VisibilityTimeout},
		{"MessageRetentionPeriod", p.MessageRetentionPeriod},
		{"MaximumMessageSize", p.MaximumMessageSize},
		{"DelaySeconds", p.DelaySeconds},
		{"ReceiveMessageWaitTimeSeconds", p.ReceiveMessageWaitTimeSeconds},
	} {
		if n.v == nil {
			continue
		}
		if err := s.setNumber(n.name, int64(*n.v)); err != nil {
			return s, err
		}
	}
	if !p.FifoQueue {
		switch {
		case bool(p.ContentBasedDeduplication):
			return s, errUnknownAttribute("ContentBasedDeduplication")
		case p.DeduplicationScope != "":
			return s, errOnlyFifo("DeduplicationScope")
		case p.FifoThroughputLimit != "":
			return s, errOnlyFifo("FifoThroughputLimit")
		}
	}
	s.contentDedup = bool(p.ContentBasedDeduplication)
	switch p.DeduplicationScope {
	case "", "queue":
	case "messageGroup":
		s.dedupPerGroup = true
	default:
		return s, errAttributeValue("DeduplicationScope", "Must be queue or messageGroup.")
	}
	switch p.FifoThroughputLimit {
	case "", "perQueue":
	case "perMessageGroupId":
		if !s.dedupPerGroup {
			return s, errAttributeValue("FifoThroughputLimit", "perMessageGroupId needs DeduplicationScope messageGroup.")
		}
	default:
		return s, errAttributeValue("FifoThroughputLimit", "Must be perQueue or perMessageGroupId.")
	}
	if p.RedrivePolicy != nil {
		if err := p.RedrivePolicy.validate(); err != nil {
			return s, err
		}
		s.redrive = p.RedrivePolicy
	}
	if p.RedriveAllowPolicy != nil {
		if err := p.RedriveAllowPolicy.validate(); err != nil {
			return s, err
		}
		s.allow = p.RedriveAllowPolicy
	}
	return s, nil
}

func checkName(name string, fifo bool) error {
	base, isFifo := strings.CutSuffix(name, ".fifo")
	if fifo && !isFifo {
		return errInvalid("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.")
	}
	if !fifo {
		base = name
	}
	if base == "" || len(name) > 80 || strings.ContainsFunc(base, func(r rune) bool {
		return r > 127 || !msgattr.IsNameByte(byte(r))
	}) {
		return errInvalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}
