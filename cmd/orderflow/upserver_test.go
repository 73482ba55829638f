package main

import (
	"encoding/json"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// Tokens have the tenant where the stack's own gateway looks for it.
func TestTenantClaim(t *testing.T) {
	method := func(claim string) local.Resource {
		properties, err := json.Marshal(map[string]any{"Integration": map[string]any{"RequestTemplates": map[string]string{
			"application/json": `#set($told = $context.authorizer.claims['` + claim + `'])`,
		}}})
		if err != nil {
			t.Fatal(err)
		}
		return local.Resource{Type: "AWS::ApiGateway::Method", Properties: properties}
	}
	for want, resources := range map[string][]local.Resource{
		"custom:tenant":  {{Type: "AWS::SQS::Queue"}, {Type: "AWS::ApiGateway::Method"}},
		"custom:company": {{Type: "AWS::ApiGateway::Method"}, method("sub"), method("custom:company")},
	} {
		if got := tenantClaim(resources); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	stack, err := localapp.New("dev", local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	if got := tenantClaim(stack.Resources()); got != "custom:tenant" {
		t.Errorf("the app's own claim is %s", got)
	}
}
