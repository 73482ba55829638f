package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
)

// graphQLLatency is how long a request takes to AppSync; see latency.
const graphQLLatency = 8 * time.Millisecond

func (s *Stack) buildGraphQL(resources []appsync.Resource) error {
	if len(resources) == 0 {
		return nil
	}
	a, err := appsync.New(s.kernel, s.bus, appsync.Config{
		Region: s.opts.Region, AccountID: s.opts.AccountID,
		VerifyToken: func(issuer, token string) (map[string]any, error) {
			claims, err := s.tokens.verify(issuer, token)
			if errors.Is(err, jwt.ErrTokenExpired) {
				return nil, appsync.ErrTokenExpired
			}
			return claims, err
		},
		IdentifyIAM: s.identifyGraphQL,
		Log:         func(requestID, message string) { fmt.Fprintf(s.opts.Logs, "appsync: %s: %s\n", requestID, message) },
		OnFrame:     s.opts.OnFrame,
	}, resources)
	if err != nil {
		return err
	}
	s.notes = append(s.notes, a.Declared()...)
	s.graphQL = a
	return nil
}

// identifyGraphQL is identify for a request to AppSync.
func (s *Stack) identifyGraphQL(method, host, path, query string, header http.Header, body []byte) (*appsync.IAMIdentity, error) {
	id, err := s.signer("appsync", &apigateway.Request{Method: method, Host: host, Path: path, RawQuery: query, Header: header, Body: body})
	if err != nil {
		return nil, err
	}
	return &appsync.IAMIdentity{AccountID: id.AccountID, UserARN: id.UserARN, Username: id.User}, nil
}

func (s *Stack) isGraphQL(host string) bool {
	return s.graphQL != nil && (strings.EqualFold(host, s.graphQL.Host()) || strings.EqualFold(host, s.graphQL.RealTimeHost()))
}

func (s *Stack) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		appsync.ServeWebSocket(w, r, s.graphQL, s.enterUntil)
		return
	}
	body, err := readBody(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ip, _, _ := net.SplitHostPort(r.RemoteAddr)
	var res *appsync.Response
	err = s.await(func(done func()) {
		s.serveGraphQLRequest(&appsync.Request{
			Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Header: r.Header, Body: body, SourceIP: ip, Host: r.Host,
		}, func(answer *appsync.Response) {
			res = answer
			done()
		})
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	writeAnswer(w, res.Status, res.Header, res.Body)
}

func (s *Stack) serveGraphQLRequest(r *appsync.Request, done func(*appsync.Response)) {
	s.kernel.After(graphQLLatency, func() { s.graphQL.Serve(r, done) })
}

// graphQLFrom is a request to AppSync by a function of the stack, whose role
// stands for its signature.
func (s *Stack) graphQLFrom(req *http.Request, body []byte, role string) (*http.Response, error) {
	var res *appsync.Response
	err := lambda.Await(req.Context(), func(resume func()) {
		s.serveGraphQLRequest(&appsync.Request{
			Method: req.Method, Path: req.URL.EscapedPath(), RawQuery: req.URL.RawQuery, Header: req.Header, Body: body, Caller: role,
		}, func(answer *appsync.Response) {
			res = answer
			resume()
		})
	})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: http.StatusText(res.Status), StatusCode: res.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: res.Header, Body: io.NopCloser(bytes.NewReader(res.Body)), ContentLength: int64(len(res.Body)), Request: req,
	}, nil
}

// enterUntil is enter for what a websocket's client sends. In virtual time nobody else
// might let it be answered, so events happen until it is, as they do in await.
func (s *Stack) enterUntil(f func(), settled func() bool) {
	s.enter(func() {
		f()
		for !s.opts.RealTime && !settled() && !s.kernel.Idle() {
			s.kernel.Step()
		}
	})
}
