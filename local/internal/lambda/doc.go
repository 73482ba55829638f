// Package lambda simulates AWS Lambda: functions with their execution
// environments, synchronous and asynchronous invocation, and event source
// mappings that read queues.
//
//	Do(Invoke) ──────────────┐
//	asynchronous event ──────┼─► Function.start ─► Instance ─► Invoker
//	sqs.Queue ─► Mapping ────┘     concurrency     cold, warm   InProcess: a Handler in a sim.Proc
//	                               timeout, counters
//
// An Invoker runs the code. InProcess is the one for Go handlers registered in
// this process; their AWS calls wait on the process that ProcFrom gives.
//
// # What differs from the real service
//
//   - Code takes no time of its own: only what it waits for does. An
//     initialization counts as part of the environment's first invocation.
//   - An idle execution environment stays for ever.
//   - Only the version $LATEST exists.
//   - A mapping receives with one request at a time and hands batches on in
//     the order in which they were received. The real one has several pollers,
//     lowers its concurrency for a while when functions fail, and raises it at
//     its own pace: here by 300 at the end of each full minute without idleness.
//   - Filters, and records of failed batches, do not exist. A stream would be
//     read by a type of its own, beside Mapping.
//   - Memory, storage, network, layers, tracing and log formats have no effect.
package lambda
