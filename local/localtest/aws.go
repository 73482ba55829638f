package localtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// AWS makes a call of a service, such as "sqs:SendMessage", from outside the stack, with all
// permissions. Input and answer are JSON documents of the service's AWS JSON protocol. A call
// that is refused ends the test.
func (s *Stack) AWS(action string, in M) Value {
	s.t.Helper()
	out, err := s.TryAWS(action, in)
	if err != nil {
		s.t.Fatalf("localtest: %s: %v", action, err)
	}
	return out
}

// TryAWS is AWS that returns the service's error.
func (s *Stack) TryAWS(action string, in M) (Value, error) {
	s.t.Helper()
	service, name, ok := strings.Cut(action, ":")
	if !ok {
		s.t.Fatalf("localtest: %q is no action of a service, such as sqs:SendMessage", action)
	}
	out, err := s.Call(service, name, encode(s.t, in))
	if err != nil {
		return Value{}, err
	}
	if len(out) == 0 {
		out = []byte("{}")
	}
	return Value{out, s.t}, nil
}

// Config is for clients of the AWS SDK, which reach the stack with all permissions. They try each
// call once: their waits would be by the wall clock.
func (s *Stack) Config() aws.Config { return s.config(s.RootCredentials()) }

// ConfigOf is Config with the permissions of a role of the template, by its ARN.
func (s *Stack) ConfigOf(roleARN string) aws.Config {
	s.t.Helper()
	credentials, err := s.RoleCredentials(roleARN)
	if err != nil {
		s.t.Fatalf("localtest: %v", err)
	}
	return s.config(credentials)
}

func (s *Stack) config(c aws.Credentials) aws.Config {
	return aws.Config{
		Region: s.Region(), RetryMaxAttempts: 1, HTTPClient: &http.Client{Transport: stackTime{s, c}},
		Credentials: aws.AnonymousCredentials{}, // the SDK signs by the wall clock
	}
}

// stackTime signs the SDK's requests by the stack's clock.
type stackTime struct {
	stack       *Stack
	credentials aws.Credentials
}

// RoundTrip implements http.RoundTripper.
func (t stackTime) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close() // it was read to its end
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	// sqs.eu-central-1.amazonaws.com, streams.dynamodb.eu-central-1.amazonaws.com
	service, _, _ := strings.Cut(req.URL.Hostname(), "."+t.stack.Region()+".")
	service = service[strings.LastIndexByte(service, '.')+1:]
	if err := sign(req, t.credentials, body, service, t.stack); err != nil {
		return nil, err
	}
	return t.stack.Transport().RoundTrip(req)
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("localtest: %v", err)
	}
	return b
}

// Waiting is how many messages can be received from a queue.
func (s *Stack) Waiting(queueURL string) int {
	s.t.Helper()
	n, err := strconv.Atoi(s.queueAttribute(queueURL, "ApproximateNumberOfMessages"))
	if err != nil {
		s.t.Fatalf("localtest: %v", err)
	}
	return n
}

// Redrive begins to move what is in a dead-letter queue back to where it came from.
func (s *Stack) Redrive(queueURL string) {
	s.t.Helper()
	s.AWS("sqs:StartMessageMoveTask", M{"SourceArn": s.queueAttribute(queueURL, "QueueArn")})
}

func (s *Stack) queueAttribute(url, name string) string {
	s.t.Helper()
	return s.AWS("sqs:GetQueueAttributes", M{"QueueUrl": url, "AttributeNames": []string{name}}).Text("Attributes." + name)
}
