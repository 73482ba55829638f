package dynamodb

import (
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// attrs is a map of attribute values of a request, with what is wrong with it.
type attrs struct {
	set     bool
	item    Item
	problem string
	badKey  string
}

type namePair struct{ key, name string }

// request is the input of one action, or of one operation of a transaction.
type request struct {
	s      *Service
	action string

	table, index                      string
	hasTable, hasIndex                bool
	key, item, start, values          attrs
	names                             []namePair
	hasNames                          bool
	condition, update, projection     *expression
	filter, keyCondition              *expression
	returnValues, returnCapacity      string
	returnMetrics, returnOnFailure    string
	selectWhat                        string
	consistent, forward               bool
	limit, segment, totalSegments     int
	hasLimit, hasSegment, hasSegments bool
	legacy                            []string

	// Of transactions and batches.
	ops     []*operation
	hasOps  bool
	token   string
	batches []*batch
	// batchText is a batch's RequestItems as it was sent.
	batchText []byte
	// Of ListTables.
	startTable    string
	hasStartTable bool

	// used tells which names and values an expression has used.
	usedNames, usedValues []bool
}

// itemMember reads a member of the single-item actions, of Query and of Scan.
func (r *request) itemMember(d *decoder, name string) (err error) {
	switch name {
	case "TableName":
		r.table, err = d.nameText()
		r.hasTable = true
	case "IndexName":
		r.index, err = d.nameText()
		r.hasIndex = true
	case "Key":
		err = r.key.read(d)
	case "Item":
		err = r.item.read(d)
	case "ExclusiveStartKey":
		err = r.start.read(d)
	case "ExpressionAttributeValues":
		err = r.values.read(d)
	case "ExpressionAttributeNames":
		err = r.readNames(d)
	case "ConditionExpression":
		r.condition, err = r.expression(d, r.s.cache.conditions, parseCondition)
	case "FilterExpression":
		r.filter, err = r.expression(d, r.s.cache.conditions, parseCondition)
	case "KeyConditionExpression":
		r.keyCondition, err = r.expression(d, r.s.cache.conditions, parseCondition)
	case "UpdateExpression":
		r.update, err = r.expression(d, r.s.cache.updates, parseUpdate)
	case "ProjectionExpression":
		r.projection, err = r.expression(d, r.s.cache.projections, parseProjection)
	case "ReturnValues":
		r.returnValues, err = d.nameText()
	case "ReturnConsumedCapacity":
		r.returnCapacity, err = d.nameText()
	case "ReturnItemCollectionMetrics":
		r.returnMetrics, err = d.nameText()
	case "ReturnValuesOnConditionCheckFailure":
		r.returnOnFailure, err = d.nameText()
	case "Select":
		r.selectWhat, err = d.nameText()
	case "ConsistentRead":
		r.consistent, err = d.boolean()
	case "ScanIndexForward":
		r.forward, err = d.boolean()
	case "Limit":
		r.limit, err = d.integer()
		r.hasLimit = true
	case "Segment":
		r.segment, err = d.integer()
		r.hasSegment = true
	case "TotalSegments":
		r.totalSegments, err = d.integer()
		r.hasSegments = true
	case "AttributesToGet", "AttributeUpdates", "Expected", "ConditionalOperator", "KeyConditions", "QueryFilter", "ScanFilter":
		r.legacy = append(r.legacy, name)
		err = d.skip()
	default:
		err = d.skip() // as the service does
	}
	return err
}

// nameText reads a String member whose value repeats from call to call.
func (d *decoder) nameText() (string, error) {
	if d.space() == '"' {
		return d.name()
	}
	return d.text()
}

func (a *attrs) read(d *decoder) (err error) {
	a.set = true
	a.item, a.problem, a.badKey, err = d.attributes()
	return err
}

func (r *request) readNames(d *decoder) error {
	r.hasNames = true
	return d.object("java.util.Map<java.lang.String, java.lang.String>", func(key string) error {
		name, err := d.nameText()
		r.names = append(r.names, namePair{key, name})
		return err
	})
}

func (r *request) expression(d *decoder, m map[string]*expression, parse func(string) *expression) (*expression, error) {
	if d.space() != '"' {
		_, err := d.text()
		return nil, err
	}
	raw, ok := d.rawString()
	if !ok {
		return nil, errMalformed
	}
	return cached(m, raw, parse), nil
}

// parameters checks that names and values come with expressions that can use them.
// takers names the expressions of the action that take values.
func (r *request) parameters(takers ...string) error {
	any := r.condition != nil || r.update != nil || r.filter != nil || r.keyCondition != nil
	if r.hasNames && !any && r.projection == nil {
		return validation("ExpressionAttributeNames can only be specified when using expressions")
	}
	if r.values.set && !any && len(takers) > 0 {
		verb := "is"
		if len(takers) > 1 {
			verb = "are"
		}
		return validation("ExpressionAttributeValues can only be specified when using expressions: %s %s null", strings.Join(takers, " and "), verb)
	}
	return nil
}

// placeholders checks the names and values by themselves.
func (r *request) placeholders() error {
	if r.hasNames {
		if len(r.names) == 0 {
			return validation("ExpressionAttributeNames must not be empty")
		}
		for _, n := range r.names {
			if !isPlaceholder(n.key, '#') {
				return validation(`ExpressionAttributeNames contains invalid key: Syntax error; key: "%s"`, n.key)
			}
		}
		r.usedNames = make([]bool, len(r.names))
	}
	if r.values.set {
		if len(r.values.item) == 0 {
			return validation("ExpressionAttributeValues must not be empty")
		}
		for _, v := range r.values.item {
			if !isPlaceholder(v.Name, ':') {
				return validation(`ExpressionAttributeValues contains invalid key: Syntax error; key: "%s"`, v.Name)
			}
		}
		if r.values.problem != "" {
			return validation("ExpressionAttributeValues contains invalid value: %s for key %s", r.values.problem, r.values.badKey)
		}
		r.usedValues = make([]bool, len(r.values.item))
	}
	return nil
}

func isPlaceholder(s string, first byte) bool {
	return len(s) > 1 && s[0] == first && wordEnd(s, 1) == len(s)
}

// bind looks up the names and values of an expression and checks its operands.
// what is the kind of expression, for messages.
func (r *request) bind(e *expression, what string) (*binding, error) {
	if e == nil {
		return nil, nil
	}
	if e.problem != "" {
		return nil, validation("Invalid %s: %s", what, e.problem)
	}
	b := &binding{expr: e}
	if len(e.names) > 0 {
		b.names = make([]string, len(e.names))
		for i, key := range e.names {
			j := slices.IndexFunc(r.names, func(n namePair) bool { return n.key == key })
			if j < 0 {
				return nil, validation("Invalid %s: An expression attribute name used in the document path is not defined; attribute name: %s", what, key)
			}
			b.names[i], r.usedNames[j] = r.names[j].name, true
		}
	}
	if len(e.values) > 0 {
		b.values = make([]Value, len(e.values))
		for i, key := range e.values {
			j, ok := r.values.item.index(key)
			if !ok {
				return nil, validation("Invalid %s: An expression attribute value used in expression is not defined; attribute value: %s", what, key)
			}
			b.values[i], r.usedValues[j] = r.values.item[j].Value, true
		}
	}
	var problem string
	switch {
	case e.cond != nil:
		problem = b.check(e.cond)
	case e.actions != nil:
		problem = b.checkUpdate()
	default:
		problem = b.checkOverlap(e.paths)
	}
	if problem != "" {
		return nil, validation("Invalid %s: %s", what, problem)
	}
	return b, nil
}

// unused refuses names and values that no expression has used.
func (r *request) unused() error {
	var names, values []string
	for i, used := range r.usedNames {
		if !used {
			names = append(names, r.names[i].key)
		}
	}
	for i, used := range r.usedValues {
		if !used {
			values = append(values, r.values.item[i].Name)
		}
	}
	if names != nil {
		return validation("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", strings.Join(names, ", "))
	}
	if values != nil {
		return validation("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", strings.Join(values, ", "))
	}
	return nil
}

var errNoTable = api.Errorf("ResourceNotFoundException", "Requested resource not found")

// openTable finds the table that the request names, by name or ARN.
func (r *request) openTable() (*Table, error) {
	if t := r.s.tables[r.table]; t != nil {
		return t, nil
	}
	for _, t := range r.s.sorted {
		if t.arn == r.table {
			return t, nil
		}
	}
	return nil, errNoTable
}
