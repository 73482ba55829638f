package apigateway

import (
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

// contextObject is $context, or one of the maps in it, in a template.
type contextObject struct {
	c      *call
	prefix string // "", "identity.", "authorizer.", "authorizer.claims.", "error."
}

func (o contextObject) TypeName() string {
	return "$context" + strings.TrimSuffix("."+o.prefix, ".")
}

// String is what a template prints of the object itself: nothing.
func (o contextObject) String() string { return "" }

func (o contextObject) Property(name string) (any, bool, error) {
	c := o.c
	switch o.prefix {
	case "":
		switch name {
		case "identity", "authorizer", "error":
			if name == "error" && c.failure == nil {
				return nil, true, nil
			}
			return contextObject{c, name + "."}, true, nil
		case "requestOverride":
			return c.override(&c.requestOverride, "path", "header", "querystring"), true, nil
		case "responseOverride":
			return c.override(&c.responseOverride, "header"), true, nil
		}
		return c.contextValue(name), true, nil
	case "authorizer.":
		if name == "claims" {
			if c.claims == nil {
				return nil, true, nil
			}
			return contextObject{c, "authorizer.claims."}, true, nil
		}
		return c.authorizerValue(name), true, nil
	case "identity.":
		return c.identityValue(name), true, nil
	case "authorizer.claims.":
		return lookup(c.claims, name), true, nil
	}
	return c.errorValue(name), true, nil
}

// override makes an override map with its sub-maps when it is first asked for.
func (c *call) override(m **vtl.Map, names ...string) *vtl.Map {
	if *m == nil {
		*m = vtl.NewMap(len(names) + 1)
		for _, n := range names {
			(*m).Put(n, vtl.NewMap(2))
		}
	}
	return *m
}

func (o contextObject) Call(name string, args []any) (any, bool, error) {
	switch {
	case (name == "get" || name == "containsKey") && len(args) == 1:
		key, _ := args[0].(string)
		v, _, err := o.Property(key)
		if name == "containsKey" {
			return v != nil || slices.Contains(o.keys(), key), true, err
		}
		return v, true, err
	case name == "keySet" && len(args) == 0:
		l := vtl.NewList()
		for _, k := range o.keys() {
			l.Items = append(l.Items, k)
		}
		return l, true, nil
	case name == "size" && len(args) == 0:
		return int32(len(o.keys())), true, nil
	case name == "isEmpty" && len(args) == 0:
		return len(o.keys()) == 0, true, nil
	}
	return nil, false, nil
}

// keys are the names that the object's keySet has.
func (o contextObject) keys() []string {
	c := o.c
	var out []string
	switch o.prefix {
	case "":
		out = []string{"resourceId"}
		if c.method != nil && c.method.authType != "NONE" {
			out = append(out, "authorizer")
		}
		return append(out, "resourcePath", "httpMethod", "extendedRequestId", "requestTime", "path", "accountId",
			"protocol", "requestOverride", "stage", "domainPrefix", "requestTimeEpoch", "requestId", "identity",
			"domainName", "deploymentId", "responseOverride", "apiId")
	case "identity.":
		out = identityNames
		if c.key != nil {
			out = append(slices.Clone(out), "apiKey", "apiKeyId")
		}
	case "authorizer.":
		if c.claims != nil {
			out = append(out, "claims")
		}
		if c.authorized != nil {
			out = append(out, "principalId")
			for _, v := range c.authorized.context {
				out = append(out, v.name)
			}
		}
	case "authorizer.claims.":
		for _, v := range c.claims {
			out = append(out, v.name)
		}
	default:
		out = []string{"message", "messageString", "responseType", "validationErrorString"}
	}
	return out
}
