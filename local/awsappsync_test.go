package local_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/orderflow-cdk/orderflow/local"
)

// signed makes a request that is signed for AppSync, and returns what is answered.
func (s *served) signed(c aws.Credentials, method, path, body string) (status int, answer string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(req.Context(), c, req, hex.EncodeToString(sum[:]), "appsync", s.Region(), time.Now()); err != nil {
		s.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// What is signed for AppSync is the GraphQL API's at its path, and else AppSync's own API, which a role needs permissions for.
func TestAppSyncIsTwoAPIs(t *testing.T) {
	s := serveApp(t)
	var mu sync.Mutex
	var told []string
	s.Observe(func(e local.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Kind == local.EventCall && strings.HasPrefix(e.Action, "appsync:") {
			told = append(told, e.Action+" "+e.To)
		}
	})
	role, err := s.RoleCredentials(s.role("ChargeRole"))
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	for _, r := range s.Resources() {
		if r.Type == "AWS::AppSync::GraphQLApi" {
			id = r.LogicalID
		}
	}
	root := s.RootCredentials()
	const denied = "is not authorized to perform: appsync:"
	on := " on resource: arn:aws:appsync:" + s.Region() + ":123456789012:"
	for _, tc := range []struct {
		name               string
		who                aws.Credentials
		method, path, body string
		status             int
		answer             string
	}{
		{"the account", root, "GET", "/v1/apis", "", 200, `"graphqlApis":[{`},
		{"a path with a query", root, "GET", "/v1/apis/" + id + "/schema?format=SDL&includeDirectives=false", "", 200, "schema {\n"},
		{"a role", role, "GET", "/v1/apis", "", 403, denied + "ListGraphqlApis" + on + "/v1/apis because"},
		{"a role and an API", role, "GET", "/v1/apis/" + id, "", 403, denied + "GetGraphqlApi" + on + "apis/" + id + " because"},
		{"a role and a part", role, "GET", "/v1/apis/" + id + "/types/Query/resolvers", "", 403, denied + "ListResolvers" + on + "/v1/apis/" + id + "/types/Query/resolvers because"},
		{"a role and code", role, "POST", "/v1/dataplane-evaluatecode", `{}`, 403, denied + "EvaluateCode" + on + "/v1/dataplane-evaluatecode because"},
		{"nothing to evaluate", root, "POST", "/v1/dataplane-evaluatecode", `{}`, 400, "The runtime must be APPSYNC_JS 1.0.0."},
		{"a change", root, "POST", "/v1/apis/" + id + "/types", `{}`, 501, "not simulated: the action CreateType of AWS AppSync"},
		{"GraphQL", root, "POST", "/graphql", `{"query":"{ __typename }"}`, 200, `{"data":{"__typename":"Query"}}`},
	} {
		status, answer := s.signed(tc.who, tc.method, tc.path, tc.body)
		if status != tc.status || !strings.Contains(answer, tc.answer) {
			t.Errorf("%s: %s %s is answered by %d %s, want %d %s", tc.name, tc.method, tc.path, status, answer, tc.status, tc.answer)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(told, ", "); !strings.Contains(got, "appsync:GetIntrospectionSchema "+id) {
		t.Errorf("told of %s", got)
	}
}
