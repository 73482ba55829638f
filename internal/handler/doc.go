// Package handler holds the logic of the Lambda functions: one file for each,
// one constructor for each, and a registry of them all by name.
//
// A handler makes its AWS calls one after the other on the goroutine that
// invoked it. In Lambda that costs little, since a step makes one call or two;
// in the local stack each call is a point where the scheduler decides who
// goes on.
package handler
