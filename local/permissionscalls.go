package local

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/awsapi"
	"github.com/orderflow-cdk/orderflow/local/internal/logs"
)

// need is what a call has to be allowed.
type need struct {
	action, resource string
	policyOf         string // the ARN of the resource whose policy counts, where that is another one: of an index, of a version
	context          map[string][]string
	lookup           func(key string) []string
}

// needs are the permissions of a call, by the Service Authorization Reference.
func (p *policies) needs(c *api.Call) []need {
	switch c.Service {
	case "sqs":
		return p.needsOfSQS(c)
	case "dynamodb":
		return p.needsOfDynamoDB(c)
	case "sns":
		return p.needsOfSNS(c)
	case "lambda":
		return p.needsOfLambda(c)
	case "states":
		return p.needsOfStates(c)
	case "secretsmanager":
		return p.needsOfSecretsManager(c)
	case "logs":
		return []need{p.needOfLogs(c)}
	case "appsync":
		return []need{p.needOfAppSync(c)}
	case "cloudformation":
		return []need{p.needOfStacks(c)}
	case "sts":
		return nil // that a service may assume a role was asked before
	}
	return []need{{action: c.Service + ":" + c.Action, resource: "*"}} // xray, and what knows no resources
}

// needOfLogs is that of a call of CloudWatch Logs. What is about a group is asked of a stream without a name, as messages of the
// service show.
func (p *policies) needOfLogs(c *api.Call) need {
	n := need{action: "logs:" + c.Action, resource: p.groupARN(logs.GroupName(cmp.Or(field(c.Input, "logGroupName"), field(c.Input, "logGroupIdentifier")))) + ":log-stream:"}
	switch c.Action {
	case "CreateLogStream", "PutLogEvents", "GetLogEvents", "DeleteLogStream":
		n.resource += field(c.Input, "logStreamName")
	}
	return n
}

// needOfAppSync is that of a call of AppSync's own API. The Service Authorization Reference has a resource for what is about an API as a
// whole; for the rest, messages of the service and policies that work name the path of the request.
func (p *policies) needOfAppSync(c *api.Call) need {
	n := need{action: "appsync:" + c.Action}
	switch c.Action {
	case "GetGraphqlApi", "GetGraphqlApiEnvironmentVariables":
		n.resource = p.stack.names.arn("appsync", "apis/"+field(c.Input, "apiId"))
	default:
		n.resource = p.stack.names.arn("appsync", awsapi.AppSyncPath(c.Action, c.Input))
	}
	return n
}

// groupARN is the ARN of a log group.
func (p *policies) groupARN(name string) string {
	if g, ok := p.groups[name]; ok {
		return g.arn
	}
	return p.stack.names.arn("logs", "log-group:"+name)
}

// withKey adds what the use of a resource takes whose data are encrypted with a key of the account's own.
func (p *policies) withKey(needs []need, service, arn string, actions ...string) []need {
	if key := p.keys[arn]; key != "" {
		for _, a := range actions {
			needs = append(needs, need{action: a, resource: key, context: map[string][]string{
				"kms:viaservice": {service + "." + p.stack.opts.Region + ".amazonaws.com"}, "kms:calleraccount": {p.stack.opts.AccountID},
			}})
		}
	}
	return needs
}

func (p *policies) needsOfSQS(c *api.Call) []need {
	// A batch takes what each of its entries takes alone (SQS Developer Guide, "SQS API permissions").
	action := strings.TrimSuffix(c.Action, "Batch")
	arn := "*"
	if url := field(c.Input, "QueueUrl"); url != "" {
		arn = p.stack.names.arn("sqs", url[strings.LastIndex(url, "/")+1:])
	} else if source := field(c.Input, "SourceArn"); source != "" {
		arn = source
	} else if name := field(c.Input, "QueueName"); name != "" {
		arn = p.stack.names.arn("sqs", name)
	}
	needs := []need{{action: "sqs:" + action, resource: arn}}
	switch action {
	case "SendMessage":
		return p.withKey(needs, "sqs", arn, "kms:GenerateDataKey", "kms:Decrypt")
	case "ReceiveMessage":
		return p.withKey(needs, "sqs", arn, "kms:Decrypt")
	case "StartMessageMoveTask":
		// Who starts it needs what it does (SQS API reference, StartMessageMoveTask).
		for _, a := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
			needs = append(needs, need{action: "sqs:" + a, resource: arn})
		}
		if to := field(c.Input, "DestinationArn"); to != "" {
			needs = append(needs, need{action: "sqs:SendMessage", resource: to})
		}
	}
	return needs
}

func (p *policies) needsOfSNS(c *api.Call) []need {
	arn := cmp.Or(field(c.Input, "TopicArn"), field(c.Input, "TargetArn"), field(c.Input, "ResourceArn"))
	if sub := field(c.Input, "SubscriptionArn"); arn == "" && sub != "" {
		arn = sub[:max(0, strings.LastIndex(sub, ":"))] // its topic
	}
	arn = cmp.Or(arn, "*")
	action := strings.TrimSuffix(c.Action, "Batch")
	n := need{action: "sns:" + action, resource: arn}
	if action == "Subscribe" {
		n.lookup = func(key string) []string {
			switch key {
			case "sns:protocol":
				return []string{field(c.Input, "Protocol")}
			case "sns:endpoint":
				return []string{field(c.Input, "Endpoint")}
			}
			return nil
		}
	}
	if action == "Publish" {
		return p.withKey([]need{n}, "sns", arn, "kms:GenerateDataKey", "kms:Decrypt")
	}
	return []need{n}
}

func (p *policies) needsOfLambda(c *api.Call) []need {
	action := c.Action
	if action == "Invoke" {
		action = "InvokeFunction"
	}
	ref := field(c.Input, "FunctionName")
	if ref == "" {
		return []need{{action: "lambda:" + action, resource: "*"}}
	}
	n := need{action: "lambda:" + action, resource: p.functionARN(ref)}
	if q := qualifierOf(c.Input, ref); q != "" {
		if q == "$LATEST" { // which cannot have a policy of its own
			n.policyOf = n.resource
		}
		n.resource += ":" + q
	}
	return []need{n}
}

// qualifierOf is the version or alias that a call names, which is part of the ARN that a policy has to allow.
func qualifierOf(input []byte, ref string) string {
	name := strings.TrimPrefix(ref, "function:")
	if _, after, ok := strings.Cut(ref, ":function:"); ok {
		name = after
	}
	if _, q, ok := strings.Cut(name, ":"); ok {
		return q
	}
	if !bytes.Contains(input, []byte(`"Qualifier"`)) {
		return ""
	}
	return member(input, "Qualifier")
}

func (p *policies) functionARN(ref string) string {
	if f := p.stack.functions.Function(ref); f != nil {
		return f.ARN
	}
	return cmp.Or(ref, "*")
}

func (p *policies) needsOfStates(c *api.Call) []need {
	arn := cmp.Or(field(c.Input, "stateMachineArn"), field(c.Input, "executionArn"))
	if arn == "" && strings.HasPrefix(c.Action, "SendTask") {
		arn = p.stack.machines.MachineOfToken(field(c.Input, "taskToken"))
	}
	return []need{{action: "states:" + c.Action, resource: cmp.Or(arn, "*")}}
}

func (p *policies) needsOfSecretsManager(c *api.Call) []need {
	id := field(c.Input, "SecretId")
	arn := id
	if !strings.HasPrefix(id, "arn:") {
		arn = p.stack.names.arn("secretsmanager", "secret:"+id)
	}
	n := need{action: "secretsmanager:" + c.Action, resource: arn, lookup: func(key string) []string {
		switch key {
		case "secretsmanager:secretid":
			return []string{arn}
		case "secretsmanager:versionstage":
			return []string{cmp.Or(field(c.Input, "VersionStage"), "AWSCURRENT")}
		case "secretsmanager:versionid":
			return present(field(c.Input, "VersionId"))
		}
		return nil
	}}
	return p.withKey([]need{n}, "secretsmanager", arn, "kms:Decrypt")
}

func present(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// field is a member of a call's input that is a string, or "". Calls are many, and their inputs may be large: what
// looks like the member is taken for it where nothing else can, since a quotation mark within a string is escaped, and
// no input has an object with a member of this name and a string for it, other than Lambda's payload.
func field(input []byte, name string) string {
	if name != "FunctionName" {
		_, after, ok := bytes.Cut(input, []byte(`"`+name+`":`))
		if !ok && !bytes.Contains(input, []byte(`"`+name+`"`)) {
			return ""
		}
		if ok && len(after) > 0 && after[0] == '"' {
			if end := bytes.IndexAny(after[1:], `"\`); end >= 0 && after[1+end] == '"' {
				return string(after[1 : 1+end])
			}
		}
	} else if after, ok := bytes.CutPrefix(input, []byte(`{"FunctionName":"`)); ok {
		if end := bytes.IndexAny(after, `"\`); end >= 0 && after[end] == '"' {
			return string(after[:end])
		}
	}
	return member(input, name)
}

// member is field the long way.
func member(input []byte, name string) string {
	var members map[string]json.RawMessage
	if json.Unmarshal(input, &members) != nil {
		return ""
	}
	var value string
	_ = json.Unmarshal(members[name], &value) // what is no string is none
	return value
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
