package asyncapi

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/jsii-runtime-go"
)

// ManagedRules is a rule group that AWS maintains.
type ManagedRules string

// Rule groups for an API like this.
const (
	// KnownBadInputs blocks request patterns of known exploits.
	KnownBadInputs ManagedRules = "AWSManagedRulesKnownBadInputsRuleSet"
	// CommonRules blocks what OWASP describes. Its limit of 8 KB on bodies
	// only counts here, since orders may be longer.
	CommonRules ManagedRules = "AWSManagedRulesCommonRuleSet"
	// IPReputation blocks addresses that Amazon's threat intelligence lists.
	IPReputation ManagedRules = "AWSManagedRulesAmazonIpReputationList"
	// AnonymousIP blocks proxies, VPNs and hosting providers, which for an API
	// called by servers is likely to be wrong.
	AnonymousIP ManagedRules = "AWSManagedRulesAnonymousIpList"
)

// WebACL is a web access control list of AWS WAF.
type WebACL struct {
	// RatePerIP is the most requests from one address within five minutes:
	// 10–2,000,000,000.
	// Default: 2,000.
	RatePerIP int
	// Rules are evaluated in this order.
	// Default: IPReputation, KnownBadInputs, CommonRules.
	Rules []ManagedRules
}

func (w WebACL) withDefaults() WebACL {
	if w.RatePerIP == 0 {
		w.RatePerIP = 2000
	}
	if w.Rules == nil {
		w.Rules = []ManagedRules{IPReputation, KnownBadInputs, CommonRules}
	}
	return w
}

func (w WebACL) validate() error {
	w = w.withDefaults()
	var errs []error
	if w.RatePerIP < 10 || w.RatePerIP > 2_000_000_000 {
		errs = append(errs, fmt.Errorf("web ACL rate per IP must be 10–2000000000, got %d", w.RatePerIP))
	}
	known := []ManagedRules{KnownBadInputs, CommonRules, IPReputation, AnonymousIP}
	for i, rules := range w.Rules {
		if !slices.Contains(known, rules) {
			errs = append(errs, fmt.Errorf("web ACL rules must be one of %v, got %q", known, rules))
		}
		if slices.Contains(w.Rules[:i], rules) {
			errs = append(errs, fmt.Errorf("web ACL rules must differ, got %q twice", rules))
		}
	}
	return errors.Join(errs...)
}

// makeWebACL puts AWS WAF before the stage.
func (a *AsyncApi) makeWebACL() {
	if a.props.WebACL == nil {
		return
	}
	w := a.props.WebACL.withDefaults()
	visible := func(metric string) *awswafv2.CfnWebACL_VisibilityConfigProperty {
		return &awswafv2.CfnWebACL_VisibilityConfigProperty{
			CloudWatchMetricsEnabled: jsii.Bool(true),
			MetricName:               &metric,
			SampledRequestsEnabled:   jsii.Bool(true),
		}
	}
	rules := []any{&awswafv2.CfnWebACL_RuleProperty{
		Name:     jsii.String("RatePerIP"),
		Priority: jsii.Number(0),
		Action:   &awswafv2.CfnWebACL_RuleActionProperty{Block: map[string]any{}},
		Statement: &awswafv2.CfnWebACL_StatementProperty{
			RateBasedStatement: &awswafv2.CfnWebACL_RateBasedStatementProperty{
				AggregateKeyType: jsii.String("IP"),
				Limit:            jsii.Number(w.RatePerIP),
			},
		},
		VisibilityConfig: visible("RatePerIP"),
	}}
	for i, name := range w.Rules {
		group := &awswafv2.CfnWebACL_ManagedRuleGroupStatementProperty{
			VendorName: jsii.String("AWS"),
			Name:       jsii.String(string(name)),
		}
		if name == CommonRules {
			group.RuleActionOverrides = []any{&awswafv2.CfnWebACL_RuleActionOverrideProperty{
				Name:        jsii.String("SizeRestrictions_BODY"),
				ActionToUse: &awswafv2.CfnWebACL_RuleActionProperty{Count: map[string]any{}},
			}}
		}
		rules = append(rules, &awswafv2.CfnWebACL_RuleProperty{
			Name:             jsii.String(string(name)),
			Priority:         jsii.Number(i + 1),
			OverrideAction:   &awswafv2.CfnWebACL_OverrideActionProperty{None: map[string]any{}},
			Statement:        &awswafv2.CfnWebACL_StatementProperty{ManagedRuleGroupStatement: group},
			VisibilityConfig: visible(string(name)),
		})
	}
	a.WebACL = awswafv2.NewCfnWebACL(a, jsii.String("WebAcl"), &awswafv2.CfnWebACLProps{
		Scope:            jsii.String("REGIONAL"),
		DefaultAction:    &awswafv2.CfnWebACL_DefaultActionProperty{Allow: map[string]any{}},
		VisibilityConfig: visible("WebAcl"),
		Rules:            &rules,
	})
	awswafv2.NewCfnWebACLAssociation(a, jsii.String("WebAclAssociation"), &awswafv2.CfnWebACLAssociationProps{
		ResourceArn: a.Stage.StageArn(),
		WebAclArn:   a.WebACL.AttrArn(),
	})
}
