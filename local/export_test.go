package local

import (
	"encoding/json"
	"net/http"

	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
)

// SendAll sends all bodies by POST to a path at one moment of virtual time, and
// returns the statuses when all are answered.
func (s *Stack) SendAll(path string, header http.Header, bodies [][]byte) []int {
	statuses := make([]int, len(bodies))
	for i, a := range s.AnswersToAll(path, header, bodies) {
		statuses[i] = a.Status
	}
	return statuses
}

// Answer is that to an order.
type Answer struct {
	Status  int
	OrderID string
}

// AnswersToAll is SendAll that returns the answers.
func (s *Stack) AnswersToAll(path string, header http.Header, bodies [][]byte) []Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	answers := make([]Answer, len(bodies))
	open := len(bodies)
	for i, body := range bodies {
		s.api.Serve(&apigateway.Request{Method: http.MethodPost, Path: path, Header: header, Body: body}, func(res *apigateway.Response) {
			answers[i].Status = res.Status
			_ = json.Unmarshal(res.Body, &answers[i]) // a refusal has no order
			open--
		})
	}
	for open > 0 && s.kernel.Step() {
	}
	return answers
}

// BreakStore has everything that is to be kept from now on fail.
func (s *Stack) BreakStore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeStore()
}

// HoldStore has everything that is to be kept wait until release is called.
func (s *Stack) HoldStore() (release func()) {
	s.writing.Lock()
	return s.writing.Unlock
}
