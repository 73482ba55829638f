package local

import (
	"errors"
	"net/http"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
)

func (s *Stack) buildGraphQL(resources []appsync.Resource) error {
	if len(resources) == 0 {
		return nil
	}
	a, err := appsync.New(s.kernel, s.bus.as("appsync.amazonaws.com"), appsync.Config{
		Region: s.opts.Region, AccountID: s.opts.AccountID,
		VerifyToken: func(issuer, token string) (map[string]any, error) {
			claims, err := s.tokens.verify(issuer, token)
			if errors.Is(err, jwt.ErrTokenExpired) {
				return nil, appsync.ErrTokenExpired
			}
			return claims, err
		},
		IdentifyIAM: s.identifyGraphQL,
		AllowIAM:    s.allowGraphQL,
		Log:         s.logGraphQL,
		OnFrame:     s.observeFrame,
	}, resources)
	if err != nil {
		return err
	}
	s.notes = append(s.notes, a.Declared()...)
	s.graphQL = a
	return nil
}

// controlGraphQL is a call of AppSync's own API.
func (s *Stack) controlGraphQL(c api.Call) (out []byte, err error) {
	control := appsync.Control{API: s.graphQL, Account: s.opts.AccountID, Now: s.kernel.Now, Rand: s.kernel.Rand()}
	if s.graphQL != nil && s.names.endpoint != "" {
		control.URLs = func() (graphQL, realTime string) {
			outside := s.names
			outside.outside = true
			graphQL, _ = outside.getAtt(s.graphQL.ID(), "AWS::AppSync::GraphQLApi", "GraphQLUrl") // it has these attributes
			realTime, _ = outside.getAtt(s.graphQL.ID(), "AWS::AppSync::GraphQLApi", "RealtimeUrl")
			return graphQL, realTime
		}
	}
	control.Do(c, func(b []byte, failed error) { out, err = b, failed })
	return out, err
}

// identifyGraphQL is identify for a request to AppSync.
func (s *Stack) identifyGraphQL(method, host, path, query string, header http.Header, body []byte) (*appsync.IAMIdentity, error) {
	id, err := s.signer("appsync", &apigateway.Request{Method: method, Host: host, Path: path, RawQuery: query, Header: header, Body: body})
	if err != nil {
		return nil, err
	}
	return &appsync.IAMIdentity{AccountID: id.AccountID, UserARN: id.UserARN, Username: id.User}, nil
}

func (w *world) isGraphQL(host string) bool {
	return w.graphQL != nil && (strings.EqualFold(host, w.graphQL.Host()) || strings.EqualFold(host, w.graphQL.RealTimeHost()))
}

func (s *Stack) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	if api := s.current.Load().graphQL; r.Header.Get("Upgrade") != "" && api != nil {
		appsync.ServeWebSocket(w, r, api, s.enterUntil, s.release)
		return
	}
	s.serve(w, r, func(body []byte, done answered) {
		if s.graphQL == nil { // any more
			done(http.StatusNotFound, nil, []byte("the template has no AWS::AppSync::GraphQLApi\n"))
			return
		}
		s.requestGraphQL(&appsync.Request{
			Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Header: r.Header, Body: body, SourceIP: sourceIP(r), Host: r.Host,
		}, func(res *appsync.Response) { done(res.Status, res.Header, res.Body) })
	})
}

func (s *Stack) requestGraphQL(r *appsync.Request, done func(*appsync.Response)) {
	s.kernel.After(latency["appsync"], func() {
		s.graphQL.Serve(r, func(res *appsync.Response) {
			s.use(GraphQLOperations, s.graphQL.ID(), "", 1)
			s.use(GraphQLBytes, s.graphQL.ID(), "", int64(len(res.Body)+headerSize(res.Header)))
			done(res)
		})
	})
}

// graphQLFrom is a request to AppSync by a function of the stack, whose role
// stands for its signature.
func (s *Stack) graphQLFrom(req *http.Request, body []byte, role string) (*http.Response, error) {
	var res *appsync.Response
	err := lambda.Await(req.Context(), func(resume func()) {
		s.requestGraphQL(&appsync.Request{
			Method: req.Method, Path: req.URL.EscapedPath(), RawQuery: req.URL.RawQuery, Header: req.Header, Body: body, Caller: role,
		}, func(answer *appsync.Response) {
			res = answer
			resume()
		})
	})
	if err != nil {
		return nil, err
	}
	return response(req, res.Status, res.Header, res.Body), nil
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
