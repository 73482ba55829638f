package localtest

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
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
