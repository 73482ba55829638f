// Package iam decides as AWS does whether a request is allowed by policies: those of
// whoever makes it, and those of what it is made to.
//
// Simulated: identity policies, resource policies and trust policies within one account; Allow
// and Deny; Action, NotAction, Resource, NotResource, Principal and NotPrincipal with
// wildcards; policy variables; every condition operator; the AWS-managed policies that
// ManagedPolicy knows. Not simulated: service control policies, permissions boundaries,
// session policies, other accounts (IAM User Guide, "Policy evaluation logic").
package iam
