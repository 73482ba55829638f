// Package handler holds the logic of the Lambda functions: a file for each, or several
// that begin with its name, one constructor for each, and a registry of them all by name.
//
// A handler makes its AWS calls on the goroutine that invoked it, or on those of
// Env.Parallel, where many have to be made at once. In the local stack each call is a point
// where the scheduler decides who goes on, so that a goroutine of another make, a timer or a
// context with a deadline by the wall clock has no place here: Env has what takes their part.
//
// Every handler may be invoked again with what it has done already: queues, streams and
// workflows repeat.
package handler
