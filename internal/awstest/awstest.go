// Package awstest answers, in memory, the calls of AWS that the functions make,
// in AWS's own JSON protocol, for tests of single functions. Of DynamoDB's
// expressions it understands exactly what package dynamo writes, and stops the
// test at anything else. It is no model of AWS: package local is.
package awstest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Fault is what goes wrong with a call.
type Fault int

// The faults.
const (
	None   Fault = iota
	Refuse       // the service answers with an internal error and does nothing
	Lose         // the service does it, and the answer is lost
)

// Execution is an execution of a state machine.
type Execution struct{ Name, Input string }

// Server answers calls. It is for one goroutine: see Locked.
type Server struct {
	Items      map[string]Item   // by table/pk or table/pk/sk
	Executions []Execution       // in the order of their starts
	Express    bool              // names of executions need not be unique
	Secrets    map[string]string // by ARN

	Notifications []Notification // in the order of their publishing
	Mutations     []Mutation
	Messages      []Message
	// Reject makes SNS refuse one message of a batch, and AppSync a mutation, by what it has; nil: none.
	Reject func(body string) bool

	Calls []string // the actions so far
	// Fault decides what goes wrong with the n-th call, counted from 0; nil: nothing.
	Fault func(n int, action string) Fault
	// PageSize is how many items a Query returns, and how many of a BatchGetItem are
	// processed, at a time; 0: all.
	PageSize int

	Queues map[string][]*Queued // by URL, in the order in which they were sent
	// Now is the queues' clock; nil: time.Now.
	Now func() time.Time
	// RefuseMessage decides which messages a queue does not take; nil: it takes all.
	RefuseMessage func(queue, body string) bool
	sent          int
}

// New returns a server that knows nothing.
func New() *Server { return &Server{Items: map[string]Item{}, Secrets: map[string]string{}} }

// Config returns the configuration of a client of s, which does not retry.
func (s *Server) Config() aws.Config {
	return aws.Config{
		Region:      "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		HTTPClient:  s,
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

var _ aws.HTTPClient = (*Server)(nil)

// failure is an AWS error.
type failure struct {
	code   string
	status int
	fields map[string]any
}

func (f *failure) Error() string { return f.code }

// Do implements aws.HTTPClient.
func (s *Server) Do(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	action := action(req, body)
	n := len(s.Calls)
	s.Calls = append(s.Calls, action)
	fault := None
	if s.Fault != nil {
		fault = s.Fault(n, action)
	}
	if fault == Refuse {
		return respond(nil, &failure{code: "InternalServerError", status: http.StatusInternalServerError})
	}
	res, err := s.answer(req, action, body)
	if fault == Lose {
		return nil, io.ErrUnexpectedEOF
	}
	return res, err
}

func (s *Server) answer(req *http.Request, action string, body []byte) (*http.Response, error) {
	switch action {
	case "PublishBatch":
		return s.publishBatch(body)
	case PublishOrderStatus:
		return s.publishOrderStatus(req, body), nil
	case "SendMessage":
		return respond(s.sendMessage(body), nil)
	}
	return respond(s.call(action, body))
}

func (s *Server) call(action string, body []byte) (any, *failure) {
	switch action {
	case "PutItem", "UpdateItem", "DeleteItem":
		w := decode[write](body)
		return s.write(w, action)
	case "GetItem":
		w := decode[write](body)
		if it, ok := s.Items[w.path(w.Key)]; ok {
			return map[string]any{"Item": it}, nil
		}
		return struct{}{}, nil
	case "Query":
		return s.query(body), nil
	case "BatchGetItem":
		return s.batchGet(body), nil
	case "SendMessageBatch", "ChangeMessageVisibilityBatch":
		return s.queueCall(action, body)
	case "TransactWriteItems":
		return s.transact(decode[transaction](body))
	case "StartExecution":
		in := decode[struct{ Name, Input string }](body)
		for _, e := range s.Executions {
			if e.Name == in.Name && !s.Express {
				return nil, &failure{code: "ExecutionAlreadyExists"}
			}
		}
		s.Executions = append(s.Executions, Execution(in))
		return map[string]any{"executionArn": "arn:aws:states:eu-central-1:111122223333:execution:m:" + in.Name, "startDate": 1}, nil
	case "GetSecretValue":
		in := decode[struct{ SecretId string }](body)
		v, ok := s.Secrets[in.SecretId]
		if !ok {
			return nil, &failure{code: "ResourceNotFoundException"}
		}
		return map[string]any{"ARN": in.SecretId, "SecretString": v}, nil
	}
	panic(fmt.Sprintf("awstest: no action %q", action))
}

func decode[T any](body []byte) T {
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		panic(fmt.Sprintf("awstest: %v in %s", err, body))
	}
	return v
}

func respond(out any, failed *failure) (*http.Response, error) {
	status := http.StatusOK
	if failed != nil {
		status = failed.status
		if status == 0 {
			status = http.StatusBadRequest
		}
		fields := map[string]any{"__type": "com.amazonaws#" + failed.code, "message": failed.code}
		for k, v := range failed.fields {
			fields[k] = v
		}
		out = fields
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return response(status, "application/x-amz-json-1.0", b), nil
}
