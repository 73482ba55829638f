package console

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/orderflow-cdk/orderflow/local"
)

// machines answers GET /machines: the state machines, drawn.
func (c *Console) machines(*http.Request) (any, error) {
	b := c.plan.get()
	type aMachine struct {
		ID      string   `json:"id"`
		Label   string   `json:"label"`
		ARN     string   `json:"arn"`
		Type    string   `json:"type"`
		Drawing *drawing `json:"drawing"`
	}
	all := []aMachine{}
	for i := range b.resources {
		r := &b.resources[i]
		if r.Type != "AWS::StepFunctions::StateMachine" {
			continue
		}
		var out struct{ Definition, Type string }
		if err := c.inspect("states", "DescribeStateMachine", object{"stateMachineArn": r.ARN}, &out); err != nil {
			return nil, err
		}
		d, err := drawMachine([]byte(out.Definition))
		if err != nil {
			return nil, err
		}
		all = append(all, aMachine{r.LogicalID, r.Label, r.ARN, out.Type, d})
	}
	return object{"machines": all}, nil
}

// maxSearched is how many executions are looked through for a name.
const maxSearched = 5000

// executions answers GET /executions?machine=ID&status=…&name=…&next=….
func (c *Console) executions(r *http.Request) (any, error) {
	q := r.URL.Query()
	m := c.plan.get().byID[q.Get("machine")]
	if m == nil || m.Type != "AWS::StepFunctions::StateMachine" {
		return nil, errNotFound
	}
	in := object{"stateMachineArn": m.ARN, "maxResults": pageSize}
	if s := q.Get("status"); s != "" {
		in["statusFilter"] = s
	}
	if n := q.Get("next"); n != "" {
		in["nextToken"] = n
	}
	found := []json.RawMessage{}
	name := q.Get("name")
	if name != "" {
		in["maxResults"] = 1000
	}
	for searched := 0; ; {
		var out struct {
			Executions []json.RawMessage
			NextToken  string
		}
		if err := c.inspect("states", "ListExecutions", in, &out); err != nil {
			return nil, err
		}
		for _, e := range out.Executions {
			if name == "" || strings.Contains(strings.ToLower(textIn(e, "name")), strings.ToLower(name)) {
				found = append(found, e)
			}
		}
		searched += len(out.Executions)
		if name == "" || out.NextToken == "" || len(found) >= pageSize || searched >= maxSearched {
			return object{"executions": found, "next": out.NextToken}, nil
		}
		in["nextToken"] = out.NextToken
	}
}

// maxHistory is how many events of an execution are shown, from the first.
const maxHistory = 2000

// execution answers GET /execution?arn=… or ?machine=ID&name=…: the execution and its history.
func (c *Console) execution(r *http.Request) (any, error) {
	arn := r.URL.Query().Get("arn")
	if m := c.plan.get().byID[r.URL.Query().Get("machine")]; arn == "" && m != nil {
		arn = strings.Replace(m.ARN, ":stateMachine:", ":execution:", 1) + ":" + r.URL.Query().Get("name")
	}
	var described json.RawMessage
	if err := c.inspect("states", "DescribeExecution", object{"executionArn": arn}, &described); err != nil {
		return nil, err
	}
	events := []json.RawMessage{}
	next, problem := "", ""
	for len(events) < maxHistory {
		var out struct {
			Events    []json.RawMessage
			NextToken string
		}
		in := object{"executionArn": arn, "maxResults": 1000}
		if next != "" {
			in["nextToken"] = next
		}
		if err := c.inspect("states", "GetExecutionHistory", in, &out); err != nil {
			problem = err.Error()
			break
		}
		events, next = append(events, out.Events...), out.NextToken
		if next == "" {
			break
		}
	}
	machine := ""
	for _, m := range c.plan.get().resources {
		if m.ARN != "" && m.ARN == textIn(described, "stateMachineArn") {
			machine = m.LogicalID
		}
	}
	return object{"execution": described, "machine": machine, "events": events, "problem": problem, "more": next != ""}, nil
}

// stopExecution answers POST /executions/stop.
func (c *Console) stopExecution(r *http.Request) (any, error) {
	var in struct{ Arn string }
	if err := posted(r, &in); err != nil {
		return nil, err
	}
	out, err := c.stack.Call("states", "StopExecution", input(object{"executionArn": in.Arn, "error": "Stopped", "cause": "stopped on the console"}))
	return rawJSON(out), err
}

// tables answers GET /tables.
func (c *Console) tables(*http.Request) (any, error) {
	b := c.plan.get()
	all := []object{}
	for i := range b.resources {
		if r := &b.resources[i]; isTable(r) {
			var out struct{ Table json.RawMessage }
			if err := c.inspect("dynamodb", "DescribeTable", object{"TableName": r.Name}, &out); err != nil {
				return nil, err
			}
			all = append(all, object{"id": r.LogicalID, "label": r.Label, "table": out.Table})
		}
	}
	return object{"tables": all}, nil
}

func isTable(r *local.Resource) bool {
	return r.Type == "AWS::DynamoDB::Table" || r.Type == "AWS::DynamoDB::GlobalTable"
}

// table answers GET /tables/{id}?key=…&prefix=…&after=…: a page of items, of one partition if its key is given, whose
// sort key begins with prefix; otherwise those whose partition key has the text "has".
func (c *Console) table(r *http.Request) (any, error) {
	found := c.plan.get().byID[r.PathValue("id")]
	if found == nil || !isTable(found) {
		return nil, errNotFound
	}
	var described struct {
		Table struct {
			KeySchema            []struct{ AttributeName, KeyType string }
			AttributeDefinitions []struct{ AttributeName, AttributeType string }
		}
	}
	if err := c.inspect("dynamodb", "DescribeTable", object{"TableName": found.Name}, &described); err != nil {
		return nil, err
	}
	keys := map[string]string{}
	types := map[string]string{}
	for _, k := range described.Table.KeySchema {
		keys[k.KeyType] = k.AttributeName
	}
	for _, a := range described.Table.AttributeDefinitions {
		types[a.AttributeName] = a.AttributeType
	}
	q := r.URL.Query()
	in := object{"TableName": found.Name, "Limit": pageSize}
	action := "Scan"
	names, values := object{}, object{}
	switch key, has := q.Get("key"), q.Get("has"); {
	case key != "":
		action = "Query"
		names["#p"], values[":p"] = keys["HASH"], object{types[keys["HASH"]]: key}
		condition := "#p = :p"
		if prefix := q.Get("prefix"); prefix != "" && keys["RANGE"] != "" {
			names["#s"], values[":s"] = keys["RANGE"], object{types[keys["RANGE"]]: prefix}
			if types[keys["RANGE"]] == "S" {
				condition += " AND begins_with(#s, :s)"
			} else {
				condition += " AND #s = :s"
			}
		}
		in["KeyConditionExpression"] = condition
	case has != "" && types[keys["HASH"]] == "S":
		names["#p"], values[":p"] = keys["HASH"], object{"S": has}
		in["FilterExpression"], in["Limit"] = "contains(#p, :p)", 1000
	}
	if len(names) > 0 {
		in["ExpressionAttributeNames"], in["ExpressionAttributeValues"] = names, values
	}
	if after := q.Get("after"); after != "" {
		if !json.Valid([]byte(after)) {
			return nil, badRequest{errNotFound}
		}
		in["ExclusiveStartKey"] = json.RawMessage(after)
	}
	var out struct {
		Items            []json.RawMessage
		LastEvaluatedKey json.RawMessage
		ScannedCount     int
	}
	if err := c.inspect("dynamodb", action, in, &out); err != nil {
		return nil, err
	}
	return object{
		"id": found.LogicalID, "label": found.Label, "name": found.Name, "keys": keys, "types": types, "items": nonNil(out.Items),
		"after": out.LastEvaluatedKey, "scanned": out.ScannedCount,
	}, nil
}
