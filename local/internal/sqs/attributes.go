package sqs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

func errUnknownAttribute(name string) *api.Error {
	return api.Errorf(codeInvalidAttrName, "Unknown Attribute %s.", name)
}

func errOnlyFifo(name string) *api.Error {
	return api.Errorf(codeInvalidAttrName, "You can specify the %s only when FifoQueue is set to true.", name)
}

func errAttributeValue(name, reason string) *api.Error {
	return api.Errorf(codeInvalidAttrValue, "Invalid value for the parameter %s. Reason: %s", name, reason)
}

// queueAttributes gives the values that GetQueueAttributes returns. An empty
// value means that the queue does not have the attribute.
var queueAttributes = map[string]func(*Queue) string{
	"QueueArn":                              func(q *Queue) string { return q.ARN },
	"ApproximateNumberOfMessages":           func(q *Queue) string { return strconv.Itoa(q.ready) },
	"ApproximateNumberOfMessagesNotVisible": func(q *Queue) string { return strconv.Itoa(q.inFlight) },
	"ApproximateNumberOfMessagesDelayed":    func(q *Queue) string { return strconv.Itoa(q.delayed) },
	"CreatedTimestamp":                      func(q *Queue) string { return strconv.FormatInt(q.created.Unix(), 10) },
	"LastModifiedTimestamp":                 func(q *Queue) string { return strconv.FormatInt(q.modified.Unix(), 10) },
	"VisibilityTimeout":                     func(q *Queue) string { return seconds(q.set.visibility) },
	"MaximumMessageSize":                    func(q *Queue) string { return strconv.Itoa(q.set.maxSize) },
	"MessageRetentionPeriod":                func(q *Queue) string { return seconds(q.set.retention) },
	"DelaySeconds":                          func(q *Queue) string { return seconds(q.set.delay) },
	"ReceiveMessageWaitTimeSeconds":         func(q *Queue) string { return seconds(q.set.wait) },
	"RedrivePolicy":                         func(q *Queue) string { return policyText(q.set.redrive) },
	"RedriveAllowPolicy":                    func(q *Queue) string { return policyText(q.set.allow) },
	"FifoQueue":                             func(q *Queue) string { return q.onlyFifo("true") },
	"ContentBasedDeduplication":             func(q *Queue) string { return q.onlyFifo(strconv.FormatBool(q.set.contentDedup)) },
	"DeduplicationScope": func(q *Queue) string {
		if q.set.dedupPerGroup {
			return "messageGroup"
		}
		return q.onlyFifo("queue")
	},
	"FifoThroughputLimit": func(q *Queue) string {
		if q.props.FifoThroughputLimit != "" {
			return q.props.FifoThroughputLimit
		}
		return q.onlyFifo("perQueue")
	},
	"KmsMasterKeyId": func(q *Queue) string { return q.props.KmsMasterKeyId },
	"KmsDataKeyReusePeriodSeconds": func(q *Queue) string {
		if n := q.props.KmsDataKeyReusePeriodSeconds; n != nil {
			return strconv.FormatInt(int64(*n), 10)
		}
		return ""
	},
	"SqsManagedSseEnabled": func(q *Queue) string {
		if on := q.props.SqsManagedSseEnabled; on != nil {
			return strconv.FormatBool(bool(*on))
		}
		return strconv.FormatBool(q.props.KmsMasterKeyId == "")
	},
	// Access policies are no part of the queue here.
	"Policy": func(*Queue) string { return "" },
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

func (q *Queue) onlyFifo(v string) string {
	if q.FIFO {
		return v
	}
	return ""
}

func policyText[T any](p *T) string {
	if p == nil {
		return ""
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and an integer
	}
	return string(b)
}

func (s *Service) getQueueAttributes(c api.Call) ([]byte, error) {
	var in struct {
		onQueue
		AttributeNames []string
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	q, err := s.find(in.onQueue)
	if err != nil {
		return nil, err
	}
	q.settle()
	q.expire()
	out := map[string]string{}
	for _, name := range in.AttributeNames {
		if name == "All" {
			for name, get := range queueAttributes {
				if v := get(q); v != "" {
					out[name] = v
				}
			}
			continue
		}
		get, ok := queueAttributes[name]
		if !ok {
			return nil, errUnknownAttribute(name)
		}
		if v := get(q); v != "" {
			out[name] = v
		}
	}
	if len(out) == 0 {
		return []byte("{}"), nil
	}
	return json.Marshal(struct{ Attributes map[string]string }{out})
}

func (s *Service) setQueueAttributes(c api.Call) ([]byte, error) {
	var in struct {
		onQueue
		Attributes map[string]string
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	q, err := s.find(in.onQueue)
	if err != nil {
		return nil, err
	}
	if in.Attributes == nil {
		return nil, errMissing("Attributes")
	}
	set := q.set
	for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
		if err := q.setAttribute(&set, name, in.Attributes[name]); err != nil {
			return nil, err
		}
	}
	q.override(in.Attributes)
	q.set, q.modified = set, q.k.Now()
	q.changed()
	q.expiry = time.Time{} // the retention period may be another
	q.stir()
	return []byte("{}"), nil
}

func (q *Queue) setAttribute(set *settings, name, value string) error {
	switch name {
	case "VisibilityTimeout", "MessageRetentionPeriod", "MaximumMessageSize", "DelaySeconds", "ReceiveMessageWaitTimeSeconds":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return errAttributeValue(name, "Must be an integer.")
		}
		return set.setNumber(name, n)
	case "RedrivePolicy":
		if set.redrive = nil; value == "" {
			return nil
		}
		p := &RedrivePolicy{}
		if err := p.UnmarshalJSON([]byte(value)); err != nil {
			return errAttributeValue(name, "Redrive policy is not a valid JSON map.")
		}
		set.redrive = p
		if err := p.validate(); err != nil {
			return err
		}
		probe := *q
		probe.set = *set
		if _, err := probe.deadLetterQueue(); err != nil {
			return errInvalid("Value %s for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist or cannot be used.", value)
		}
		return nil
	case "RedriveAllowPolicy":
		if set.allow = nil; value == "" {
			return nil
		}
		p := &RedriveAllowPolicy{}
		if err := p.UnmarshalJSON([]byte(value)); err != nil {
			return errAttributeValue(name, "Redrive allow policy is not a valid JSON map.")
		}
		set.allow = p
		return p.validate()
	case "FifoQueue":
		if q.FIFO && value == "true" {
			return nil
		}
		if q.FIFO {
			return errAttributeValue(name, "Modifying queue type is not supported.")
		}
		return errUnknownAttribute(name)
	case "ContentBasedDeduplication":
		if !q.FIFO {
			return errUnknownAttribute(name)
		}
		set.contentDedup = value == "true"
		return nil
	case "DeduplicationScope":
		if !q.FIFO {
			return errOnlyFifo(name)
		}
		if value != "queue" && value != "messageGroup" {
			return errAttributeValue(name, "Must be queue or messageGroup.")
		}
		set.dedupPerGroup = value == "messageGroup"
		return nil
	}
	if _, ok := queueAttributes[name]; ok && name != "QueueArn" {
		return fmt.Errorf("sqs: to set the attribute %s is not simulated", name)
	}
	return errUnknownAttribute(name)
}
