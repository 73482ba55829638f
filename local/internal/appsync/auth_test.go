package appsync_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
)

const issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Pool"

const authSchema = `
type Query {
  default: String
  key: String @aws_api_key
  iam: String @aws_iam
  oidc: String @aws_oidc
  lambda: String @aws_lambda
  admins: String @aws_cognito_user_pools(cognito_groups: ["admins"])
  both: Pair @aws_api_key @aws_cognito_user_pools
  who: String @aws_api_key @aws_iam @aws_oidc @aws_lambda @aws_cognito_user_pools
}
type Pair @aws_api_key @aws_cognito_user_pools { a: String b: String @aws_cognito_user_pools }
`

func authStack() stack {
	return stack{
		schema: authSchema,
		props: m{
			"AuthenticationType": "AMAZON_COGNITO_USER_POOLS",
			"UserPoolConfig":     m{"UserPoolId": "us-east-1_Pool", "AwsRegion": "us-east-1", "DefaultAction": "ALLOW", "AppIdClientRegex": "app.*"},
			"AdditionalAuthenticationProviders": []m{
				{"AuthenticationType": "API_KEY"},
				{"AuthenticationType": "AWS_IAM"},
				{"AuthenticationType": "OPENID_CONNECT", "OpenIDConnectConfig": m{"Issuer": "https://id.example.com/", "IatTTL": 60000}},
				{"AuthenticationType": "AWS_LAMBDA", "LambdaAuthorizerConfig": m{
					"AuthorizerUri": "arn:aws:lambda:us-east-1:123456789012:function:auth", "IdentityValidationExpression": "^custom",
				}},
			},
		},
		resolvers: map[string]string{
			"Query.default": payload(`"yes"`), "Query.key": payload(`"yes"`), "Query.iam": payload(`"yes"`), "Query.oidc": payload(`"yes"`),
			"Query.lambda": payload(`"yes"`), "Query.admins": payload(`"yes"`), "Query.both": payload(`{ a: "a", b: "b" }`),
			"Query.who": payload(`JSON.stringify(ctx.identity)`),
		},
		config: appsync.Config{
			VerifyToken: verifyToken,
			IdentifyIAM: func(method, host, path, query string, h http.Header, body []byte) (*appsync.IAMIdentity, error) {
				if !strings.Contains(h.Get("Authorization"), "Signature=right") || method != "POST" || path != "/graphql" {
					return nil, errors.New("the signature is wrong")
				}
				return &appsync.IAMIdentity{AccountID: "123456789012", UserARN: "arn:aws:iam::123456789012:user/u", Username: "AIDAU"}, nil
			},
			AllowIAM: func(c *appsync.IAMIdentity, arn string) bool {
				return arn != "arn:aws:appsync:us-east-1:123456789012:apis/Api/types/Query/fields/iam" || strings.Contains(c.UserARN, "assumed-role/allowed/")
			},
		},
	}
}

func jwt(claims m, signature string) as {
	all := m{"iss": issuer, "sub": "s", "aud": "app1", "cognito:username": "u"}
	for k, v := range claims {
		all[k] = v
	}
	return header("Authorization", token(all, signature))
}

func denied(field, typ string) string {
	return `"data":null,"errorType":"Unauthorized","errorInfo":null,"locations":[{"line":1,"column":2,"sourceName":null}],"message":"Not Authorized to access ` + field + ` on type ` + typ + `"}`
}

func TestWhoMaySeeWhat(t *testing.T) {
	w := authStack().new(t)
	w.answer = func(c api.Call) ([]byte, error) {
		return []byte(`{"StatusCode":200,"Payload":{"isAuthorized":true,"resolverContext":{"k":1},"deniedFields":["Query.who"]}}`), nil
	}
	user := jwt(nil, "signed")
	oidc := header("Authorization", "Bearer "+token(m{"iss": "https://id.example.com", "sub": "o", "iat": start.Unix()}, "signed"))
	iam := header("Authorization", "AWS4-HMAC-SHA256 Credential=x, Signature=right")
	ok := func(field string) string { return `{"data":{"` + field + `":"yes"}}` }
	no := func(field string) string {
		return `{"data":{"` + field + `":null},"errors":[{"path":["` + field + `"],` + denied(field, "Query") + `]}`
	}
	for _, tt := range []struct {
		name, field string
		who         as
		want        string
	}{
		{"no directive is the default mode", "default", user, ok("default")},
		{"no directive is not another mode", "default", w.key(), no("default")},
		{"API key", "key", w.key(), ok("key")},
		{"a user is no API key", "key", user, no("key")},
		{"groups: one of them", "admins", jwt(m{"cognito:groups": []string{"x", "admins"}}, "signed"), ok("admins")},
		{"groups: none", "admins", user, no("admins")},
		{"a role of the stack", "iam", caller("arn:aws:iam::123456789012:role/allowed"), ok("iam")},
		{"a role without permission", "iam", caller("arn:aws:iam::123456789012:role/other"), no("iam")},
		{"a signature without permission", "iam", iam, no("iam")},
		{"OpenID Connect", "oidc", oidc, ok("oidc")},
		{"Lambda", "lambda", header("Authorization", "custom-1"), ok("lambda")},
		{"a field that Lambda denies", "who", header("Authorization", "custom-2"), no("who")},
	} {
		t.Run(tt.name, func(t *testing.T) { equal(t, "answer", tt.want, w.query("{"+tt.field+"}", nil, tt.who)) })
	}
	equal(t, "a type's directive holds for its fields, a field's instead of it",
		`{"data":{"both":{"a":"a","b":null}},"errors":[{"path":["both","b"],"data":null,"errorType":"Unauthorized","errorInfo":null,"locations":[{"line":1,"column":9,"sourceName":null}],"message":"Not Authorized to access b on type Pair"}]}`,
		w.query(`{both{a b}}`, nil, w.key()))
}

func TestIdentities(t *testing.T) {
	w := authStack().new(t)
	w.answer = func(api.Call) ([]byte, error) {
		return []byte(`{"StatusCode":200,"Payload":{"isAuthorized":true,"resolverContext":{"k":1}}}`), nil
	}
	for _, tt := range []struct {
		name string
		who  as
		want string
	}{
		{"API key", w.key(), `null`},
		{"user pool", jwt(m{"custom:tenant": "acme", "cognito:groups": []string{"g"}}, "signed"), `{"claims":{"aud":"app1","cognito:groups":["g"],"cognito:username":"u","custom:tenant":"acme",` +
			`"iss":"` + issuer + `","sub":"s"},"defaultAuthStrategy":"ALLOW","groups":["g"],"issuer":"` + issuer + `","sourceIp":["127.0.0.1"],"sub":"s","username":"u"}`},
		{"a role", caller("arn:aws:iam::123456789012:role/path/r"), `{"accountId":"123456789012","cognitoIdentityAuthProvider":null,"cognitoIdentityAuthType":null,"cognitoIdentityId":null,` +
			`"cognitoIdentityPoolId":null,"sourceIp":["127.0.0.1"],"userArn":"arn:aws:sts::123456789012:assumed-role/r/r","username":"r:r"}`},
		{"Lambda", header("Authorization", "custom"), `{"resolverContext":{"k":1}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var answer struct{ Data struct{ Who string } }
			if err := json.Unmarshal([]byte(w.query("{who}", nil, tt.who)), &answer); err != nil {
				t.Fatal(err)
			}
			equal(t, "identity", tt.want, answer.Data.Who)
		})
	}
}

func TestCallersThatAreRefused(t *testing.T) {
	w := authStack().new(t)
	w.answer = func(api.Call) ([]byte, error) {
		return []byte(`{"StatusCode":200,"Payload":{"isAuthorized":false}}`), nil
	}
	for _, tt := range []struct {
		name    string
		who     as
		status  int
		message string
	}{
		{"nothing", nil, 401, "Valid authorization header not provided."},
		{"an expired token", jwt(nil, "expired"), 401, "Token has expired."},
		{"a forged token", jwt(nil, "forged"), 401, "You are not authorized to make this call."},
		{"a token of another pool", jwt(m{"iss": issuer + "2"}, "signed"), 401, "You are not authorized to make this call."},
		{"a token of another client", jwt(m{"aud": "other"}, "signed"), 401, "You are not authorized to make this call."},
		{"a user pool's token as bearer", header("Authorization", "Bearer "+token(m{"iss": issuer, "aud": "app"}, "signed")), 401, "Unable to parse JWT token."},
		{"an old OpenID token", header("Authorization", token(m{"iss": "https://id.example.com", "iat": start.Unix() - 61}, "signed")), 401, "You are not authorized to make this call."},
		{"a wrong signature", header("Authorization", "AWS4-HMAC-SHA256 Signature=wrong"), 403, "The security token included in the request is invalid."},
		{"Lambda says no", header("Authorization", "custom"), 401, "You are not authorized to make this call."},
		{"not the form of a Lambda token", header("Authorization", "else"), 401, "You are not authorized to make this call."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := w.post(`{"query":"{who}"}`, tt.who)
			if res.Status != tt.status || !strings.Contains(string(res.Body), `"message":"`+tt.message+`"`) {
				t.Errorf("status %d, body %s", res.Status, res.Body)
			}
		})
	}
}

func TestLambdaAuthorizerEventAndCache(t *testing.T) {
	w := authStack().new(t)
	ttl := 0
	w.answer = func(api.Call) ([]byte, error) {
		return json.Marshal(m{"StatusCode": 200, "Payload": m{"isAuthorized": true, "ttlOverride": ttl}})
	}
	ask := func() {
		w.query(`query Q($a: Int) {lambda @include(if: true) who}`, nil, header("Authorization", "custom"))
	}
	w.post(`{"query":"query Q($a: Int) {lambda}","operationName":"Q","variables":{"a":1}}`, header("Authorization", "custom"))
	var event struct {
		FunctionName string
		Payload      struct {
			AuthorizationToken string         `json:"authorizationToken"`
			RequestContext     map[string]any `json:"requestContext"`
			RequestHeaders     map[string]any `json:"requestHeaders"`
		}
	}
	if err := json.Unmarshal(w.calls[0].Input, &event); err != nil {
		t.Fatal(err)
	}
	delete(event.Payload.RequestContext, "requestId")
	b, _ := json.Marshal(event.Payload)
	equal(t, "event", `{"authorizationToken":"custom","requestContext":{"accountId":"123456789012","apiId":"Api","operationName":"Q","queryString":"query Q($a: Int) {lambda}","variables":{"a":1}},`+
		`"requestHeaders":{"authorization":"custom","content-type":"application/json"}}`, string(b))
	ask()
	if len(w.calls) != 2 {
		t.Errorf("ttlOverride 0: %d calls, want 2", len(w.calls))
	}
	ttl = 60
	ask()
	ask()
	if len(w.calls) != 3 {
		t.Errorf("ttlOverride 60: %d calls, want 3", len(w.calls))
	}
	w.k.Advance(61 * time.Second)
	ask()
	if len(w.calls) != 4 {
		t.Errorf("after 61 s: %d calls, want 4", len(w.calls))
	}
}

func TestAPIKeysExpire(t *testing.T) {
	w := itemStack().new(t)
	w.k.Advance(7*24*time.Hour - time.Second)
	if res := w.post(`{"query":"{echo}"}`, w.key()); res.Status != 200 {
		t.Errorf("before: %d", res.Status)
	}
	w.k.Advance(time.Second)
	if res := w.post(`{"query":"{echo}"}`, w.key()); res.Status != 401 {
		t.Errorf("after: %d", res.Status)
	}
}

// TestSettledConnections: a connection and a subscription whose Lambda authorizer is asked are
// settled when it has answered, however long that takes, and one whose client is gone is.
func TestSettledConnections(t *testing.T) {
	s := authStack()
	s.schema += ` type Mutation { put: String @aws_lambda } type Subscription { onPut: String @aws_subscribe(mutations: ["put"]) @aws_lambda }`
	w := s.new(t)
	w.delay = time.Second
	w.answer = func(api.Call) ([]byte, error) {
		return []byte(`{"StatusCode":200,"Payload":{"isAuthorized":true}}`), nil
	}
	token := map[string]string{"host": "h", "Authorization": "custom"}
	settle := func(c *client, what string) {
		t.Helper()
		if c.conn.Settled() {
			t.Errorf("%s: settled before the authorizer has answered", what)
		}
		for !c.conn.Settled() && w.k.Step() {
		}
	}
	c := w.connect(token)
	settle(c, "connection")
	c.send(`{"type":"connection_init"}`)
	c.expect("greeting", ack, `{"type":"ka"}`)
	c.start("1", `subscription {onPut}`, nil, token)
	settle(c, "subscription")
	c.expect("start", startAck("1"))
	c.start("2", `subscription {onPut}`, nil, token)
	c.conn.Close()
	if !c.conn.Settled() {
		t.Error("a closed connection has nothing to settle")
	}
	w.k.Advance(time.Minute)
	c.expect("after its end")
}

// TestClosedAPI: clients are told, their subscriptions end, and nobody else comes in.
func TestClosedAPI(t *testing.T) {
	w := itemStack().new(t)
	a, b := w.ready(), w.ready()
	a.start("1", `subscription {onPut {id}}`, nil, w.keyHeader())
	w.api.Close()
	for _, c := range []*client{a, b} {
		if c.code != 1001 {
			t.Errorf("closed with %d %q", c.code, c.reason)
		}
	}
	if w.api.Connections() != 0 || w.api.Subscriptions() != 0 || !w.k.Idle() {
		t.Errorf("%d connections, %d subscriptions, idle %v", w.api.Connections(), w.api.Subscriptions(), w.k.Idle())
	}
	if _, err := w.api.Connect(&appsync.Request{Path: "/graphql/realtime"}, func([]byte) {}, func(int, string) {}); err == nil {
		t.Error("a closed API lets a client connect")
	}
}
