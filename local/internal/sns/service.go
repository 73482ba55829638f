package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/uuid"
)

// Post makes an HTTP or HTTPS request from inside the simulation. done is called
// exactly once, in this event or in a later one, with the response or with an
// error, which it must be after timeout of simulated time at the latest. The
// service closes the response's body.
type Post func(r *http.Request, timeout time.Duration, done func(res *http.Response, err error))

// DeliveryTimeout is how long SNS waits for an HTTP endpoint's answer.
// Source: SNS Developer Guide, "Fanout to HTTP/S endpoints", step 1: an endpoint
// that does not answer within 15 seconds has failed.
const DeliveryTimeout = 15 * time.Second

// Service is the topics of one account in one region.
type Service struct {
	// BaseURL begins the URLs in messages: those of the signing certificate,
	// of confirming and of unsubscribing. Default https://sns.<region>.amazonaws.com.
	BaseURL string
	// Log gets a line for each message that cannot be delivered; nil means nowhere.
	Log io.Writer

	k               *sim.Kernel
	bus             api.Service
	post            Post
	region, account string
	topics          []*Topic // in order of creation
	byARN           map[string]*Topic
	subscriptions   map[string]*Subscription // by ARN; unsubscribed ones are not in it
	tokens          map[string]*token
	ids             *rand.Rand
	keeping
}

// NewService returns a service without topics. Deliveries to queues and functions
// are calls on bus, those to HTTP endpoints go through post, which may be nil:
// then subscriptions with such an endpoint are refused.
func NewService(k *sim.Kernel, bus api.Service, region, account string, post Post) *Service {
	return &Service{
		BaseURL: "https://sns." + region + ".amazonaws.com",
		k:       k, bus: bus, post: post, region: region, account: account,
		byARN: map[string]*Topic{}, subscriptions: map[string]*Subscription{}, tokens: map[string]*token{}, keeping: newKeeping(),
		// Ids come from a stream of their own, so that how many are made does
		// not shift the kernel's other random choices.
		ids: rand.New(rand.NewPCG(k.Rand().Uint64(), k.Rand().Uint64())),
	}
}

// Topic returns a topic by its name or its ARN; nil if there is none.
func (s *Service) Topic(ref string) *Topic {
	if !strings.HasPrefix(ref, "arn:") {
		ref = s.topicARN(ref)
	}
	return s.byARN[ref]
}

// Subscription returns a subscription by its ARN; nil if there is none.
func (s *Service) Subscription(arn string) *Subscription { return s.subscriptions[arn] }

// Check reports every subscription whose queue or function, and every redrive
// policy whose queue, does not exist by what exists says of its ARN. It is for
// when all resources are created.
func (s *Service) Check(exists func(arn string) bool) error {
	var errs []error
	for _, t := range s.topics {
		for _, sub := range t.subscriptions {
			if (sub.Protocol == "sqs" || sub.Protocol == "lambda") && !exists(sub.Endpoint) {
				errs = append(errs, fmt.Errorf("sns: topic %s: the subscribed endpoint %s does not exist or is not simulated", t.Name, sub.Endpoint))
			}
			if arn := sub.deadLetters; arn != "" && !exists(arn) {
				errs = append(errs, fmt.Errorf("sns: topic %s: subscription of %s: the dead-letter queue %s does not exist or is not simulated", t.Name, sub.Endpoint, arn))
			}
		}
	}
	return errors.Join(errs...)
}

// Do implements api.Service. Input and output are JSON documents with the members
// of the API's input and output shapes; DecodeQuery and EncodeResponse turn the
// query protocol into them and back. Calls of actions that SNS has and this
// package does not simulate fail with a plain error, which is not an AWS error.
func (s *Service) Do(c api.Call, done func(out []byte, err error)) {
	action, ok := actions[c.Action]
	if !ok {
		done(nil, fmt.Errorf("sns: action %s is not simulated", c.Action))
		return
	}
	done(action(s, c))
}

var actions map[string]func(*Service, api.Call) ([]byte, error)

func init() {
	actions = map[string]func(*Service, api.Call) ([]byte, error){
		"Publish":                   (*Service).publish,
		"PublishBatch":              (*Service).publishBatch,
		"Subscribe":                 (*Service).subscribe,
		"ConfirmSubscription":       (*Service).confirmSubscription,
		"Unsubscribe":               (*Service).unsubscribe,
		"ListSubscriptions":         (*Service).listSubscriptions,
		"ListSubscriptionsByTopic":  (*Service).listSubscriptionsByTopic,
		"ListTopics":                (*Service).listTopics,
		"GetTopicAttributes":        (*Service).getTopicAttributes,
		"SetTopicAttributes":        (*Service).setTopicAttributes,
		"GetSubscriptionAttributes": (*Service).getSubscriptionAttributes,
		"SetSubscriptionAttributes": (*Service).setSubscriptionAttributes,
	}
}

func decode(input []byte, into any) error {
	if len(input) == 0 {
		return nil
	}
	if err := json.Unmarshal(input, into); err != nil {
		return api.Errorf("SerializationException", "%s", err.Error())
	}
	return nil
}

func (s *Service) logf(format string, args ...any) {
	if s.Log != nil {
		_, _ = fmt.Fprintf(s.Log, "sns: "+format+"\n", args...)
	}
}

// newID returns a random UUID.
func (s *Service) newID() string { return uuid.New(s.ids) }

// random fills b, whose length is a multiple of 8.
func (s *Service) random(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		n := s.ids.Uint64()
		for i := range 8 {
			b[i] = byte(n >> (8 * i))
		}
	}
}

func (s *Service) topicARN(name string) string {
	return "arn:" + partition(s.region) + ":sns:" + s.region + ":" + s.account + ":" + name
}

func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
