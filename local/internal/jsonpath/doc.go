// Package jsonpath evaluates paths like $.orders[?(@.total > 10)].id the way that
// AWS Step Functions does.
//
// Step Functions uses Jayway JsonPath (Java), whose language differs from RFC 9535
// in many small ways: which paths yield a value and which an array, how a filter
// compares a number with a string, what a missing property means. This package
// follows Jayway 2.9.0 in its default configuration: dot and bracket names, several
// names at once, indices, slices without a step, *, .., filters with all operators
// that can be written down, and functions at the end of a path.
//
// A definite path (names, single indices) yields one value or fails with a
// NotFoundError. Any other path yields an array of all that it finds.
//
// Documents are what encoding/json decodes into an any. An object's members are
// visited in the order of their names, since a Go map has no order of its own.
package jsonpath
