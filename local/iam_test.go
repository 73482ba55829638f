package local_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/orderflow-cdk/orderflow/local"
)

// whoAmI is an API with one method that IAM authorizes and that tells the caller's ARN.
const whoAmI = `{"Resources": {
	"Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "api"}},
	"Who": {"Type": "AWS::ApiGateway::Resource", "Properties": {"RestApiId": {"Ref": "Api"}, "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]}, "PathPart": "who am i"}},
	"Ask": {"Type": "AWS::ApiGateway::Method", "Properties": {"RestApiId": {"Ref": "Api"}, "ResourceId": {"Ref": "Who"}, "HttpMethod": "POST",
		"AuthorizationType": "AWS_IAM", "MethodResponses": [{"StatusCode": "200"}],
		"Integration": {"Type": "MOCK", "RequestTemplates": {"application/json": "{\"statusCode\": 200}"},
			"IntegrationResponses": [{"StatusCode": "200", "ResponseTemplates": {"application/json": "$context.identity.userArn $context.identity.accountId"}}]}}},
	"Deployment": {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": {"Ref": "Api"}}},
	"Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": {"RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": "Deployment"}, "StageName": "live"}}
}}`

func TestRequestsSignedForIAM(t *testing.T) {
	s, err := local.New([]byte(whoAmI), local.Options{Identities: map[string]local.Identity{
		"AKIDONE": {SecretAccessKey: "secret-one"},
		"AKIDTWO": {SecretAccessKey: "secret-two", AccountID: "210987654321", UserARN: "arn:aws:sts::210987654321:assumed-role/r/s"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	server := httptest.NewServer(s)
	defer server.Close()

	const body = `{"a":"ü"}`
	send := func(key, secret, region string, at time.Time, tamper func(*http.Request)) (int, string) {
		t.Helper()
		req, err := http.NewRequest("POST", server.URL+"/live/who%20am%20i?b=2&a=1%2F", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		sum := sha256.Sum256([]byte(body))
		if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, req,
			hex.EncodeToString(sum[:]), "execute-api", region, at); err != nil {
			t.Fatal(err)
		}
		if tamper != nil {
			tamper(req)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		out, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(out)
	}
	now := s.Now()
	for _, tt := range []struct {
		name, key, secret, region string
		at                        time.Time
		tamper                    func(*http.Request)
		status                    int
		want                      string
	}{
		{"a user", "AKIDONE", "secret-one", "eu-central-1", now, nil, 200, "arn:aws:iam::123456789012:user/AKIDONE 123456789012"},
		{"a role", "AKIDTWO", "secret-two", "eu-central-1", now, nil, 200, "arn:aws:sts::210987654321:assumed-role/r/s 210987654321"},
		{"another's secret", "AKIDONE", "secret-two", "eu-central-1", now, nil, 403, "signature"},
		{"an unknown key", "AKIDNONE", "secret-one", "eu-central-1", now, nil, 403, ""},
		{"another region", "AKIDONE", "secret-one", "us-east-1", now, nil, 403, ""},
		{"an old signature", "AKIDONE", "secret-one", "eu-central-1", now.Add(-6 * time.Minute), nil, 403, ""},
		{"another query", "AKIDONE", "secret-one", "eu-central-1", now, func(r *http.Request) { r.URL.RawQuery = "a=2" }, 403, ""},
		{"another body", "AKIDONE", "secret-one", "eu-central-1", now, func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("{}        ")), 10
		}, 403, ""},
		{"no signature", "AKIDONE", "secret-one", "eu-central-1", now, func(r *http.Request) { r.Header.Del("Authorization") }, 403, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, out := send(tt.key, tt.secret, tt.region, tt.at, tt.tamper)
			if status != tt.status || !strings.Contains(out, tt.want) {
				t.Errorf("%d %s, want %d %s", status, out, tt.status, tt.want)
			}
		})
	}
}
