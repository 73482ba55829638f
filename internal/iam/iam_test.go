package iam_test

import (
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/iam"
)

const (
	account = "123456789012"
	queue   = "arn:aws:sqs:eu-central-1:123456789012:orders"
	roleARN = "arn:aws:iam::123456789012:role/intake"
)

func parse(t testing.TB, text string) *iam.Document {
	t.Helper()
	d, err := iam.Parse("policy", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// statement makes a policy of one statement, of which the members are given.
func statement(members string) string {
	return `{"Version":"2012-10-17","Statement":[{` + members + `}]}`
}

func TestActionsAndResources(t *testing.T) {
	for _, tt := range []struct {
		name, members string
		action, arn   string
		want          bool
	}{
		{"the same", `"Effect":"Allow","Action":"sqs:SendMessage","Resource":"` + queue + `"`, "sqs:SendMessage", queue, true},
		{"the case of actions does not matter", `"Effect":"Allow","Action":"SQS:sendmessage","Resource":"*"`, "sqs:SendMessage", queue, true},
		{"the case of resources does", `"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:eu-central-1:123456789012:Orders"`, "sqs:SendMessage", queue, false},
		{"another action", `"Effect":"Allow","Action":["sqs:ReceiveMessage","sqs:DeleteMessage"],"Resource":"*"`, "sqs:SendMessage", queue, false},
		{"a wildcard in an action", `"Effect":"Allow","Action":"sqs:*Message","Resource":"*"`, "sqs:SendMessage", queue, true},
		{"a question mark", `"Effect":"Allow","Action":"sqs:SendMessag?","Resource":"*"`, "sqs:SendMessage", queue, true},
		{"an ARN that ends too early", `"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs"`, "sqs:SendMessage", queue, true},
		{"all actions", `"Effect":"Allow","Action":"*","Resource":"*"`, "sqs:SendMessage", queue, true},
		{"a wildcard in a name", `"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:*:123456789012:ord*"`, "sqs:SendMessage", queue, true},
		{"a wildcard for several parts of an ARN", `"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:*:orders"`, "sqs:SendMessage", queue, false},
		{"a wildcard in the last part reaches over colons", `"Effect":"Allow","Action":"logs:*","Resource":"arn:aws:logs:eu-central-1:123456789012:log-group:*"`, "logs:PutLogEvents", "arn:aws:logs:eu-central-1:123456789012:log-group:a:log-stream:b", true},
		{"NotAction", `"Effect":"Allow","NotAction":"sqs:Delete*","Resource":"*"`, "sqs:SendMessage", queue, true},
		{"NotAction that has it", `"Effect":"Allow","NotAction":"sqs:Send*","Resource":"*"`, "sqs:SendMessage", queue, false},
		{"NotResource", `"Effect":"Allow","Action":"sqs:*","NotResource":"arn:aws:sqs:*:*:other"`, "sqs:SendMessage", queue, true},
		{"NotResource that has it", `"Effect":"Allow","Action":"sqs:*","NotResource":"arn:aws:sqs:*:*:orders"`, "sqs:SendMessage", queue, false},
		{"a variable", `"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:eu-central-1:123456789012:${aws:username}"`, "sqs:SendMessage", "arn:aws:sqs:eu-central-1:123456789012:ada", true},
		{"a variable without a value", `"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:eu-central-1:123456789012:${aws:nobody}"`, "sqs:SendMessage", queue, false},
		{"a variable with a default", `"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:eu-central-1:123456789012:${aws:nobody, 'orders'}"`, "sqs:SendMessage", queue, true},
		{"a star that is one", `"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:eu-central-1:123456789012:${*}"`, "sqs:SendMessage", queue, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := iam.Decide(iam.Request{
				Principal: iam.Principal{ARN: roleARN, Account: account}, Action: tt.action, Resource: tt.arn,
				Context: map[string][]string{"aws:username": {"ada"}},
			}, []*iam.Document{parse(t, statement(tt.members))}, nil)
			if d.Allowed != tt.want {
				t.Errorf("allowed: %v, want %v", d.Allowed, tt.want)
			}
			if d.Allowed && d.By == nil {
				t.Error("nothing allows it")
			}
		})
	}
}

func TestConditions(t *testing.T) {
	context := map[string][]string{
		"k": {"Value"}, "many": {"a", "b"}, "n": {"7"}, "t": {"true"}, "when": {"2026-01-01T12:00:00Z"}, "ip": {"10.1.2.3"},
		"arn": {"arn:aws:sns:eu-central-1:123456789012:topic"}, "bytes": {"aGk="},
	}
	for _, tt := range []struct {
		condition string
		want      bool
	}{
		{`"StringEquals":{"k":"Value"}`, true}, {`"StringEquals":{"K":"Value"}`, true}, {`"StringEquals":{"k":"value"}`, false}, {`"StringEquals":{"k":["x","Value"]}`, true},
		{`"StringNotEquals":{"k":"x"}`, true}, {`"StringNotEquals":{"k":["x","Value"]}`, false}, {`"StringNotEquals":{"none":"x"}`, true}, {`"StringEquals":{"none":"x"}`, false},
		{`"StringEqualsIgnoreCase":{"k":"VALUE"}`, true}, {`"StringNotEqualsIgnoreCase":{"k":"VALUE"}`, false},
		{`"StringLike":{"k":"V?l*"}`, true}, {`"StringNotLike":{"k":"V*"}`, false}, {`"StringEquals":{"k":"V*"}`, false},
		{`"NumericEquals":{"n":7}`, true}, {`"NumericEquals":{"n":"7.0"}`, true}, {`"NumericNotEquals":{"n":7}`, false}, {`"NumericLessThan":{"n":8}`, true}, {`"NumericLessThan":{"n":7}`, false},
		{`"NumericLessThanEquals":{"n":7}`, true}, {`"NumericGreaterThan":{"n":6}`, true}, {`"NumericGreaterThanEquals":{"n":8}`, false},
		{`"DateLessThan":{"when":"2026-01-02T00:00:00Z"}`, true}, {`"DateGreaterThan":{"when":"2026-01-02"}`, false}, {`"DateEquals":{"when":1767268800}`, true},
		{`"DateGreaterThanEquals":{"when":"2026-01-01T12:00:00Z"}`, true}, {`"DateLessThanEquals":{"when":"2026-01-01T11:59:59Z"}`, false}, {`"DateNotEquals":{"when":"2026-01-01T12:00:00Z"}`, false},
		{`"Bool":{"t":"true"}`, true}, {`"Bool":{"t":true}`, true}, {`"Bool":{"t":false}`, false}, {`"Bool":{"none":true}`, false}, {`"BoolIfExists":{"none":true}`, true},
		{`"BinaryEquals":{"bytes":"aGk="}`, true}, {`"BinaryEquals":{"bytes":"aGg="}`, false},
		{`"IpAddress":{"ip":"10.0.0.0/8"}`, true}, {`"IpAddress":{"ip":"10.1.2.3"}`, true}, {`"NotIpAddress":{"ip":["192.168.0.0/16","10.0.0.0/8"]}`, false}, {`"NotIpAddress":{"ip":"192.168.0.0/16"}`, true},
		{`"ArnEquals":{"arn":"arn:aws:sns:*:123456789012:top*"}`, true}, {`"ArnLike":{"arn":"arn:aws:sns:*:topic"}`, false}, {`"ArnNotLike":{"arn":"arn:aws:sns:*:*:topic"}`, false}, {`"ArnNotEquals":{"arn":"arn:aws:sqs:*:*:*"}`, true},
		{`"Null":{"none":"true"}`, true}, {`"Null":{"k":true}`, false}, {`"Null":{"k":"false"}`, true},
		{`"StringEqualsIfExists":{"k":"x"}`, false}, {`"StringEqualsIfExists":{"none":"x"}`, true},
		{`"ForAnyValue:StringEquals":{"many":["b","c"]}`, true}, {`"ForAnyValue:StringEquals":{"many":"c"}`, false}, {`"ForAnyValue:StringEquals":{"none":"c"}`, false},
		{`"ForAllValues:StringEquals":{"many":["a","b","c"]}`, true}, {`"ForAllValues:StringEquals":{"many":"a"}`, false}, {`"ForAllValues:StringEquals":{"none":"a"}`, true},
		{`"ForAllValues:StringLike":{"many":["?"]}`, true}, {`"ForAnyValue:StringNotEquals":{"many":"a"}`, true}, {`"ForAllValues:StringNotEquals":{"many":"a"}`, false},
		{`"StringEquals":{"k":"Value"},"Bool":{"t":"true"}`, true}, {`"StringEquals":{"k":"Value","n":"8"}`, false},
		{`"StringEquals":{"k":"${k}"}`, true}, {`"StringLike":{"k":"${none}*"}`, false},
	} {
		t.Run(tt.condition, func(t *testing.T) {
			policy := parse(t, statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{`+tt.condition+`}`))
			for _, lookup := range []bool{false, true} {
				r := iam.Request{Principal: iam.Principal{ARN: roleARN, Account: account}, Action: "a:B", Resource: "*", Context: context}
				if lookup {
					r.Context, r.Lookup = nil, func(key string) []string { return context[key] }
				}
				d := iam.Decide(r, []*iam.Document{policy}, nil)
				if d.Allowed != tt.want {
					t.Errorf("allowed: %v, want %v", d.Allowed, tt.want)
				}
				if lookup && !d.Conditional {
					t.Error("another request is taken to be decided alike")
				}
			}
		})
	}
}

func TestIdentityAndResource(t *testing.T) {
	allow := func(principal string) string {
		return statement(`"Effect":"Allow","Principal":` + principal + `,"Action":"sqs:SendMessage","Resource":"` + queue + `"`)
	}
	mine := statement(`"Effect":"Allow","Action":"sqs:SendMessage","Resource":"` + queue + `"`)
	caller := iam.Principal{ARN: roleARN, Account: account}
	topic := iam.Principal{Service: "sns.amazonaws.com", Account: account}
	for _, tt := range []struct {
		name               string
		who                iam.Principal
		identity, resource string
		want, delegated    bool
	}{
		{"nothing", caller, "", "", false, false},
		{"its own policy", caller, mine, "", true, false},
		{"the resource's", caller, "", allow(`{"AWS":"` + roleARN + `"}`), true, false},
		{"the resource's for everybody", caller, "", allow(`"*"`), true, false},
		{"the resource's for somebody else", caller, "", allow(`{"AWS":"arn:aws:iam::123456789012:role/other"}`), false, false},
		{"the resource's for the account", caller, "", allow(`{"AWS":"arn:aws:iam::123456789012:root"}`), false, true},
		{"the resource's for the account by number, and its own", caller, mine, allow(`{"AWS":"123456789012"}`), true, false},
		{"a service", topic, "", allow(`{"Service":"sns.amazonaws.com"}`), true, false},
		{"another service", topic, "", allow(`{"Service":"s3.amazonaws.com"}`), false, false},
		{"a service and a role's policy", topic, "", allow(`{"AWS":"` + roleARN + `"}`), false, false},
		{"its own, but the resource denies it", caller, mine, statement(`"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*"`), false, false},
		{"the resource's, but its own denies it", caller, statement(`"Effect":"Deny","Action":"sqs:*","Resource":"*"`), allow(`"*"`), false, false},
		{"denied to all but itself", caller, mine, statement(`"Effect":"Deny","NotPrincipal":{"AWS":"` + roleARN + `"},"Action":"sqs:*","Resource":"*"`), true, false},
		{"denied to all but another", caller, mine, statement(`"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:role/other"},"Action":"sqs:*","Resource":"*"`), false, false},
		{"the account itself", iam.Principal{Account: account, Root: true}, "", "", true, false},
		{"the account itself, denied", iam.Principal{Account: account, Root: true}, "", statement(`"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*"`), false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var identity, resource []*iam.Document
			if tt.identity != "" {
				identity = append(identity, parse(t, tt.identity))
			}
			if tt.resource != "" {
				resource = append(resource, parse(t, tt.resource))
			}
			d := iam.Decide(iam.Request{Principal: tt.who, Action: "sqs:SendMessage", Resource: queue}, identity, resource)
			if d.Allowed != tt.want || !d.Allowed && d.Delegated != tt.delegated {
				t.Errorf("allowed: %v, delegated: %v; want %v, %v", d.Allowed, d.Delegated, tt.want, tt.delegated)
			}
		})
	}
}

func TestWhatIsNoPolicy(t *testing.T) {
	for _, tt := range []struct{ document, want string }{
		{`[]`, "a policy is an object"}, {`{"Version":"2020-01-01","Statement":[]}`, "Version"}, {`{"Statements":[]}`, "Statements is no member of a policy"},
		{statement(`"Action":"*","Resource":"*"`), "has no Effect"}, {statement(`"Effect":"allow","Action":"*","Resource":"*"`), "Effect is none of Allow, Deny"},
		{statement(`"Effect":"Allow","Resource":"*"`), "has not one of Action and NotAction"}, {statement(`"Effect":"Allow","Action":"*","NotAction":"a:B","Resource":"*"`), "has not one of"},
		{statement(`"Effect":"Allow","Action":"s*","Resource":"*"`), "does not begin with a service"},
		{statement(`"Effect":"Allow","Action":[],"Resource":"*"`), "is empty"}, {statement(`"Effect":"Allow","Action":"*","Resource":"*","NotResource":"*"`), "both Resource and NotResource"},
		{statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringIs":{"k":"v"}}`), "is no condition operator"},
		{statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericEquals":{"k":"v"}}`), `has the value "v"`},
		{statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"k":"10"}}`), `has the value "10"`},
		{statement(`"Effect":"Allow","Action":"*","Resource":"*","Principal":{"Role":"x"}`), "unknown kind Role"},
		{statement(`"Effect":"Allow","Action":"*","Resource":"*","Principals":"*"`), "Principals is no member"},
	} {
		_, err := iam.Parse("Policy", []byte(tt.document))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want it to contain %q", tt.document, err, tt.want)
		}
	}
}

func TestManagedPolicies(t *testing.T) {
	const prefix = "arn:aws:iam::aws:policy/"
	for _, name := range []string{"service-role/AWSLambdaBasicExecutionRole", "service-role/AmazonAPIGatewayPushToCloudWatchLogs", "AWSXRayDaemonWriteAccess"} {
		if d, ok := iam.ManagedPolicy(prefix + name); !ok || len(d.Statements) == 0 {
			t.Errorf("%s is not known", name)
		}
	}
	for _, arn := range []string{prefix + "AdministratorAccess", "arn:aws:iam::123456789012:policy/AWSXRayDaemonWriteAccess", ""} {
		if _, ok := iam.ManagedPolicy(arn); ok {
			t.Errorf("%q is known", arn)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	own := []*iam.Document{parse(b, statement(`"Effect":"Allow","Action":["sqs:ReceiveMessage","sqs:SendMessage"],"Resource":"`+queue+`"`))}
	theirs := []*iam.Document{parse(b, statement(`"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sqs:*","Resource":"`+queue+`","Condition":{"Bool":{"aws:SecureTransport":"false"}}`))}
	r := iam.Request{Principal: iam.Principal{ARN: roleARN, Account: account}, Action: "sqs:SendMessage", Resource: queue, Context: map[string][]string{"aws:securetransport": {"true"}}}
	b.ReportAllocs()
	for b.Loop() {
		if !iam.Decide(r, own, theirs).Allowed {
			b.Fatal("denied")
		}
	}
}
