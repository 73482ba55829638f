package local

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
)

// Begin has the gateway answer a request and returns before it has. It is for many clients in virtual time, whose requests are under way
// at the same time, where ServeHTTP would let time pass until the first is answered. done is told the answer within the event of the stack
// that makes it: it must not call the stack, except Now.
func (s *Stack) Begin(r *http.Request, done func(*http.Response)) error {
	in := received(r)
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return err
	}
	begun := false
	s.enter(func() {
		begun = true
		start := func(body []byte, done answered) { s.answerGateway(in, body, done) }
		if s.watching.Load() {
			start = s.observeRequest(in, start)
		}
		start(body, func(status int, header http.Header, out []byte) { done(response(r, status, header, out)) }) //nolint:bodyclose // the body is in memory
	})
	if !begun {
		return errClosed
	}
	return nil
}

// answerGateway has the gateway answer a request.
func (s *Stack) answerGateway(r *http.Request, body []byte, done answered) {
	if s.api == nil {
		done(http.StatusNotFound, nil, []byte("the template has no AWS::ApiGateway::RestApi\n"))
		return
	}
	s.api.Serve(&apigateway.Request{
		Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Host: r.Host,
		Header: r.Header, Body: body, SourceIP: sourceIP(r),
	}, func(res *apigateway.Response) {
		s.billRequest(res.Status, res.Header, res.Body)
		done(res.Status, res.Header, res.Body)
	})
}

// Subscribe opens a connection to the real-time endpoint of the GraphQL API, without a websocket, starts one subscription on it and returns
// before it is acknowledged. told gets each frame for the client within the event of the stack that sends it: it must not call the
// stack, except Now. leave closes the connection.
func (s *Stack) Subscribe(token, query string, variables map[string]any, told func(frame []byte)) (leave func(), err error) {
	data, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return nil, err
	}
	var conn *appsync.Connection
	err = errClosed
	s.enter(func() {
		if s.graphQL == nil {
			err = errors.New("the template has no AWS::AppSync::GraphQLApi")
			return
		}
		credentials := map[string]string{"host": s.graphQL.Host(), "Authorization": token}
		var header, start []byte
		if header, err = json.Marshal(credentials); err != nil {
			return
		}
		if start, err = json.Marshal(map[string]any{"id": "1", "type": "start", "payload": map[string]any{
			"data": string(data), "extensions": map[string]any{"authorization": credentials},
		}}); err != nil {
			return
		}
		conn, err = s.graphQL.Connect(&appsync.Request{
			Method: http.MethodGet, Path: "/graphql", Host: s.graphQL.RealTimeHost(),
			Header: http.Header{"Sec-Websocket-Protocol": {"graphql-ws, header-" + base64.RawURLEncoding.EncodeToString(header)}},
		}, told, func(int, string) {})
		if err != nil {
			return
		}
		conn.Receive([]byte(`{"type":"connection_init"}`))
		conn.Receive(start)
	})
	if err != nil {
		return nil, err
	}
	return func() { s.enter(conn.Close) }, nil
}
