package awstest

import (
	"strconv"
	"strings"
)

// Item is an item in DynamoDB's JSON: {"pk":{"S":"…"}}.
type Item = map[string]any

// S makes a string as an attribute value has it.
func S(s string) any { return map[string]any{"S": s} }

// N makes a number as an attribute value has it.
func N(n int) any { return map[string]any{"N": strconv.Itoa(n)} }

// Text returns the string or number of an attribute as text; "" if it is not there.
func Text(it Item, name string) string {
	v, _ := it[name].(map[string]any)
	for _, kind := range []string{"S", "N"} {
		if s, ok := v[kind].(string); ok {
			return s
		}
	}
	return ""
}

// Number returns the number of an attribute; 0 if it is not there.
func Number(it Item, name string) int {
	n, _ := strconv.Atoi(Text(it, name))
	return n
}

// write is a Put or an Update, alone or in a transaction.
type write struct {
	TableName                           string
	Key, Item                           Item
	UpdateExpression                    string
	ConditionExpression                 string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           Item
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
}

type transaction struct {
	TransactItems []struct{ Put, Update, Delete *write }
}

func (w write) path(key Item) string {
	p := w.TableName + "/" + Text(key, "pk")
	if sk := Text(key, "sk"); sk != "" {
		p += "/" + sk
	}
	return p
}

func (s *Server) write(w write, action string) (any, *failure) {
	key := w.Key
	if action == "PutItem" {
		key = w.Item
	}
	path := w.path(key)
	before, exists := s.Items[path]
	if !w.holds(before) {
		f := &failure{code: "ConditionalCheckFailedException"}
		if exists && w.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
			f.fields = map[string]any{"Item": before}
		}
		return nil, f
	}
	if action == "DeleteItem" {
		delete(s.Items, path)
		return struct{}{}, nil
	}
	after := w.apply(before, action)
	s.Items[path] = after
	if w.ReturnValues == "UPDATED_NEW" || w.ReturnValues == "ALL_NEW" {
		return map[string]any{"Attributes": after}, nil
	}
	return struct{}{}, nil
}

// transact judges all conditions before it does anything.
func (s *Server) transact(t transaction) (any, *failure) {
	if len(t.TransactItems) > 100 {
		return nil, &failure{code: "ValidationException"}
	}
	reasons := make([]map[string]any, len(t.TransactItems))
	refused := false
	seen := map[string]bool{}
	do := func(dry bool) {
		for i, ti := range t.TransactItems {
			w, action, key := ti.Put, "PutItem", Item(nil)
			switch {
			case w != nil:
				key = w.Item
			case ti.Update != nil:
				w, action = ti.Update, "UpdateItem"
				key = w.Key
			default:
				w, action = ti.Delete, "DeleteItem"
				key = w.Key
			}
			if !dry && action == "DeleteItem" {
				delete(s.Items, w.path(key))
				continue
			}
			if !dry {
				s.Items[w.path(key)] = w.apply(s.Items[w.path(key)], action)
				continue
			}
			if seen[w.path(key)] {
				panic("awstest: two operations on one item: " + w.path(key))
			}
			seen[w.path(key)] = true
			before, exists := s.Items[w.path(key)]
			reasons[i] = map[string]any{"Code": "None"}
			if !w.holds(before) {
				refused = true
				reasons[i]["Code"] = "ConditionalCheckFailed"
				if exists && w.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
					reasons[i]["Item"] = before
				}
			}
		}
	}
	if do(true); refused {
		return nil, &failure{code: "TransactionCanceledException", fields: map[string]any{"CancellationReasons": reasons}}
	}
	do(false)
	return struct{}{}, nil
}

func (w write) name(s string) string {
	if strings.HasPrefix(s, "#") {
		n, ok := w.ExpressionAttributeNames[s]
		if !ok {
			panic("awstest: no name " + s)
		}
		return n
	}
	return s
}

func (w write) value(s string) any {
	v, ok := w.ExpressionAttributeValues[s]
	if !ok {
		panic("awstest: no value " + s)
	}
	return v
}

func (w write) number(s string) int { return Number(Item{"v": w.value(s)}, "v") }
