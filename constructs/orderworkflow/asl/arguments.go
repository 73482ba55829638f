package asl

import (
	"fmt"
	"strings"

	"github.com/orderflow-cdk/orderflow/constructs/record"
)

// Service integrations of Step Functions.
const (
	invoke     = "arn:aws:states:::lambda:invoke"
	updateItem = "arn:aws:states:::dynamodb:updateItem"
	getItem    = "arn:aws:states:::dynamodb:getItem"
	wait       = ".waitForTaskToken"
)

// refused is the error of a write whose condition did not hold.
var refused = []string{"DynamoDB.ConditionalCheckFailedException"}

// Reasons that the workflow itself gives, beside the names of errors.
const (
	compensationFailed = "CompensationFailed"
	cancelRequested    = "CancelRequested"
)

// Expressions stay within what JSONata 2.0.6 and its Go ports agree on.
const (
	input        = "$states.context.Execution.Input"
	enteredAt    = "$states.context.State.EnteredTime"
	notCancelled = "attribute_not_exists(#cancelRequested)"
	errorCode    = "$states.errorOutput.Error"

	// A function's error arrives as a JSON text with an errorMessage, any other
	// error with a text of whoever made it, which may be cut off at 32 KiB. Nothing catches
	// an expression that fails here, so $parse is given only what the pattern has shown
	// to be a JSON string. Brace, slash and backslash are \x7b, \x2f and \x5c, because
	// JSONata counts brackets and backslashes to find the end of a pattern.
	jsonString   = `"(?:[^"\x5c\x00-\x1f]|\x5c(?:["\x5c\x2fbfnrt]|u[0-9A-Fa-f]{4}))*"`
	functionText = `/^\x7b(?:"errorType":\s*` + jsonString + `,\s*)?"errorMessage":\s*(` + jsonString + `)[\s\S]*$/`
	errorMessage = "($c := $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : ''; $p := " + functionText + "; " +
		"$substring($contains($c, $p) ? $parse($replace($c, $p, '$1')) : $c, 0, 1000))"
)

func undoMessage(state string) string {
	return fmt.Sprintf("$substring('%s: ' & %s & ': ' & %s & '; after ' & $reason & ': ' & $detail, 0, 2000)", state, errorCode, errorMessage)
}

func jsonata(expression string) string { return "{% " + expression + " %}" }

func quote(s string) string { return "'" + s + "'" }

// isOneOf is the condition that the status that Recheck read is one of them.
func isOneOf(statuses []string) string {
	if len(statuses) == 1 {
		return "$states.input.status = " + quote(statuses[0])
	}
	quoted := make([]string, len(statuses))
	for i, s := range statuses {
		quoted[i] = quote(s)
	}
	return "$states.input.status in [" + strings.Join(quoted, ", ") + "]"
}

func cancelled(status string) object {
	return object{"outcome": status, "reason": cancelRequested, "detail": "the client asked to cancel the order"}
}

func key() object {
	return object{
		record.PartitionKey: object{"S": jsonata(input + ".pk")},
		record.SortKey:      object{"S": record.StatusItem},
	}
}

// names are the placeholders of attributes, of which some are reserved words.
func names(attributes ...string) object {
	out := object{}
	for _, a := range attributes {
		out["#"+a] = a
	}
	return out
}

// in is the condition that an attribute has one of some values, and the values.
func in(name, prefix string, values []string) (string, object) {
	placeholders := object{}
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = fmt.Sprintf("%s%d", prefix, i+1)
		placeholders[list[i]] = object{"S": v}
	}
	return name + " IN (" + strings.Join(list, ", ") + ")", placeholders
}

// document is what functions are invoked with.
func document(step string, token bool) string {
	extra := fmt.Sprintf("'step': '%s', 'results': $results", step)
	if token {
		extra += ", 'taskToken': $states.context.Task.Token"
	}
	return jsonata("$merge([" + input + ", {" + extra + "}])")
}

// call is the state that runs a task, without its error handling.
func (b *builder) call(t Task, step string, callback bool) state {
	st := state{Type: "Task", Output: object{}}
	if t.Function != "" {
		st.Resource = invoke
		st.Arguments = object{"FunctionName": t.Function, "Payload": document(step, callback)}
	} else {
		st.Resource = t.Resource
		st.Arguments = object(t.Arguments)
	}
	if callback {
		st.Resource += wait
	}
	return st
}

// result is the expression for what a task contributes to the results. A
// callback's result is what was called back with, without an envelope.
func (t Task) result(callback bool) string {
	switch {
	case t.Function != "" && !callback:
		return "$states.result.Payload"
	case t.Result != "":
		return t.Result
	}
	return "$states.result"
}

// statusWrite is one change of an order's status.
type statusWrite struct {
	to   string
	from []string

	// heedCancel makes the write fail if somebody asked to cancel the order.
	heedCancel bool

	// reason adds the variables reason and detail.
	reason bool

	// step adds the step's result; first says that it is the first one.
	step  string
	first bool

	// callback removes the token that a step may have left in the item.
	callback bool
}

// write is the state that makes the change, without its error handling.
func (b *builder) write(w statusWrite) state {
	condition, values := in("#status", ":from", w.from)
	condition += " AND #sequence = :last"
	attributes := []string{record.Status, record.Sequence, record.UpdatedAt, record.History}
	set := []string{
		"#status = :to", "#updatedAt = :at", "#sequence = #sequence + :one",
		"#history = list_append(#history, :entry)",
	}
	entry := object{
		record.Sequence: object{"N": jsonata("$string($sequence + 1)")},
		record.Status:   object{"S": w.to},
		record.At:       object{"S": jsonata(enteredAt)},
	}
	values[":last"] = object{"N": jsonata("$string($sequence)")}
	values[":to"] = object{"S": w.to}
	values[":at"] = object{"S": jsonata(enteredAt)}
	values[":one"] = object{"N": "1"}
	values[":entry"] = object{"L": []any{object{"M": entry}}}
	if w.heedCancel {
		condition += " AND " + notCancelled
		attributes = append(attributes, record.CancelRequested)
	}
	if w.step != "" {
		attributes = append(attributes, record.Results)
		result := object{"S": jsonata("$string($results." + w.step + ")")}
		if w.first {
			// Whoever recorded the order need not have made the map.
			set = append(set, "#results = :results")
			values[":results"] = object{"M": object{w.step: result}}
		} else {
			attributes = append(attributes, w.step)
			set = append(set, "#results.#"+w.step+" = :result")
			values[":result"] = result
		}
	}
	if w.reason {
		attributes = append(attributes, record.Reason, record.Detail)
		set = append(set, "#reason = :reason", "#detail = :detail")
		entry[record.Reason] = object{"S": jsonata("$reason")}
		values[":reason"] = object{"S": jsonata("$reason")}
		values[":detail"] = object{"S": jsonata("$detail")}
	}
	update := "SET " + strings.Join(set, ", ")
	if w.callback {
		attributes = append(attributes, record.TaskToken)
		update += " REMOVE #" + record.TaskToken
	}
	arguments := object{
		"TableName":                 b.w.TableName,
		"Key":                       key(),
		"ConditionExpression":       condition,
		"UpdateExpression":          update,
		"ExpressionAttributeNames":  names(attributes...),
		"ExpressionAttributeValues": values,
	}
	b.owned(arguments, false)
	return state{
		Type:           "Task",
		Resource:       updateItem,
		Arguments:      arguments,
		TimeoutSeconds: seconds(b.tableTimeout()),
		Assign:         object{"sequence": jsonata("$sequence + 1")},
		Output:         object{},
	}
}
