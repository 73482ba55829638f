package test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/infra/app"
	"github.com/orderflow-cdk/orderflow/internal/publish"
)

// appsyncPrelude is what AppSync adds to a schema, as far as ours uses it.
const appsyncPrelude = `
scalar AWSDateTime
scalar AWSJSON
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_cognito_user_pools on OBJECT | FIELD_DEFINITION
directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
`

func TestTheGraphQLSchemaIsTheEnvelopes(t *testing.T) {
	var envelope struct{ Properties map[string]any }
	if err := json.Unmarshal([]byte(event.Schema()), &envelope); err != nil {
		t.Fatal(err)
	}
	want := sortedKeys(envelope.Properties)
	each(t, func(t *testing.T, template template) {
		text, _ := template.resources("AWS::AppSync::GraphQLSchema")[0].Properties["Definition"].(string)
		schema, err := gqlparser.LoadSchema(&ast.Source{Name: "appsync", Input: appsyncPrelude, BuiltIn: true}, &ast.Source{Name: "schema", Input: text})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"OrderStatusEvent", "OrderStatusEventInput"} {
			var fields []string
			for _, f := range schema.Types[name].Fields {
				fields = append(fields, f.Name)
			}
			slices.Sort(fields)
			if diff := cmp.Diff(want, fields); diff != "" {
				t.Errorf("the envelope (-) and %s (+) differ:\n%s", name, diff)
			}
		}
		// What is published asks for all of it: a subscriber gets no more than that.
		document, errs := gqlparser.LoadQueryWithRules(schema, publish.Mutation, rules.NewDefaultRules())
		if errs != nil {
			t.Fatal(errs)
		}
		var asked []string
		for _, s := range document.Operations[0].SelectionSet[0].(*ast.Field).SelectionSet {
			asked = append(asked, s.(*ast.Field).Name)
		}
		slices.Sort(asked)
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Errorf("the envelope (-) and what is published (+) differ:\n%s", diff)
		}
	})
}

func TestNobodyUsesGraphQLWithoutAnIdentity(t *testing.T) {
	all := stacks(t)
	for _, env := range app.Environments() {
		apis := all["orderflow-"+env.Name].resources("AWS::AppSync::GraphQLApi")
		if len(apis) != 1 {
			t.Fatalf("%s: %d GraphQL APIs, want 1", env.Name, len(apis))
		}
		api := apis[0]
		modes := []any{api.Properties["AuthenticationType"]}
		for _, a := range list(api.Properties["AdditionalAuthenticationProviders"]) {
			modes = append(modes, at(a, "AuthenticationType"))
		}
		if got := fmt.Sprint(modes); got != "[AMAZON_COGNITO_USER_POOLS AWS_IAM]" {
			t.Errorf("%s: admits by %s", env.Name, got)
		}
		if got := api.Properties["IntrospectionConfig"] == "ENABLED"; got != env.GraphQLIntrospection {
			t.Errorf("%s: introspection is %v", env.Name, api.Properties["IntrospectionConfig"])
		}
		// A query for the schema is deep, but resolves nothing.
		if api.int("QueryDepthLimit") == 0 && !env.GraphQLIntrospection || api.int("ResolverCountLimit") == 0 {
			t.Errorf("%s: a query may be as large as it likes", env.Name)
		}
	}
}

func TestTheStreamsReaderGivesUpInTimeAndSaysSo(t *testing.T) {
	all := stacks(t)
	for _, env := range app.Environments() {
		template := all["orderflow-"+env.Name]
		found := 0
		for _, m := range template.resources("AWS::Lambda::EventSourceMapping") {
			source, ok := template.target(m.Properties["EventSourceArn"])
			if !ok || source.Type != "AWS::DynamoDB::Table" {
				continue
			}
			found++
			if at(source.Properties, "StreamSpecification", "StreamViewType") != "NEW_AND_OLD_IMAGES" {
				t.Errorf("%s: %s has no stream of both images", env.Name, source.ID)
			}
			// A position in the queue of failures is worth something only as long
			// as the stream still has the record.
			if age := m.int("MaximumRecordAgeInSeconds"); age == 0 || age > 18*3600 || age != int(env.OutboxAge.Seconds()) {
				t.Errorf("%s: %s tries for %d s", env.Name, m.ID, age)
			}
			if m.Properties["BisectBatchOnFunctionError"] != true || fmt.Sprint(m.Properties["FunctionResponseTypes"]) != "[ReportBatchItemFailures]" {
				t.Errorf("%s: %s lets one bad record hold up the others for longer than it must", env.Name, m.ID)
			}
			failures, ok := template.target(at(m.Properties, "DestinationConfig", "OnFailure", "Destination"))
			if !ok || failures.Type != "AWS::SQS::Queue" {
				t.Errorf("%s: %s drops what fails", env.Name, m.ID)
			}
			if env.Alarms && !watched(template, failures) {
				t.Errorf("%s: nobody is told of what is in %s", env.Name, failures.ID)
			}
		}
		want := 1
		if env.SeparateChannels {
			want = 2
		}
		if found != want {
			t.Errorf("%s: %d mappings read streams, want %d", env.Name, found, want)
		}
	}
}

// watched is whether an alarm looks at a queue.
func watched(template template, queue resource) bool {
	for _, a := range template.resources("AWS::CloudWatch::Alarm") {
		for _, d := range list(a.Properties["Dimensions"]) {
			if r, ok := template.target(at(d, "Value")); ok && r.ID == queue.ID {
				return true
			}
		}
	}
	return false
}

func TestEveryDeadLetterQueueIsWatched(t *testing.T) {
	all := stacks(t)
	for _, env := range app.Environments() {
		if !env.Alarms {
			continue
		}
		template := all["orderflow-"+env.Name]
		checked := 0
		for _, r := range template.resources("AWS::SQS::Queue", "AWS::SNS::Subscription") {
			dead, ok := template.target(at(r.Properties, "RedrivePolicy", "deadLetterTargetArn"))
			if r.Type == "AWS::SNS::Subscription" && !ok {
				t.Errorf("%s: what SNS cannot deliver by %s is gone", env.Name, r.ID)
			}
			if !ok {
				continue
			}
			checked++
			if !watched(template, dead) {
				t.Errorf("%s: nobody is told of what is in %s", env.Name, dead.ID)
			}
		}
		if checked < 3 {
			t.Errorf("%s: only %d queues and subscriptions have dead-letter queues", env.Name, checked)
		}
	}
}
