package appsyncjs

import (
	"encoding/json"
	"fmt"
)

// CompileError says where code breaks the rules of APPSYNC_JS. AWS refuses such code when the
// resolver is created (BadRequestException), so it never runs.
type CompileError struct {
	// Name is the program's, as given to Compile.
	Name string
	// Line and Column are where the offending construct starts, counted from 1; the column counts characters.
	Line, Column int
	// Message says what is wrong.
	Message string
}

func (e *CompileError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Column, e.Message)
}

// Error is what a program reported by util.error, util.unauthorized or util.appendError.
type Error struct {
	Message string
	// Type is the errorType of the GraphQL error; empty if the program named none.
	Type string
	// Data is JSON, nil if not given. AppSync filters it by the query's selection set.
	Data json.RawMessage
	// Info is JSON, nil if not given. It is not filtered.
	Info json.RawMessage
	// Unauthorized is set by util.unauthorized.
	Unauthorized bool
}

func (e *Error) Error() string {
	if e.Type == "" {
		return e.Message
	}
	return e.Type + ": " + e.Message
}

// RuntimeError is a fault of the code itself: a TypeError, a call of something that the local
// runtime refuses, or code that does not come to an end.
type RuntimeError struct {
	Name string
	// Line and Column are of the innermost call in the program, or 0 if it is not known.
	Line, Column int
	Message      string
}

func (e *RuntimeError) Error() string {
	if e.Line == 0 {
		return e.Name + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Column, e.Message)
}
