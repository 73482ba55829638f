package statusnotifier

import (
	"encoding/json"
	"regexp"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/event"
)

// Filter is which events a subscriber gets: those whose attributes are all
// among the named ones. An empty list admits every value. SNS evaluates it, so
// that what is filtered out costs no delivery.
type Filter struct {
	// Tenants are the ids of tenants, as their credentials tell them.
	Tenants []string
	// Statuses are such as "COMPLETED".
	Statuses []string
	// Types are types of events, such as "order.completed".
	Types []string
}

// The limits of a filter policy (SNS, "Filter policy constraints"): the product of
// the numbers of values, and the policy's size.
const (
	maxFilterCombinations = 150
	maxFilterBytes        = 256 * 1024
)

var typePattern = regexp.MustCompile(`^[a-z]+\.[a-z_]+$`)

// Validate reports everything that is wrong with f, joined.
func (f Filter) Validate() error {
	var c checks
	combinations := 1
	for _, list := range []struct {
		name   string
		values []string
		ok     func(string) bool
		want   string
	}{
		{"tenant", f.Tenants, func(s string) bool { return s != "" }, "not be empty"},
		{"status", f.Statuses, statusPattern.MatchString, "be upper-case letters and underscores"},
		{"type", f.Types, typePattern.MatchString, `be such as "order.completed"`},
	} {
		for i, v := range list.values {
			c.bad(!list.ok(v), "filter's %s must %s, got %q", list.name, list.want, v)
			c.bad(slices.Contains(list.values[:i], v), "filter has the %s %q twice", list.name, v)
		}
		combinations *= max(1, len(list.values))
	}
	c.bad(combinations > maxFilterCombinations,
		"filter must have at most %d combinations of tenants, statuses and types, got %d", maxFilterCombinations, combinations)
	text, err := json.Marshal(f)
	c.bad(err != nil || len(text) > maxFilterBytes, "filter must be at most %d bytes, got %d", maxFilterBytes, len(text))
	return c.err()
}

// policy is f as a filter policy on message attributes; nil if it admits
// everything.
func (f Filter) policy() *map[string]awssns.SubscriptionFilter {
	policy := map[string]awssns.SubscriptionFilter{}
	for name, values := range map[string][]string{
		event.AttributeTenant: f.Tenants, event.AttributeStatus: f.Statuses, event.AttributeType: f.Types,
	} {
		if len(values) > 0 {
			policy[name] = awssns.SubscriptionFilter_StringFilter(&awssns.StringConditions{Allowlist: jsii.Strings(values...)})
		}
	}
	if len(policy) == 0 {
		return nil
	}
	return &policy
}
