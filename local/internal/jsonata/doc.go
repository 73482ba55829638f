// Package jsonata is the expression language of the state machines: JSONata
// with the functions that Step Functions adds and without the one that it
// takes away.
//
// Values are ordinary Go JSON values: map[string]any, []any, string, float64,
// bool and nil. They are shared, not copied: nobody may change a value after it
// was given to an expression or came out of one.
package jsonata
