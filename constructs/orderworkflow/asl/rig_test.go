package asl_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow/asl"
	"github.com/orderflow-cdk/orderflow/local"
)

// The errors of the steps: their types are their names.
type (
	OutOfStock      struct{ error }
	PaymentDeclined struct{ error }
	Unavailable     struct{ error }
)

// call is one invocation of a function. Its fields are what it was told.
type call struct {
	Function  string `json:"-"`
	PK        string `json:"pk"`
	Tenant    string
	OrderID   string          `json:"orderId"`
	Order     json.RawMessage `json:"order"`
	Step      string          `json:"step"`
	Results   map[string]any  `json:"results"`
	TaskToken string          `json:"taskToken"`

	// attempt counts the invocations of this function, from 1.
	attempt int
	rig     *rig
	table   *dynamodb.Client
	ctx     context.Context
}

// rig runs a workflow against a real table, with functions that a test writes.
type rig struct {
	t     *testing.T
	stack *local.Stack
	// calls are the functions in the order in which they were invoked.
	calls []call
}

const pk = "dA#o-1"

// run starts a rig. Functions that are not given succeed.
func run(t *testing.T, w asl.Workflow, functions map[string]func(*call) (any, error)) *rig {
	t.Helper()
	return runDefinition(t, w, definition(t, w), functions)
}

// runDefinition is run with a definition of w that a test has changed.
func runDefinition(t *testing.T, w asl.Workflow, states []byte, functions map[string]func(*call) (any, error)) *rig {
	t.Helper()
	r := &rig{t: t}
	resources := map[string]any{
		"Table": map[string]any{"Type": "AWS::DynamoDB::Table", "Properties": map[string]any{
			"BillingMode":          "PAY_PER_REQUEST",
			"AttributeDefinitions": []any{attribute("pk"), attribute("sk")},
			"KeySchema":            []any{key("pk", "HASH"), key("sk", "RANGE")},
		}},
	}
	substitutions := map[string]any{"Table": map[string]any{"Ref": "Table"}}
	code := map[string]local.NewFunction{}
	function := func(task *asl.Task) {
		if task == nil || task.Function == "" {
			return
		}
		name := strings.Trim(task.Function, "${}")
		substitutions[name] = map[string]any{"Fn::GetAtt": []any{name, "Arn"}}
		resources[name] = map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]any{
			"Handler": name, "Runtime": "provided.al2023", "Role": "arn:aws:iam::123456789012:role/r",
			"Code": map[string]any{"S3Bucket": "b", "S3Key": "k"},
		}}
		code[name] = func(runtime local.Runtime) (local.Handler, error) {
			return &fake{rig: r, name: name, behave: functions[name], table: dynamodb.NewFromConfig(runtime.AWS)}, nil
		}
	}
	for i := range w.Steps {
		function(&w.Steps[i].Run)
		function(w.Steps[i].Compensation)
	}
	kind := "STANDARD"
	if w.Express {
		kind = "EXPRESS"
	}
	resources["Machine"] = map[string]any{"Type": "AWS::StepFunctions::StateMachine", "Properties": map[string]any{
		"DefinitionString": string(states), "DefinitionSubstitutions": substitutions,
		"StateMachineType": kind, "RoleArn": "arn:aws:iam::123456789012:role/r",
	}}
	template, err := json.Marshal(map[string]any{
		"Resources": resources,
		"Outputs": map[string]any{
			"Table":   map[string]any{"Value": map[string]any{"Ref": "Table"}},
			"Machine": map[string]any{"Value": map[string]any{"Ref": "Machine"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.stack, err = local.New(template, local.Options{Functions: code, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.stack.Close)
	return r
}

func attribute(name string) any {
	return map[string]any{"AttributeName": name, "AttributeType": "S"}
}

func key(name, typ string) any { return map[string]any{"AttributeName": name, "KeyType": typ} }

type fake struct {
	rig    *rig
	name   string
	behave func(*call) (any, error)
	table  *dynamodb.Client
}

func (f *fake) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	c := call{Function: f.name, rig: f.rig, table: f.table, ctx: ctx}
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, err
	}
	for _, before := range f.rig.calls {
		if before.Function == f.name {
			c.attempt++
		}
	}
	c.attempt++
	f.rig.calls = append(f.rig.calls, c)
	var out any = map[string]any{"by": f.name}
	if f.behave != nil {
		var err error
		if out, err = f.behave(&c); err != nil {
			return nil, err
		}
	}
	return json.Marshal(out)
}

// set changes the STATUS item from within a function.
func (c *call) set(expression string, values map[string]types.AttributeValue) {
	_, err := c.table.UpdateItem(c.ctx, &dynamodb.UpdateItemInput{
		TableName: aws.String(c.rig.stack.Outputs()["Table"]),
		Key: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: "STATUS"},
		},
		UpdateExpression:          aws.String(expression),
		ExpressionAttributeNames:  placeholders(expression),
		ExpressionAttributeValues: values,
	})
	if err != nil {
		c.rig.t.Errorf("set %s: %v", expression, err)
	}
}

func placeholders(expression string) map[string]string {
	out := map[string]string{}
	for _, word := range strings.FieldsFunc(expression, func(r rune) bool { return strings.ContainsRune(" ,=()+", r) }) {
		if strings.HasPrefix(word, "#") {
			out[word] = word[1:]
		}
	}
	return out
}

// cancel is what DELETE does.
func (c *call) cancel() {
	c.set("SET #cancelRequested = :true", map[string]types.AttributeValue{":true": &types.AttributeValueMemberBOOL{Value: true}})
}

func (r *rig) do(service, action string, in map[string]any) map[string]any {
	r.t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		r.t.Fatal(err)
	}
	out, err := r.stack.Call(service, action, b)
	if err != nil {
		r.t.Fatalf("%s %s: %v", service, action, err)
	}
	var v map[string]any
	if len(out) > 0 {
		if err := json.Unmarshal(out, &v); err != nil {
			r.t.Fatal(err)
		}
	}
	return v
}

// record does what intake does, with other attributes on top.
func (r *rig) record(status string, extra map[string]any) {
	r.t.Helper()
	item := map[string]any{
		"pk": s(pk), "sk": s("STATUS"), "tenant": s("t"), "orderId": s("o-1"), "status": s(status),
		"sequence": map[string]any{"N": "1"},
		"history":  map[string]any{"L": []any{map[string]any{"M": map[string]any{"sequence": map[string]any{"N": "1"}, "status": s(status), "at": s("then")}}}},
	}
	for k, v := range extra {
		item[k] = v
	}
	r.do("dynamodb", "PutItem", map[string]any{"TableName": r.stack.Outputs()["Table"], "Item": item})
}

func s(text string) any { return map[string]any{"S": text} }

// start starts the execution and lets everything happen.
func (r *rig) start() string {
	r.t.Helper()
	out := r.do("states", "StartExecution", map[string]any{
		"stateMachineArn": r.stack.Outputs()["Machine"], "name": "o-1",
		"input": `{"pk":"` + pk + `","tenant":"t","orderId":"o-1","order":{"items":[{"sku":"A","quantity":2}]}}`,
	})
	r.stack.RunUntilIdle(48 * time.Hour)
	return out["executionArn"].(string)
}

// outcome is how an order and its execution ended.
type outcome struct {
	Path           string // the statuses in the history
	Reason, Detail string
	Execution      string // its status, with its error if it has one
	Calls          string // the functions in order, with the number of attempts in a row
}

func (r *rig) outcome(arn string) outcome {
	r.t.Helper()
	var o outcome
	item, _ := r.do("dynamodb", "GetItem", map[string]any{
		"TableName": r.stack.Outputs()["Table"], "Key": map[string]any{"pk": s(pk), "sk": s("STATUS")}, "ConsistentRead": true,
	})["Item"].(map[string]any)
	if item != nil {
		text := func(v any) string { t, _ := v.(map[string]any)["S"].(string); return t }
		var path []string
		entries := item["history"].(map[string]any)["L"].([]any)
		for i, e := range entries {
			m := e.(map[string]any)["M"].(map[string]any)
			if n := m["sequence"].(map[string]any)["N"]; n != strconv.Itoa(i+1) {
				r.t.Errorf("entry %d of the history has the sequence %v", i+1, n)
			}
			path = append(path, text(m["status"]))
		}
		if got := item["sequence"].(map[string]any)["N"]; got != strconv.Itoa(len(entries)) {
			r.t.Errorf("the sequence is %v after %d entries", got, len(entries))
		}
		if got := text(item["status"]); got != path[len(path)-1] {
			r.t.Errorf("the status is %s, but the history ends with %s", got, path[len(path)-1])
		}
		o.Path = strings.Join(path, " ")
		if item["reason"] != nil {
			o.Reason, o.Detail = text(item["reason"]), text(item["detail"])
		}
	}
	if !strings.Contains(arn, ":express:") {
		d := r.do("states", "DescribeExecution", map[string]any{"executionArn": arn})
		o.Execution = d["status"].(string)
		if e, ok := d["error"].(string); ok {
			o.Execution += " " + e
		}
	}
	var calls []string
	for i := 0; i < len(r.calls); {
		n := 1
		for i+n < len(r.calls) && r.calls[i+n].Function == r.calls[i].Function {
			n++
		}
		name := r.calls[i].Function
		if n > 1 {
			name += "×" + strconv.Itoa(n)
		}
		calls = append(calls, name)
		i += n
	}
	o.Calls = strings.Join(calls, " ")
	return o
}

// moveTo does what another writer of the table would do, correctly.
func (c *call) moveTo(status string) { c.moveToAs(2, status) }

// moveToAs makes the change whose sequence is n.
func (c *call) moveToAs(n int, status string) {
	c.set("SET #status = :status, #sequence = #sequence + :one, #history = list_append(#history, :entry), #results = :none", map[string]types.AttributeValue{
		":none":   &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}},
		":status": &types.AttributeValueMemberS{Value: status},
		":one":    &types.AttributeValueMemberN{Value: "1"},
		":entry": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
			"sequence": &types.AttributeValueMemberN{Value: strconv.Itoa(n)}, "status": &types.AttributeValueMemberS{Value: status},
		}}}},
	})
}
