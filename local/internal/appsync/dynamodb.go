package appsync

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// What a request handler returns for a DynamoDB data source, by
// https://docs.aws.amazon.com/appsync/latest/devguide/js-resolver-reference-dynamodb.html.
type dynamoDBRequest struct {
	Operation        string              `json:"operation"`
	Key              json.RawMessage     `json:"key"`
	AttributeValues  json.RawMessage     `json:"attributeValues"`
	Update           *dynamoDBExpression `json:"update"`
	Query            *dynamoDBExpression `json:"query"`
	Filter           *dynamoDBExpression `json:"filter"`
	Condition        *dynamoDBCondition  `json:"condition"`
	Projection       *dynamoDBExpression `json:"projection"`
	ConsistentRead   *bool               `json:"consistentRead"`
	Index            string              `json:"index"`
	Limit            *int                `json:"limit"`
	NextToken        *string             `json:"nextToken"`
	ScanIndexForward *bool               `json:"scanIndexForward"`
	Select           string              `json:"select"`
	TotalSegments    *int                `json:"totalSegments"`
	Segment          *int                `json:"segment"`
}

type dynamoDBExpression struct {
	Expression       string                     `json:"expression"`
	ExpressionNames  map[string]string          `json:"expressionNames"`
	ExpressionValues map[string]json.RawMessage `json:"expressionValues"`
}

type dynamoDBCondition struct {
	dynamoDBExpression
	ConsistentRead *bool `json:"consistentRead"`
}

func (s *source) callDynamoDB(r *resolution, request []byte, done func([]byte, *handlerError)) {
	action, input, err := s.dynamoDBCall(request)
	if err != nil {
		done(nil, &handlerError{typ: "MappingTemplate", message: err.Error()})
		return
	}
	call := api.Call{Service: "dynamodb", Action: action, Input: input, Caller: s.role}
	r.x.ask(call, func(out []byte, err error) {
		if err != nil {
			done(failedItem(err), sourceFailure("DynamoDB", err))
			return
		}
		result, err := dynamoDBResult(action, input, out)
		if err != nil {
			done(nil, &handlerError{typ: "DynamoDB:Unknown", message: err.Error()})
			return
		}
		done(result, nil)
	})
}

// dynamoDBCall is the call that a request stands for.
func (s *source) dynamoDBCall(request []byte) (action string, input []byte, err error) {
	var q dynamoDBRequest
	dec := json.NewDecoder(bytes.NewReader(request))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&q); err != nil {
		return "", nil, fmt.Errorf("the request for DynamoDB: %w", err)
	}
	if err := q.typedMaps(); err != nil {
		return "", nil, err
	}
	in := map[string]any{"TableName": s.table}
	e := expressions{names: map[string]string{}, values: map[string]json.RawMessage{}}
	switch q.Operation {
	case "GetItem":
		in["Key"] = q.Key
	case "PutItem":
		item := map[string]json.RawMessage{}
		if err := errors.Join(unmarshalObject(q.Key, item), unmarshalObject(q.AttributeValues, item)); err != nil {
			return "", nil, err
		}
		in["Item"] = item
	case "UpdateItem":
		in["Key"], in["ReturnValues"] = q.Key, "ALL_NEW"
		e.add(in, "UpdateExpression", q.Update)
	case "DeleteItem":
		in["Key"], in["ReturnValues"] = q.Key, "ALL_OLD"
	case "Query":
		if q.Query == nil {
			return "", nil, errors.New("a Query needs a query expression")
		}
		e.add(in, "KeyConditionExpression", q.Query)
	case "Scan":
	default:
		return "", nil, fmt.Errorf("DynamoDB operation %q is not simulated", q.Operation)
	}
	e.add(in, "FilterExpression", q.Filter)
	e.add(in, "ProjectionExpression", q.Projection)
	if q.Condition != nil {
		e.add(in, "ConditionExpression", &q.Condition.dynamoDBExpression)
		in["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
	}
	if len(e.names) > 0 {
		in["ExpressionAttributeNames"] = e.names
	}
	if len(e.values) > 0 {
		in["ExpressionAttributeValues"] = e.values
	}
	if err := q.page(in); err != nil {
		return "", nil, err
	}
	return q.Operation, toJSON(in), nil
}

// page adds what bounds a Query, a Scan or a GetItem.
func (q *dynamoDBRequest) page(in map[string]any) error {
	if q.ConsistentRead != nil {
		in["ConsistentRead"] = *q.ConsistentRead
	}
	if q.Index != "" {
		in["IndexName"] = q.Index
	}
	if q.Limit != nil {
		in["Limit"] = *q.Limit
	}
	if q.ScanIndexForward != nil {
		in["ScanIndexForward"] = *q.ScanIndexForward
	}
	if q.Select != "" {
		in["Select"] = q.Select
	}
	if q.TotalSegments != nil {
		in["TotalSegments"] = *q.TotalSegments
	}
	if q.Segment != nil {
		in["Segment"] = *q.Segment
	}
	if q.NextToken != nil && *q.NextToken != "" {
		key, err := base64.StdEncoding.DecodeString(*q.NextToken)
		if err != nil || !json.Valid(key) {
			return refusalf("Invalid pagination token given.")
		}
		in["ExclusiveStartKey"] = json.RawMessage(key)
	}
	return nil
}

type expressions struct {
	names  map[string]string
	values map[string]json.RawMessage
}

func (e *expressions) add(in map[string]any, name string, x *dynamoDBExpression) {
	if x == nil || x.Expression == "" {
		return
	}
	in[name] = x.Expression
	for k, v := range x.ExpressionNames {
		e.names[k] = v
	}
	for k, v := range x.ExpressionValues {
		e.values[k] = v
	}
}

func unmarshalObject(v json.RawMessage, into map[string]json.RawMessage) error {
	if isNull(v) {
		return nil
	}
	return json.Unmarshal(v, &into)
}

// dynamoDBResult is an answer as $ctx.result shows it: attribute values as
// plain JSON.
func dynamoDBResult(action string, input, out []byte) ([]byte, error) {
	list, err := members(out)
	if err != nil {
		return nil, err
	}
	switch action {
	case "GetItem":
		return plainItem(find(list, "Item"))
	case "PutItem":
		in, err := members(input)
		if err != nil {
			return nil, err
		}
		return plainItem(find(in, "Item"))
	case "UpdateItem", "DeleteItem":
		return plainItem(find(list, "Attributes"))
	}
	w := newObject(nil)
	w.key("items")
	w.buf = append(w.buf, '[')
	items, _ := elements(find(list, "Items"))
	for i, item := range items {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		v, err := plainItem(item)
		if err != nil {
			return nil, err
		}
		w.buf = append(w.buf, v...)
	}
	w.buf = append(w.buf, ']')
	if key := find(list, "LastEvaluatedKey"); key != nil {
		w.str("nextToken", base64.StdEncoding.EncodeToString(key))
	} else {
		w.raw("nextToken", nil)
	}
	if n := find(list, "ScannedCount"); n != nil {
		w.raw("scannedCount", n)
	}
	return w.end(), nil
}

// failedItem is what a failed condition tells of the item as it is.
func failedItem(err error) []byte {
	var refused *api.Error
	if !errors.As(err, &refused) || refused.Fields["Item"] == nil {
		return nil
	}
	b, err := json.Marshal(refused.Fields["Item"])
	if err != nil {
		return nil
	}
	item, err := plainItem(b)
	if err != nil {
		return nil
	}
	return item
}

func plainItem(item []byte) ([]byte, error) {
	if isNull(item) {
		return nullJSON, nil
	}
	return appendPlainMap(nil, item)
}

func appendPlainMap(b, item []byte) ([]byte, error) {
	list, err := members(item)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b member) int { return bytes.Compare([]byte(a.name), []byte(b.name)) })
	w := newObject(b)
	for _, m := range list {
		w.key(m.name)
		if w.buf, err = appendPlain(w.buf, m.value); err != nil {
			return nil, err
		}
	}
	return w.end(), nil
}

func appendPlain(b, attribute []byte) ([]byte, error) {
	list, err := members(attribute)
	if err != nil || len(list) != 1 {
		return nil, fmt.Errorf("malformed attribute value %s", attribute)
	}
	v := list[0].value
	switch list[0].name {
	case "S", "B", "BOOL":
		return append(b, v...), nil
	case "N":
		return append(b, text(v)...), nil
	case "NULL":
		return append(b, "null"...), nil
	case "M":
		return appendPlainMap(b, v)
	case "L", "SS", "BS", "NS":
		items, err := elements(v)
		if err != nil {
			return nil, err
		}
		b = append(b, '[')
		for i, item := range items {
			if i > 0 {
				b = append(b, ',')
			}
			switch list[0].name {
			case "L":
				if b, err = appendPlain(b, item); err != nil {
					return nil, err
				}
			case "NS":
				b = append(b, text(item)...)
			default:
				b = append(b, item...)
			}
		}
		return append(b, ']'), nil
	}
	return nil, fmt.Errorf("unknown attribute type %q", list[0].name)
}
