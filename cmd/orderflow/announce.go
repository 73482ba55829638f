package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local"
)

// announce prints where what is, as far as the stack has it.
func (c *upCommand) announce(w io.Writer, stack *local.Stack, base string) {
	kept := "what it holds is gone then; --data DIR keeps it"
	if c.Data != "" {
		kept = "what it holds is kept in " + c.Data
	}
	fmt.Fprintf(w, "%s is up until Ctrl-C; %s.\n\n", c.stackName(), kept)
	line := func(name, format string, values ...any) {
		fmt.Fprintf(w, "  %-12s %s\n", name, fmt.Sprintf(format, values...))
	}
	line("console", "%s/console", base)
	paths, graphQL := entrances(stack.Resources())
	for _, path := range paths {
		line(path[1:], "%s%s", base, path)
	}
	if graphQL {
		line("GraphQL", "%s/graphql (websocket: %s/graphql/realtime)", base, strings.Replace(base, "http:", "ws:", 1))
	}
	token, err := tokenOf(stack, c.Tenant)
	if err == nil {
		line("tokens", "curl -X POST '%s/-/token?tenant=NAME', valid for an hour of the stack's time", base)
	}
	root := stack.RootCredentials()
	fmt.Fprintf(w, `
For the AWS CLI and SDKs:

  export AWS_ENDPOINT_URL=%s AWS_REGION=%[2]s AWS_DEFAULT_REGION=%[2]s
  export AWS_ACCESS_KEY_ID=%[3]s AWS_SECRET_ACCESS_KEY=%[4]s

`, base, stack.Region(), root.AccessKeyID, root.SecretAccessKey)
	switch {
	case err != nil: // A stack without a user pool has no tokens.
	case slices.Contains(paths, "/orders"):
		fmt.Fprintf(w, `For orderflow submit, status, watch, cancel and webhooks, as a user of tenant %s:

  export ORDERFLOW_URL=%[2]s ORDERFLOW_GRAPHQL_URL=%[2]s/graphql
  export ORDERFLOW_TOKEN=%[3]s

`, c.Tenant, base, token)
	default:
		fmt.Fprintf(w, `For the header Authorization, as a user of tenant %s, and for orderflow webhooks:

  export ORDERFLOW_URL=%s ORDERFLOW_TOKEN=%s

`, c.Tenant, base, token)
	}
}

// entrances are the paths of a stack's gateway that take a POST without knowing an id, sorted, and whether it has a GraphQL API.
func entrances(resources []local.Resource) (paths []string, graphQL bool) {
	for _, r := range resources {
		switch r.Type {
		case "AWS::ApiGateway::Method":
			if path, ok := strings.CutPrefix(r.Label, "POST /"); ok && !strings.Contains(path, "{") {
				paths = append(paths, "/"+path)
			}
		case "AWS::AppSync::GraphQLApi":
			graphQL = true
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), graphQL
}
