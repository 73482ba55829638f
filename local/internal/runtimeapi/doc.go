// Package runtimeapi runs the executable of a Lambda function, its bootstrap, as Lambda does: in an
// execution environment that serves it the Runtime API (version 2018-06-01).
//
//	Environment.Invoke ─► process ── GET  …/invocation/next         ─► the event
//	                              ── POST …/invocation/ID/response  ─► Result
//	                              ── POST …/invocation/ID/error     ─► Result.Err
//	                              ── POST …/init/error
//	                      exit, signal, memory                      ─► Result.Err: Runtime.ExitError
//
// An environment has one process at a time and runs one invocation at a time. It is made by its first
// invocation, stays for the next ones, and is over when the process ends in the middle of one. This package has
// goroutines and the wall clock, unlike the engines of the local stack.
//
// # Initialization
//
// It ends when the process asks for its first event, and may take ten seconds. If it takes longer, or the process
// exits or reports an error, Lambda initializes once more as a part of the invocation, with the function's
// timeout (Lambda developer guide, "Failures during the Init phase"); so does Environment.
//
// # Out of order
//
// As AWS documents the Runtime API and its runtime interface emulator answers:
//
//	next while an invocation is under way   the same event again
//	the id of another invocation            400 InvalidRequestID
//	a second answer                         403 InvalidStateTransition
//	an answer of more than 6 MB             413 RequestEntityTooLarge, Function.ResponseSizeTooLarge for the caller
//	an error of initialization after it     403 InvalidStateTransition
//	a truncated answer                      400 TruncatedHTTPRequest
//
// # Memory
//
// Config.Memory limits what the process has resident. It is looked at every few milliseconds while the process
// initializes or has an invocation, and once more, with its peak, when the process answers: a process that had more is killed, and
// the invocation ends with "Runtime exited with error: signal: killed", as it does on Lambda. That takes Linux.
//
// # What differs from the real service
//
//   - An environment between two invocations is not frozen: goroutines go on.
//   - The CPU is not in proportion to the memory.
//   - The file system is that of the machine, and so is the network.
//   - Streamed answers are refused: 400 InvalidFunctionResponseMode.
//   - There are no extensions and no Logs and Telemetry API.
package runtimeapi
