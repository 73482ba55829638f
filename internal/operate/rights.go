package operate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Command is one of those that this package is for.
type Command string

// The commands.
const (
	CommandRedrive Command = "redrive"
	CommandStuck   Command = "stuck"
	CommandReplay  Command = "replay"
)

// Part is a part of the stack that a right is on.
type Part string

// The parts.
const (
	PartStack      Part = "the stack"
	PartQueues     Part = "all queues of the stack"
	PartDead       Part = "the queues of what was given up"
	PartTargets    Part = "the queues where dead letters go"
	PartOrders     Part = "the orders table"
	PartStream     Part = "the orders table's stream"
	PartWebhooks   Part = "the table of webhooks, which has their secrets"
	PartMachine    Part = "the state machine"
	PartExecutions Part = "its executions"
	PartTopic      Part = "the topic"
	PartMutation   Part = "the mutation publishOrderStatus"
	PartFunctions  Part = "the functions"
	PartLogs       Part = "the functions' logs"
	PartMappings   Part = "event source mappings, which have no narrower resource"
)

// Right is what a command needs to be allowed.
type Right struct {
	Actions []string
	On      Part
	// Apply says that it is only for doing it, For what else it is only for.
	Apply bool
	For   string
}

// Rights are what a command needs to be allowed, in the order in which they are needed. Keys of the account's own that encrypt a queue or a table
// take kms:Decrypt and kms:GenerateDataKey beside them.
func Rights(c Command) []Right {
	find := []Right{
		{Actions: []string{"cloudformation:DescribeStacks", "cloudformation:ListStackResources"}, On: PartStack},
		{Actions: []string{"sqs:GetQueueAttributes", "sqs:ListDeadLetterSourceQueues"}, On: PartQueues},
		{Actions: []string{"sqs:ReceiveMessage", "sqs:ChangeMessageVisibility"}, On: PartDead},
	}
	move := []Right{
		{Actions: []string{"sqs:DeleteMessage"}, On: PartDead, Apply: true},
		{Actions: []string{"sqs:GetQueueUrl", "sqs:SendMessage"}, On: PartTargets, Apply: true},
	}
	why := []Right{
		{Actions: []string{"lambda:ListEventSourceMappings"}, On: PartMappings, For: "reasons of orders"},
		{Actions: []string{"lambda:GetFunctionConfiguration"}, On: PartFunctions, For: "reasons of orders"},
		{Actions: []string{"logs:FilterLogEvents"}, On: PartLogs, For: "reasons of orders"},
	}
	publish := Right{Actions: []string{"sns:Publish"}, On: PartTopic, Apply: true}
	switch c {
	case CommandRedrive:
		publish.For = "subscriptions"
		return slices.Concat(find, why, move, []Right{
			{Actions: []string{"sqs:StartMessageMoveTask", "sqs:ListMessageMoveTasks"}, On: PartDead, Apply: true}, publish,
		})
	case CommandStuck:
		return slices.Concat(find, []Right{
			{Actions: []string{"dynamodb:DescribeTable", "dynamodb:Scan", "dynamodb:GetItem"}, On: PartOrders},
			{Actions: []string{"states:DescribeStateMachine"}, On: PartMachine},
			{Actions: []string{"states:ListExecutions"}, On: PartMachine, For: "--started"},
			{Actions: []string{"states:DescribeExecution", "states:GetExecutionHistory"}, On: PartExecutions},
			{Actions: []string{"states:RedriveExecution"}, On: PartExecutions, Apply: true},
			{Actions: []string{"states:StartExecution"}, On: PartMachine, Apply: true},
		}, move)
	}
	return slices.Concat(find, []Right{
		{Actions: []string{"dynamodb:GetRecords", "dynamodb:GetShardIterator"}, On: PartStream},
		{Actions: []string{"lambda:GetFunctionConfiguration"}, On: PartFunctions},
		{Actions: []string{"dynamodb:DescribeTable", "dynamodb:Scan", "dynamodb:GetItem"}, On: PartOrders, For: "histories"},
		publish,
		{Actions: []string{"appsync:GraphQL"}, On: PartMutation, Apply: true},
	}, move[:1], []Right{
		{Actions: move[1].Actions, On: PartTargets, Apply: true, For: "--channel webhook"},
		{Actions: []string{"dynamodb:BatchGetItem"}, On: PartWebhooks, Apply: true, For: "--endpoint"},
	})
}

// Policy is an IAM policy with the rights of a command on this stack and on nothing else, as JSON.
//
// IAM: as Queues, and cloudformation:ListStackResources on the stack.
func (s *Stack) Policy(ctx context.Context, c Command, apply bool) ([]byte, error) {
	parts, err := s.parts(ctx)
	if err != nil {
		return nil, err
	}
	type statement struct {
		Effect   string
		Action   []string
		Resource []string
	}
	policy := struct {
		Version   string
		Statement []*statement
	}{Version: "2012-10-17"}
	byPart := map[Part]*statement{}
	for _, r := range Rights(c) {
		if r.Apply && !apply || len(parts[r.On]) == 0 {
			continue
		}
		st := byPart[r.On]
		if st == nil {
			st = &statement{Effect: "Allow", Resource: parts[r.On]}
			byPart[r.On], policy.Statement = st, append(policy.Statement, st)
		}
		for _, a := range r.Actions {
			if !slices.Contains(st.Action, a) {
				st.Action = append(st.Action, a)
			}
		}
	}
	return json.MarshalIndent(policy, "", "  ")
}

// parts are the ARNs of the parts of the stack, as far as it has them.
func (s *Stack) parts(ctx context.Context) (map[Part][]string, error) {
	// arn:PARTITION:cloudformation:REGION:ACCOUNT:stack/NAME/ID
	id := strings.Split(s.id, ":")
	if len(id) < 6 {
		return nil, fmt.Errorf("stack %s: its id is %q, which is no ARN", s.Name, s.id)
	}
	arn := func(service, resource string) string {
		return strings.Join([]string{"arn", id[1], service, id[3], id[4], resource}, ":")
	}
	dead, err := s.Queues(ctx)
	if err != nil {
		return nil, err
	}
	parts := map[Part][]string{PartStack: {s.id}, PartMappings: {"*"}}
	add := func(p Part, arn string) { parts[p] = append(parts[p], arn) }
	for _, q := range dead {
		add(PartDead, q.arn)
		for _, source := range q.Sources {
			add(PartTargets, source)
		}
	}
	for _, kind := range []struct {
		name string
		f    func(resource)
	}{
		{"AWS::SQS::Queue", func(r resource) { add(PartQueues, arnOf(dead[0].arn, r.physicalID)) }},
		{"AWS::Lambda::Function", func(r resource) { add(PartFunctions, arn("lambda", "function:"+r.physicalID)) }},
		{"AWS::Logs::LogGroup", func(r resource) { add(PartLogs, arn("logs", "log-group:"+r.physicalID+":*")) }},
		{"AWS::AppSync::GraphQLApi", func(r resource) { add(PartMutation, r.physicalID+"/types/Mutation/fields/publishOrderStatus") }},
	} {
		all, err := s.list(ctx, kind.name)
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			kind.f(r)
		}
	}
	for _, o := range []struct {
		output string
		f      func(string)
	}{
		{"OrdersTableName", func(v string) {
			add(PartOrders, arn("dynamodb", "table/"+v))
			add(PartStream, arn("dynamodb", "table/"+v+"/stream/*"))
		}},
		{"WebhooksTableName", func(v string) { add(PartWebhooks, arn("dynamodb", "table/"+v)) }},
		{"StateMachineArn", func(v string) {
			add(PartMachine, v)
			add(PartExecutions, strings.Replace(v, ":stateMachine:", ":execution:", 1)+":*")
		}},
		{"StatusTopicArn", func(v string) { add(PartTopic, v) }},
	} {
		if v := s.Outputs[o.output]; v != "" {
			o.f(v)
		}
	}
	return parts, nil
}
