package diff

import (
	"fmt"
	"slices"
	"strings"
)

// rule says what a change of a property means.
type rule struct {
	kind string // type of the resource; "" is any
	path string // below Properties, with dots; it and everything below it
	as   Kind
	// weigh is the level and what it means in words, without the values; "" leaves the change to others.
	weigh func(old, new any) (Level, string)
}

// always has one level and text for any change.
func always(level Level, text string) func(old, new any) (Level, string) {
	return func(any, any) (Level, string) { return level, text }
}

// removed has one level if there is nothing any more, and another for any other change.
func removed(gone Level, what string, else_ Level) func(old, new any) (Level, string) {
	return func(old, new any) (Level, string) {
		switch {
		case new == nil:
			return gone, what + " is removed"
		case old == nil:
			return Low, what + " is added"
		}
		return else_, what + " changes"
	}
}

// safe has the level for a change away from a value that is safe, and Low for one to it.
func safe(level Level, what string, values ...any) func(old, new any) (Level, string) {
	return func(old, new any) (Level, string) {
		if slices.Contains(values, new) && !slices.Contains(values, old) {
			return Low, what
		}
		return level, what
	}
}

// less has the level if a number gets smaller or goes away.
func less(level Level, what string) func(old, new any) (Level, string) {
	return func(old, new any) (Level, string) {
		o, _ := old.(float64)
		n, ok := new.(float64)
		if !ok || old != nil && n < o {
			return level, what
		}
		return Low, what
	}
}

var exposureRules = []rule{
	{"AWS::ApiGateway::Method", "AuthorizationType", Exposure, func(old, new any) (Level, string) {
		if new == nil || new == "NONE" {
			return Critical, "is open to anyone: it no longer authorizes"
		}
		if old == nil || old == "NONE" {
			return Low, "authorizes callers now"
		}
		return Critical, "authorizes callers in another way"
	}},
	{"AWS::ApiGateway::Method", "AuthorizerId", Exposure, removed(Critical, "its authorizer", Critical)},
	{"AWS::ApiGateway::Method", "AuthorizationScopes", Exposure, removed(High, "the scopes that a caller needs", High)},
	{"AWS::ApiGateway::Method", "ApiKeyRequired", Exposure, safe(High, "whether an API key is required", true)},
	{"AWS::ApiGateway::Method", "RequestValidatorId", Exposure, removed(High, "the check of requests", High)},
	{"AWS::ApiGateway::Method", "RequestParameters", Exposure, always(Medium, "which parameters a request must have")},
	{"AWS::ApiGateway::RequestValidator", "", Exposure, safe(High, "what is checked of requests", true)},
	{"AWS::ApiGateway::Authorizer", "AuthorizerResultTtlInSeconds", Exposure, always(Medium, "how long a decision on a caller is remembered")},
	{"AWS::ApiGateway::Authorizer", "", Exposure, always(High, "how callers are authorized")},
	{"AWS::ApiGateway::RestApi", "EndpointConfiguration", Exposure, always(High, "from where the API is reached")},
	{"AWS::ApiGateway::RestApi", "DisableExecuteApiEndpoint", Exposure, safe(High, "whether the API answers at its default address", true)},
	{"AWS::ApiGateway::RestApi", "Policy", Exposure, removed(Critical, "its resource policy", High)},
	{"AWS::ApiGateway::DomainName", "SecurityPolicy", Exposure, always(High, "the oldest TLS that is accepted")},
	{"AWS::ApiGateway::DomainName", "MutualTlsAuthentication", Exposure, removed(Critical, "mutual TLS", High)},
	{"AWS::ApiGateway::Stage", "MethodSettings", Exposure, always(Medium, "throttling and logging of requests")},
	{"AWS::ApiGateway::Stage", "ClientCertificateId", Exposure, removed(High, "the client certificate towards backends", High)},
	{"AWS::ApiGatewayV2::Route", "AuthorizationType", Exposure, safe(Critical, "how callers are authorized")},
	{"AWS::ApiGatewayV2::Api", "CorsConfiguration", Exposure, always(High, "which web pages may call it (CORS)")},
	{"AWS::AppSync::GraphQLApi", "AuthenticationType", Exposure, always(Critical, "how callers are authorized")},
	{"AWS::AppSync::GraphQLApi", "AdditionalAuthenticationProviders", Exposure, always(Critical, "further ways in which callers are authorized")},
	{"AWS::AppSync::GraphQLApi", "UserPoolConfig", Exposure, always(Critical, "how callers are authorized")},
	{"AWS::AppSync::GraphQLApi", "LambdaAuthorizerConfig", Exposure, always(Critical, "how callers are authorized")},
	{"AWS::AppSync::GraphQLApi", "OpenIDConnectConfig", Exposure, always(Critical, "how callers are authorized")},
	{"AWS::AppSync::GraphQLApi", "IntrospectionConfig", Exposure, safe(High, "whether clients can read the schema", "DISABLED")},
	{"AWS::AppSync::GraphQLApi", "Visibility", Exposure, safe(Critical, "from where the API is reached", "PRIVATE")},
	{"AWS::AppSync::GraphQLApi", "QueryDepthLimit", Exposure, limit("how deep a query may be")},
	{"AWS::AppSync::GraphQLApi", "ResolverCountLimit", Exposure, limit("how many resolvers a query may need")},
	{"AWS::ApiGateway::GatewayResponse", "StatusCode", Schema, always(Medium, "with which status it answers")},
	{"AWS::Lambda::Url", "", Exposure, always(Critical, "who can call the function's URL")},
	{"AWS::WAFv2::WebACL", "DefaultAction", Exposure, always(Critical, "what happens to requests that no rule matches")},
	{"AWS::WAFv2::WebACL", "Rules", Exposure, always(High, "which requests are refused")},
	{"AWS::WAFv2::WebACLAssociation", "", Exposure, always(High, "what the firewall protects")},
	{"AWS::Cognito::UserPool", "AdminCreateUserConfig", Exposure, always(Critical, "who can make users")},
	{"AWS::Cognito::UserPool", "MfaConfiguration", Exposure, safe(High, "whether a second factor is asked for", "ON")},
	{"AWS::Cognito::UserPool", "EnabledMfas", Exposure, always(Medium, "which second factors there are")},
	{"AWS::Cognito::UserPool", "Policies.PasswordPolicy.MinimumLength", Exposure, less(High, "how strong passwords must be")},
	{"AWS::Cognito::UserPool", "Policies", Exposure, safe(High, "how strong passwords must be", true)},
	{"AWS::Cognito::UserPool", "Schema", Exposure, always(High, "which attributes users have, and who can change them")},
	{"AWS::Cognito::UserPoolClient", "ExplicitAuthFlows", Exposure, always(High, "how users sign in")},
	{"AWS::Cognito::UserPoolClient", "WriteAttributes", Exposure, always(Critical, "which attributes users can change themselves")},
	{"AWS::Cognito::UserPoolClient", "ReadAttributes", Exposure, always(Medium, "which attributes clients can read")},
	{"AWS::Cognito::UserPoolClient", "AllowedOAuthFlows", Exposure, always(High, "how users sign in")},
	{"AWS::Cognito::UserPoolClient", "AllowedOAuthFlowsUserPoolClient", Exposure, safe(High, "how users sign in", false)},
	{"AWS::Cognito::UserPoolClient", "CallbackURLs", Exposure, always(High, "where users are sent after they signed in")},
	{"AWS::Cognito::UserPoolClient", "PreventUserExistenceErrors", Exposure, safe(High, "whether it is told which users there are", "ENABLED")},
	{"AWS::Cognito::UserPoolClient", "EnableTokenRevocation", Exposure, safe(High, "whether tokens can be revoked", true)},
	{"AWS::S3::Bucket", "PublicAccessBlockConfiguration", Exposure, always(Critical, "whether the public can be let in")},
	{"AWS::SNS::Subscription", "Endpoint", Exposure, always(High, "who gets the topic's messages")},
	{"AWS::Lambda::Function", "VpcConfig", Exposure, always(High, "which network it is in")},
	{"AWS::Lambda::Function", "Role", IAM, always(High, "whose permissions it has")},
	{"AWS::IAM::Role", "PermissionsBoundary", IAM, removed(Critical, "its permissions boundary", High)},
	{"AWS::IAM::Role", "MaxSessionDuration", IAM, always(Medium, "how long a session of it lasts")},
}

// protectionRules are about what guards data, or tells of trouble.
var protectionRules = []rule{
	{"", "DeletionProtectionEnabled", Protection, safe(Critical, "deletion protection", true)},
	{"AWS::Cognito::UserPool", "DeletionProtection", Protection, safe(Critical, "deletion protection", "ACTIVE")},
	{"AWS::DynamoDB::Table", "PointInTimeRecoverySpecification", Protection, always(High, "backup to any point in time")},
	{"AWS::DynamoDB::Table", "SSESpecification", Protection, removed(High, "encryption by a key of its own", High)},
	{"AWS::DynamoDB::Table", "TimeToLiveSpecification", Protection, always(High, "which items are deleted when")},
	{"AWS::SQS::Queue", "SqsManagedSseEnabled", Protection, safe(High, "encryption", true)},
	{"AWS::SQS::Queue", "MessageRetentionPeriod", Protection, less(High, "for how many seconds messages are kept")},
	{"AWS::SQS::Queue", "RedrivePolicy", Protection, removed(High, "its dead-letter queue", Medium)},
	{"AWS::SNS::Subscription", "RedrivePolicy", Protection, removed(High, "its dead-letter queue", Medium)},
	{"", "KmsMasterKeyId", Protection, removed(High, "encryption by a key of its own", High)},
	{"", "KmsKeyArn", Protection, removed(High, "encryption by a key of its own", High)},
	{"", "KmsKeyId", Protection, removed(High, "encryption by a key of its own", High)},
	{"AWS::KMS::Key", "EnableKeyRotation", Protection, safe(High, "rotation of the key", true)},
	{"AWS::KMS::Key", "PendingWindowInDays", Protection, less(High, "how many days a deleted key can be brought back")},
	{"AWS::Logs::LogGroup", "RetentionInDays", Protection, less(Medium, "for how many days log lines are kept")},
	{"AWS::CloudWatch::Alarm", "AlarmActions", Protection, removed(High, "whom it tells", High)},
	{"AWS::CloudWatch::Alarm", "ActionsEnabled", Protection, safe(High, "whether it tells anybody", true, nil)},
	{"AWS::CloudWatch::Alarm", "OKActions", Protection, always(Low, "whom it tells that all is well again")},
	{"AWS::CloudWatch::Alarm", "AlarmDescription", Protection, always(Low, "what it says")},
	{"AWS::CloudWatch::Alarm", "", Protection, always(Medium, "when it goes off")},
	{"AWS::ApiGateway::Stage", "AccessLogSetting", Protection, removed(High, "the access log", Medium)},
	{"AWS::ApiGateway::Stage", "TracingEnabled", Protection, safe(Medium, "tracing", true)},
	{"AWS::Lambda::EventSourceMapping", "DestinationConfig", Protection, removed(High, "where records go that are given up", High)},
	{"AWS::Lambda::EventSourceMapping", "FilterCriteria", Protection, always(High, "which records are seen at all")},
	{"AWS::Lambda::EventSourceMapping", "FunctionResponseTypes", Protection, always(High, "what becomes of the good messages of a batch that fails")},
	{"AWS::Lambda::EventSourceMapping", "Enabled", Protection, safe(High, "whether anything is read", true)},
	{"AWS::Lambda::EventSourceMapping", "MaximumRetryAttempts", Protection, always(Medium, "how often a batch is tried again")},
	{"AWS::Lambda::EventSourceMapping", "MaximumRecordAgeInSeconds", Protection, always(Medium, "for how long a record is tried again")},
}

// limit is a limit that protects: more or none is less protection. 0 is none (AppSync API Reference, GraphqlApi).
func limit(what string) func(old, new any) (Level, string) {
	return func(old, new any) (Level, string) {
		o, _ := old.(float64)
		n, _ := new.(float64)
		if n == 0 || o != 0 && n > o {
			return High, what
		}
		return Low, what
	}
}

// apply tells of the changes that rules are about. The first rule that fits a change is the one.
func (d *stackDiff) apply(rules []rule) {
	for _, id := range d.new.ids() {
		r := d.new.resources[id]
		for _, rule := range rules {
			if rule.kind != "" && rule.kind != r.kind {
				continue
			}
			path := []string{"Properties"}
			if rule.path != "" {
				path = append(path, strings.Split(rule.path, ".")...)
			}
			for _, c := range d.tell(id, path...) {
				old, new := c.old, c.new
				level, text := rule.weigh(old, new)
				d.find(r, Finding{Kind: rule.as, Level: level, Title: fmt.Sprintf("%s: %s %s → %s", text, c.at(), short(old), short(new))})
			}
		}
	}
}

// exposure tells who can reach what that could not.
func (d *stackDiff) exposure() {
	d.apply(exposureRules)
	for _, r := range d.fresh() {
		switch r.kind {
		case "AWS::ApiGateway::Method":
			if a := r.text("AuthorizationType"); (a == "" || a == "NONE") && r.text("HttpMethod") != "OPTIONS" && r.properties["ApiKeyRequired"] != true {
				d.find(r, Finding{Kind: Exposure, Level: Critical, Title: "is new and open to anyone: it does not authorize"})
			}
		case "AWS::Lambda::Url":
			d.find(r, Finding{Kind: Exposure, Level: Critical, Title: "a function gets a URL: AuthType " + short(r.properties["AuthType"])})
		}
	}
}

// protection tells which safeguards change.
func (d *stackDiff) protection() {
	d.apply(protectionRules)
	for _, id := range d.new.ids() {
		r := d.new.resources[id]
		d.policies(r)
		d.suppressions(r)
	}
}

// suppressions tells that checks of a resource by cdk-nag are left out, or no longer.
func (d *stackDiff) suppressions(r *resource) {
	for _, c := range d.changes[r.id] {
		if c.told || c.path[0] != "Metadata" || !strings.Contains(strings.Join(c.path, ".")+textOf(c.old)+textOf(c.new), "cdk_nag") {
			continue
		}
		c.told = true
		f := Finding{Kind: Protection, Level: Medium, Title: "a check of it by cdk-nag is left out: " + short(c.new)}
		if c.new == nil {
			f.Level, f.Title = Low, "a check of it by cdk-nag is no longer left out: "+short(c.old)
		} else if c.old != nil {
			f.Title = fmt.Sprintf("which checks of it by cdk-nag are left out: %s %s → %s", c.at(), short(c.old), short(c.new))
		}
		d.find(r, f)
	}
}

// policies tells of changes of a resource's deletion policies, both at once if they change alike.
func (d *stackDiff) policies(r *resource) {
	var findings []Finding
	for _, attribute := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
		for range d.tell(r.id, attribute) {
			was, is := policyOf(d.was(r.id), attribute), policyOf(r, attribute)
			f := Finding{Kind: Protection, Level: Low, Title: fmt.Sprintf("%s: %s → %s", attribute, was, is)}
			if worse(was, is) == is && was != is {
				f.Level = Medium
				if what := held(r); what != "" {
					f.Level = High
					f.Details = []string{"from now on it takes with it " + what}
				}
			}
			findings = append(findings, f)
		}
	}
	if len(findings) == 2 {
		values := strings.TrimPrefix(findings[0].Title, "DeletionPolicy")
		if strings.TrimPrefix(findings[1].Title, "UpdateReplacePolicy") == values && findings[0].Level == findings[1].Level {
			findings = findings[:1]
			findings[0].Title = "DeletionPolicy and UpdateReplacePolicy" + values
		}
	}
	for _, f := range findings {
		d.find(r, f)
	}
}
