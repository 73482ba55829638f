package appsync

import (
	"encoding/json"
	"fmt"
)

// typedMap is a map of attribute values as DynamoDB takes them. AppSync takes
// numbers as numbers too, which is how its utilities write them:
// util.dynamodb.toDynamoDB(5) is {"N": 5}.
func typedMap(b, v []byte) ([]byte, error) {
	list, err := members(v)
	if err != nil {
		return nil, fmt.Errorf("a map of attribute values must be an object, got %s", v)
	}
	w := newObject(b)
	for _, m := range list {
		w.key(m.name)
		if w.buf, err = typedValue(w.buf, m.value); err != nil {
			return nil, err
		}
	}
	return w.end(), nil
}

func typedValue(b, v []byte) ([]byte, error) {
	list, err := members(v)
	if err != nil || len(list) != 1 {
		return nil, fmt.Errorf("an attribute value must be an object of one type, got %s", v)
	}
	w := newObject(b)
	w.key(list[0].name)
	v = list[0].value
	switch list[0].name {
	case "N":
		w.buf = appendNumber(w.buf, v)
	case "NULL": // {"NULL": null} is what util.dynamodb.toNull makes
		w.buf = append(w.buf, "true"...)
	case "M":
		w.buf, err = typedMap(w.buf, v)
	case "L", "NS":
		items, bad := elements(v)
		if bad != nil {
			return nil, fmt.Errorf("%s takes a list, got %s", list[0].name, v)
		}
		w.buf = append(w.buf, '[')
		for i, item := range items {
			if i > 0 {
				w.buf = append(w.buf, ',')
			}
			if list[0].name == "NS" {
				w.buf = appendNumber(w.buf, item)
			} else if w.buf, err = typedValue(w.buf, item); err != nil {
				return nil, err
			}
		}
		w.buf = append(w.buf, ']')
	default:
		w.buf = append(w.buf, v...)
	}
	if err != nil {
		return nil, err
	}
	return w.end(), nil
}

func appendNumber(b, v []byte) []byte {
	if isNumber(v) {
		return append(append(append(b, '"'), v...), '"')
	}
	return append(b, v...)
}

// typedMaps brings the attribute values of a request into DynamoDB's form.
func (q *dynamoDBRequest) typedMaps() error {
	maps := []*json.RawMessage{&q.Key, &q.AttributeValues}
	for _, m := range maps {
		if isNull(*m) {
			continue
		}
		v, err := typedMap(nil, *m)
		if err != nil {
			return err
		}
		*m = v
	}
	for _, e := range []*dynamoDBExpression{q.Update, q.Query, q.Filter, q.Projection, q.condition()} {
		if e == nil {
			continue
		}
		for name, v := range e.ExpressionValues {
			typed, err := typedValue(nil, v)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			e.ExpressionValues[name] = typed
		}
	}
	return nil
}

func (q *dynamoDBRequest) condition() *dynamoDBExpression {
	if q.Condition == nil {
		return nil
	}
	return &q.Condition.dynamoDBExpression
}
