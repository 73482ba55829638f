package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/orderflow-cdk/orderflow/local/internal/apigateway"
)

func (s *Stack) gatewayConfig() apigateway.Config {
	return apigateway.Config{
		Region: s.opts.Region, AccountID: s.opts.AccountID,
		AccessLog:   s.logAccess,
		Log:         func(requestID, message string) { fmt.Fprintf(s.opts.Logs, "gateway: %s: %s\n", requestID, message) },
		VerifyToken: s.verifyToken,
		Identify:    s.identify,
	}
}

// verifyToken checks a token against the user pools of an authorizer.
func (s *Stack) verifyToken(a *apigateway.Authorizer, token string) (map[string]any, error) {
	err := fmt.Errorf("%s names no user pool", a.LogicalID)
	for _, arn := range a.ProviderARNs {
		_, pool, ok := strings.Cut(arn, ":userpool/")
		if !ok {
			return nil, fmt.Errorf("%s is no user pool", arn)
		}
		var claims map[string]any
		if claims, err = s.tokens.verify(s.issuer(pool), token); err == nil {
			return claims, nil
		}
	}
	if errors.Is(err, jwt.ErrTokenExpired) {
		return nil, apigateway.ErrTokenExpired
	}
	return nil, err
}

func (s *Stack) issuer(pool string) string {
	return fmt.Sprintf("https://cognito-idp.%s.amazonaws.com/%s", s.opts.Region, pool)
}

// IDToken signs a user of the template's Cognito user pool in and returns the
// ID token, valid for an hour of the stack's time. It carries the claims besides the
// standard ones. A template must have exactly one user pool.
func (s *Stack) IDToken(subject string, claims map[string]any) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pool := ""
	for _, id := range s.names.template.LogicalIDs() {
		if typ, _ := s.names.template.Type(id); typ == "AWS::Cognito::UserPool" {
			if pool != "" {
				return "", errors.New("the template has more than one user pool")
			}
			var err error
			if pool, err = s.names.ref(id, typ); err != nil {
				return "", err
			}
		}
	}
	if pool == "" {
		return "", errors.New("the template has no user pool")
	}
	return s.tokens.issue(s.issuer(pool), subject, claims)
}

// maxPayload is the largest body that API Gateway takes, in bytes (quotas, "Payload size").
const maxPayload = 10 << 20

// ServeHTTP makes the stack an HTTP server. A request to one of AWS's own hosts
// reaches what is there. To any other host, /graphql and /graphql/realtime are
// AppSync's, what a topic's messages link to is SNS's, and the rest is the
// gateway's, with or without the stage's name before the path.
func (s *Stack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch s.addressee(r) {
	case "appsync":
		s.serveGraphQL(w, r)
	case "sns":
		s.serveTopics(w, r)
	case "aws":
		s.serveAWS(w, r)
	default:
		s.serveGateway(w, r)
	}
}

func (s *Stack) addressee(r *http.Request) string {
	host := strings.ToLower(r.Host)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	current := s.current.Load()
	switch {
	case current.isAWS(r):
		return "aws"
	case current.isGraphQL(host):
		return "appsync"
	case host == "sns."+s.opts.Region+".amazonaws.com":
		return "sns"
	case strings.HasSuffix(host, ".amazonaws.com"):
		return "gateway"
	case current.graphQL != nil && (r.URL.Path == "/graphql" || strings.HasPrefix(r.URL.Path, "/graphql/")):
		return "appsync"
	case strings.HasPrefix(r.URL.Path, "/SimpleNotificationService-") || r.URL.Path == "/" && r.URL.Query().Has("Action"):
		return "sns"
	}
	return "gateway"
}

func (s *Stack) serveGateway(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(body []byte, done answered) { s.answerGateway(r, body, done) })
}

func (s *Stack) serveTopics(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, func(body []byte, done answered) {
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.topics.Serve(r, done)
	})
}

// answered takes the answer to a request.
type answered func(status int, header http.Header, body []byte)

// serve has the stack answer a request. The body is read before the stack is
// held: its client may be slow.
func (s *Stack) serve(w http.ResponseWriter, r *http.Request, start func(body []byte, done answered)) {
	if s.watching.Load() {
		start = s.observeRequest(r, start)
	}
	// One byte more than API Gateway takes is enough to see that it is too much.
	in, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	if err != nil {
		http.Error(w, "reading the body: "+err.Error(), http.StatusBadRequest)
		return
	}
	var (
		status int
		header http.Header
		out    []byte
	)
	err = s.await(func(done func()) {
		start(in, func(code int, h http.Header, b []byte) {
			status, header, out = code, h, b
			done()
		})
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	maps.Copy(w.Header(), header)
	w.WriteHeader(status)
	_, _ = w.Write(out) // to a client that may be gone
}

func sourceIP(r *http.Request) string {
	ip, _, _ := net.SplitHostPort(r.RemoteAddr)
	return ip
}

// APIKey returns the value of an API key of the template, which callers send
// as X-API-Key. The id is what Ref gives, as in an output of the template; it
// is the key's logical id too. A key without a Value has one made of that id.
func (s *Stack) APIKey(id string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.api != nil {
		if value, ok := s.api.KeyValue(id); ok {
			return value, nil
		}
	}
	return "", fmt.Errorf("the template has no API key %q", id)
}
