package local

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// transacted are the members of TransactItems and what each is to permissions (DynamoDB Developer Guide, "Using IAM
// with DynamoDB transactions").
var transacted = map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem", "Get": "GetItem"}

func (p *policies) needsOfDynamoDB(c *api.Call) []need {
	var needs []need
	add := func(action, table, index string, lookup func(string) []string) {
		arn := p.tableARN(table)
		n := need{action: "dynamodb:" + action, resource: arn, lookup: lookup}
		if index != "" {
			n.resource, n.policyOf = arn+"/index/"+index, arn
		}
		needs = append(needs, n)
		needs = p.withKey(needs, "dynamodb", arn, "kms:Decrypt")
	}
	switch c.Action {
	case "BatchGetItem", "BatchWriteItem":
		var in struct{ RequestItems map[string]json.RawMessage }
		_ = json.Unmarshal(c.Input, &in) // the service will say what is wrong
		for _, name := range sortedKeys(in.RequestItems) {
			add(c.Action, name, "", leadingKeys(c, func() []map[string]json.RawMessage { return batchKeys(in.RequestItems[name]) }, p.keyOf(name)))
		}
	case "TransactWriteItems", "TransactGetItems":
		var in struct{ TransactItems []map[string]json.RawMessage }
		_ = json.Unmarshal(c.Input, &in) // as above
		for _, item := range in.TransactItems {
			for _, kind := range sortedKeys(item) {
				name := field(item[kind], "TableName")
				add(cmp.Or(transacted[kind], kind), name, "", leadingKeys(c, func() []map[string]json.RawMessage { return itemKeys(item[kind]) }, p.keyOf(name)))
			}
		}
	case "GetRecords", "GetShardIterator", "DescribeStream":
		arn := field(c.Input, "StreamArn")
		if arn == "" { // an iterator begins with its stream's
			arn, _, _ = strings.Cut(field(c.Input, "ShardIterator"), "|")
		}
		needs = append(needs, need{action: "dynamodb:" + c.Action, resource: cmp.Or(arn, "*")})
	case "ListStreams", "ListTables":
		needs = append(needs, need{action: "dynamodb:" + c.Action, resource: "*"})
	default:
		name := field(c.Input, "TableName")
		index := ""
		if c.Action == "Query" || c.Action == "Scan" {
			index = field(c.Input, "IndexName")
		}
		add(c.Action, name, index, leadingKeys(c, func() []map[string]json.RawMessage { return itemKeys(c.Input) }, p.keyOf(name)))
	}
	return needs
}

func (p *policies) tableARN(name string) string {
	if name == "" || strings.HasPrefix(name, "arn:") {
		return cmp.Or(name, "*")
	}
	return p.stack.names.arn("dynamodb", "table/"+name)
}

// keyOf returns the name of a table's partition key.
func (p *policies) keyOf(table string) func() string {
	return func() string {
		schema, _ := p.stack.names.template.Property(p.stack.names.logicalID(table), "KeySchema").([]any)
		for _, k := range schema {
			if m, _ := k.(map[string]any); m["KeyType"] == "HASH" {
				name, _ := m["AttributeName"].(string)
				return name
			}
		}
		return ""
	}
}

// leadingKeys looks up the condition keys of a call of DynamoDB. (Service Authorization Reference: dynamodb:LeadingKeys,
// Select, ReturnValues, EnclosingOperation.)
func leadingKeys(c *api.Call, items func() []map[string]json.RawMessage, key func() string) func(string) []string {
	return func(name string) []string {
		switch name {
		case "dynamodb:select":
			return present(field(c.Input, "Select"))
		case "dynamodb:returnvalues":
			return present(field(c.Input, "ReturnValues"))
		case "dynamodb:enclosingoperation":
			if strings.HasPrefix(c.Action, "Transact") {
				return []string{c.Action}
			}
			return nil
		case "dynamodb:leadingkeys":
			var values []string
			for _, item := range items() {
				var v struct{ S, N, B *string }
				if json.Unmarshal(item[key()], &v) == nil {
					for _, value := range []*string{v.S, v.N, v.B} {
						if value != nil {
							values = append(values, *value)
						}
					}
				}
			}
			return values
		case "dynamodb:attributes":
			var values []string
			for _, item := range items() {
				values = append(values, sortedKeys(item)...)
			}
			return values
		}
		return nil
	}
}

// itemKeys is the key or the item of a request that has one.
func itemKeys(input []byte) []map[string]json.RawMessage {
	var in struct{ Key, Item map[string]json.RawMessage }
	_ = json.Unmarshal(input, &in) // the service will say what is wrong
	if in.Item != nil {
		return []map[string]json.RawMessage{in.Item}
	}
	if in.Key != nil {
		return []map[string]json.RawMessage{in.Key}
	}
	return nil
}

// batchKeys are those of a table's part of a batch.
func batchKeys(part json.RawMessage) []map[string]json.RawMessage {
	var get struct{ Keys []map[string]json.RawMessage }
	if json.Unmarshal(part, &get) == nil {
		return get.Keys
	}
	var write []struct {
		PutRequest    struct{ Item map[string]json.RawMessage }
		DeleteRequest struct{ Key map[string]json.RawMessage }
	}
	_ = json.Unmarshal(part, &write) // as above
	var all []map[string]json.RawMessage
	for _, w := range write {
		all = append(all, w.PutRequest.Item, w.DeleteRequest.Key)
	}
	return all
}
