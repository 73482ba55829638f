package awstest

import (
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Locked is the configuration of clients of s for many goroutines at a time. A
// Fault must then not make calls.
func (s *Server) Locked() aws.Config {
	c := s.Config()
	c.HTTPClient = &locked{server: s}
	return c
}

type locked struct {
	mu     sync.Mutex
	server *Server
}

func (l *locked) Do(req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.server.Do(req)
}
