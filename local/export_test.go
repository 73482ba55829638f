package local

import (
	"net/http"

	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
)

// SendAll sends all bodies by POST to a path at one moment of virtual time, and
// returns the statuses when all are answered.
func (s *Stack) SendAll(path string, header http.Header, bodies [][]byte) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	statuses := make([]int, len(bodies))
	open := len(bodies)
	for i, body := range bodies {
		s.api.Serve(&apigateway.Request{Method: http.MethodPost, Path: path, Header: header, Body: body},
			func(res *apigateway.Response) { statuses[i] = res.Status; open-- })
	}
	for open > 0 && s.kernel.Step() {
	}
	return statuses
}
