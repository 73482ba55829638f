package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/local"
)

// handler serves the stack, its console and what stands for a sign-in.
func handler(stack *local.Stack, page http.Handler) http.Handler {
	// No http.ServeMux: it would redirect what the gateway answers, such as //orders.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/-/token":
			signIn(stack, w, r)
		case r.URL.Path == "/console" || strings.HasPrefix(r.URL.Path, "/console/"):
			page.ServeHTTP(w, r)
		default:
			stack.ServeHTTP(w, r)
		}
	})
}

// signIn answers with an ID token of a tenant. It stands for the sign-in of a
// user pool, which is not simulated.
func signIn(stack *local.Stack, w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "want POST: curl -X POST '.../-/token?tenant=NAME'", http.StatusMethodNotAllowed)
		return
	}
	tenant := r.FormValue("tenant")
	if tenant == "" {
		http.Error(w, "tenant is missing: /-/token?tenant=NAME", http.StatusBadRequest)
		return
	}
	token, err := tokenOf(stack, tenant)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintln(w, token) // to a client that may be gone
}

// tokenOf signs a user of the tenant in.
func tokenOf(stack *local.Stack, tenant string) (string, error) {
	return stack.IDToken("user-of-"+tenant, map[string]any{tenantClaim(stack.Resources()): tenant})
}

var claimInTemplate = regexp.MustCompile(`\$context\.authorizer\.claims\['(custom:[^'\\]+)'\]`)

// tenantClaim is the claim in which the gateway of a stack looks for a user's tenant: a stack of another domain may have a name of its own.
func tenantClaim(resources []local.Resource) string {
	for _, r := range resources {
		if r.Type != "AWS::ApiGateway::Method" {
			continue
		}
		if found := claimInTemplate.FindSubmatch(r.Properties); found != nil {
			return string(found[1])
		}
	}
	return record.TenantClaim
}
