package app

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/orderflow-cdk/orderflow/internal/suppress"
)

// acceptFindings says why cdk-nag's findings on what an environment leaves out are accepted. What
// is inherent in a construct, that construct says itself.
func (s *stack) acceptFindings() {
	if !s.env.PointInTimeRecovery {
		tables := []constructs.IConstruct{s.inventory, s.workflow.NewTable, s.status.WebhooksTable}
		for _, table := range tables {
			accept(table, "AwsSolutions-DDB3", "the environment has no data that anybody would want back: it goes with the stack")
		}
	}
	if !s.env.RequireMFA {
		accept(s.identity.users, "AwsSolutions-COG2", "the environment's users are made for tests, which sign in without a person; a user may still have a second factor")
	}
	if !s.env.ThreatProtection {
		accept(s.identity.users, "AwsSolutions-COG3", "the environment's users are made for tests, and Cognito bills threat protection for each of them")
	}
	if !s.env.WAF {
		accept(s.api.Stage, "AwsSolutions-APIG3", "the environment has no customers whom one address could be in the way of, and a firewall costs as much without them")
	}
	if s.secret != nil {
		accept(s.secret, "AwsSolutions-SMG4", "the payment provider issues its API key, and has no interface to issue the next one: a person puts it in")
	}
}

func accept(construct constructs.IConstruct, rule, reason string) {
	suppress.Nag(construct.Node().DefaultChild().(awscdk.CfnResource), suppress.Rule{ID: rule, Reason: reason})
}
