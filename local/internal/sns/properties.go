package sns

import (
	"encoding/json"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// TopicProperties are the properties of AWS::SNS::Topic.
type TopicProperties struct {
	TopicName   string
	DisplayName string // up to 100 characters
	// Subscription are subscriptions that have nothing but an endpoint.
	Subscription []TopicSubscription
	// SignatureVersion is "1" (SHA1) or "2" (SHA256). Default "1".
	SignatureVersion string

	// FIFO topics are refused.
	FifoTopic                 cfn.Bool
	ContentBasedDeduplication cfn.Bool
	FifoThroughputScope       string
	ArchivePolicy             json.RawMessage

	DataProtectionPolicy  json.RawMessage `local:"declared"`
	DeliveryStatusLogging []LoggingConfig `local:"declared"`
	KmsMasterKeyId        string          `local:"declared"`
	TracingConfig         string          `local:"declared"`
	Tags                  []Tag           `local:"declared"`
}

// TopicSubscription is an entry of a topic's property Subscription.
type TopicSubscription struct{ Protocol, Endpoint string }

// LoggingConfig is an entry of a topic's property DeliveryStatusLogging.
type LoggingConfig struct {
	Protocol                  string
	FailureFeedbackRoleArn    string
	SuccessFeedbackRoleArn    string
	SuccessFeedbackSampleRate cfn.Int
}

// Tag is a tag of a resource.
type Tag struct{ Key, Value string }

// SubscriptionProperties are the properties of AWS::SNS::Subscription.
type SubscriptionProperties struct {
	TopicArn string
	// Protocol is http, https, sqs or lambda. Subscriptions with email, email-json,
	// sms, firehose or application are accepted, and nothing is ever delivered to them.
	Protocol string
	Endpoint string
	// FilterPolicy is a JSON object, or a string that holds one.
	FilterPolicy json.RawMessage `json:",omitempty"`
	// FilterPolicyScope is "MessageAttributes" (default) or "MessageBody".
	FilterPolicyScope string
	// RawMessageDelivery leaves out the envelope. Only http, https, sqs and firehose.
	RawMessageDelivery cfn.Bool
	// RedrivePolicy is {"deadLetterTargetArn":…}, or a string that holds it.
	RedrivePolicy json.RawMessage `json:",omitempty"`
	// DeliveryPolicy says how deliveries to http and https endpoints are retried.
	DeliveryPolicy json.RawMessage `json:",omitempty"`
	// Region is that of the topic; another one than the service's is refused.
	Region string
	// ReplayPolicy belongs to FIFO topics and is refused.
	ReplayPolicy json.RawMessage `json:",omitempty"`

	SubscriptionRoleArn string `local:"declared"`
}

// text is the JSON document that a property holds as an object or as a string;
// empty if there is none.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}
