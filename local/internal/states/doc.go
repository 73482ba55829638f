// Package states is AWS Step Functions: state machines in the Amazon States
// Language, in JSONata and in JSONPath, run as data that the kernel's events move.
//
// A definition is compiled once (Parse): every expression, path, intrinsic function,
// payload template and resource. An execution is a tree of branches: the
// machine itself, and below it the branches of Parallel states and the
// iterations of Map states. A branch knows its current state, its variables and what it
// waits for; there is no goroutine behind it.
//
// A service integration becomes a call on the stack's bus, made with the state
// machine's role, in the protocol of that service.
//
// Not simulated, and refused where a definition asks for it: distributed Map,
// activities, Credentials, versions and aliases.
// Results of optimized integrations lack the SDK's HTTP metadata.
package states
