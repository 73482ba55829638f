package conformance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// provisioner makes the template's resources by the services' own APIs, for a backend that has no
// CloudFormation. It knows no more of CloudFormation than the template has.
type provisioner struct {
	t      testing.TB
	cfg    aws.Config
	suffix string                       // of names, so that a backend can hold several worlds
	made   map[string]map[string]string // by logical id: "Ref" and attributes
}

type resource struct {
	Type       string
	Properties json.RawMessage
}

// provision makes everything but roles, policies and functions, and returns the outputs.
func provision(t testing.TB, cfg aws.Config, suffix string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Resources map[string]resource
		Outputs   map[string]struct{ Value any }
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	p := &provisioner{t, cfg, suffix, map[string]map[string]string{
		"MachineRole": {"Arn": "arn:aws:iam::123456789012:role/machine"}, "Echo": {"Ref": "echo", "Arn": "arn:aws:lambda:eu-central-1:123456789012:function:echo"},
	}}
	makers := map[string]func(id string, properties []byte) map[string]string{
		"AWS::SQS::Queue": p.queue, "AWS::SNS::Topic": p.topic, "AWS::SNS::Subscription": p.subscription, "AWS::DynamoDB::Table": p.table,
		"AWS::StepFunctions::StateMachine": p.machine, "AWS::SecretsManager::Secret": p.secret,
	}
	// What others refer to comes first.
	ids := slices.Sorted(maps.Keys(all.Resources))
	for _, typ := range []string{"AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::SNS::Subscription", "AWS::DynamoDB::Table", "AWS::StepFunctions::StateMachine", "AWS::SecretsManager::Secret"} {
		for _, id := range ids { // Dead comes before Jobs
			if r := all.Resources[id]; r.Type == typ {
				p.made[id] = makers[typ](id, p.resolved(r.Properties))
			}
		}
	}
	names := map[string]string{}
	for name, o := range all.Outputs {
		names[name] = fmt.Sprint(p.resolve(o.Value))
	}
	return names
}

func (p *provisioner) resolved(properties json.RawMessage) []byte {
	var v any
	if len(properties) == 0 {
		return []byte("{}")
	}
	p.must(json.Unmarshal(properties, &v))
	b, err := json.Marshal(p.resolve(v))
	p.must(err)
	return b
}

// resolve resolves Ref and Fn::GetAtt.
func (p *provisioner) resolve(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["Ref"].(string); ok {
			return p.made[ref]["Ref"]
		}
		if att, ok := v["Fn::GetAtt"].([]any); ok {
			return p.made[att[0].(string)][att[1].(string)]
		}
		out := map[string]any{}
		for k, e := range v {
			out[k] = p.resolve(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = p.resolve(e)
		}
		return out
	}
	return v
}

func (p *provisioner) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // it comes from JSON
	}
	return string(b)
}

func (p *provisioner) queue(id string, properties []byte) map[string]string {
	var in map[string]any
	p.must(json.Unmarshal(properties, &in))
	name, attributes := id+p.suffix, map[string]string{}
	for k, v := range in {
		attributes[k] = text(v)
	}
	if attributes["FifoQueue"] == "true" {
		name += ".fifo"
	}
	client := sqs.NewFromConfig(p.cfg)
	out, err := client.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	p.must(err)
	return map[string]string{"Ref": *out.QueueUrl, "Arn": "arn:aws:sqs:eu-central-1:123456789012:" + name, "QueueName": name}
}

func (p *provisioner) topic(id string, _ []byte) map[string]string {
	out, err := sns.NewFromConfig(p.cfg).CreateTopic(context.Background(), &sns.CreateTopicInput{Name: aws.String(id + p.suffix)})
	p.must(err)
	return map[string]string{"Ref": *out.TopicArn}
}

func (p *provisioner) subscription(_ string, properties []byte) map[string]string {
	var in map[string]any
	p.must(json.Unmarshal(properties, &in))
	attributes := map[string]string{}
	for _, name := range []string{"RawMessageDelivery", "FilterPolicy", "FilterPolicyScope"} {
		if v, ok := in[name]; ok {
			attributes[name] = text(v)
		}
	}
	_, err := sns.NewFromConfig(p.cfg).Subscribe(context.Background(), &sns.SubscribeInput{
		TopicArn: aws.String(text(in["TopicArn"])), Protocol: aws.String(text(in["Protocol"])), Endpoint: aws.String(text(in["Endpoint"])), Attributes: attributes,
	})
	p.must(err)
	return nil
}

func (p *provisioner) table(id string, properties []byte) map[string]string {
	var in struct {
		AttributeDefinitions   []ddb.AttributeDefinition
		KeySchema              []ddb.KeySchemaElement
		GlobalSecondaryIndexes []ddb.GlobalSecondaryIndex
		StreamSpecification    struct{ StreamViewType ddb.StreamViewType }
	}
	p.must(json.Unmarshal(properties, &in))
	out, err := dynamodb.NewFromConfig(p.cfg).CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName: aws.String(id + p.suffix), BillingMode: ddb.BillingModePayPerRequest, AttributeDefinitions: in.AttributeDefinitions, KeySchema: in.KeySchema,
		GlobalSecondaryIndexes: in.GlobalSecondaryIndexes,
		StreamSpecification:    &ddb.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: in.StreamSpecification.StreamViewType},
	})
	p.must(err)
	return map[string]string{"Ref": id + p.suffix, "StreamArn": aws.ToString(out.TableDescription.LatestStreamArn)}
}

func (p *provisioner) machine(id string, properties []byte) map[string]string {
	var in struct {
		RoleArn, DefinitionString string
		DefinitionSubstitutions   map[string]string
	}
	p.must(json.Unmarshal(properties, &in))
	definition := in.DefinitionString
	for name, value := range in.DefinitionSubstitutions {
		definition = strings.ReplaceAll(definition, "${"+name+"}", value)
	}
	out, err := sfn.NewFromConfig(p.cfg).CreateStateMachine(context.Background(), &sfn.CreateStateMachineInput{
		Name: aws.String(id + p.suffix), RoleArn: &in.RoleArn, Definition: &definition,
	})
	p.must(err)
	return map[string]string{"Ref": *out.StateMachineArn}
}

func (p *provisioner) secret(_ string, properties []byte) map[string]string {
	var in struct{ Name, SecretString string }
	p.must(json.Unmarshal(properties, &in))
	out, err := secretsmanager.NewFromConfig(p.cfg).CreateSecret(context.Background(), &secretsmanager.CreateSecretInput{
		Name: aws.String(in.Name + p.suffix), SecretString: &in.SecretString,
	})
	p.must(err)
	return map[string]string{"Ref": *out.ARN}
}
