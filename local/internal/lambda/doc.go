// Package lambda simulates AWS Lambda: functions with their execution
// environments, synchronous and asynchronous invocation, and event source
// mappings that read queues and tables' streams.
//
//	Do(Invoke) ───────────────────┐
//	asynchronous event ───────────┼─► Function.start ─► Instance ─► Invoker
//	sqs.Queue ─► Mapping ─────────┤     concurrency     cold, warm   InProcess: a Handler in a sim.Proc
//	StreamSource ─► StreamMapping ┘     timeout, counters
//
// An Invoker runs the code. InProcess is the one for Go handlers registered in
// this process; their AWS calls wait on the process that ProcFrom gives. Such a
// handler waits for several things at once with Parallel, for simulated time with
// Sleep, and limits a wait with WithTimeout.
//
// # Streams
//
// A StreamMapping follows "Using AWS Lambda with Amazon DynamoDB": filters come
// before batches; a batch is full by its size, by 6 MB, or when its window is over;
// batches of one lane follow one another, and an item's records are in one lane
// (ParallelizationFactor is the number of lanes). A batch that failed holds up its
// lane until it is done, given up, or gone from the stream after 24 hours:
//
//	the function failed or timed out     the whole batch again; with bisect its halves, one after the other
//	it reported items                    what is before the first of them is done, the rest comes again
//	the report is of no use              as if it had failed
//	it was throttled                     the batch again, which is no attempt
//
// A split is no attempt. With bisect a batch is split at the checkpoint that was
// reported; a report of the first record splits nothing and is an attempt.
// MaximumRetryAttempts and MaximumRecordAgeInSeconds give records up, and the
// destination is told where in the stream they were.
//
// Unlike in a queue's mapping, where each message that is reported comes again
// by itself, a report means that everything behind it comes again too.
//
// # What differs from the real service
//
//   - Code that runs in process takes no time of its own: only what it waits for does. An
//     initialization counts as part of the environment's first invocation; an invoker of processes
//     has the function's time begin after it (Invocation.Postpone).
//   - An idle execution environment stays until its invoker discards it: in process for ever.
//   - A version has the code and the settings that the function has, and its number counts from 1 in each template. An
//     alias has one version: invocations are not shared out by weights.
//   - A mapping receives with one request at a time and hands batches on in
//     the order in which they were received. The real one has several pollers,
//     lowers its concurrency for a while when functions fail, and raises it at
//     its own pace: here by 300 at the end of each full minute without idleness.
//   - A stream is one shard that never splits, and both starting positions mean
//     the beginning. A record reaches its mapping 10 ms after the change; the real
//     service polls at a base rate of four times a second.
//   - How long Lambda backs off before it repeats a batch of a stream is not
//     documented: here 1 s, then twice as long each time, up to a minute, and no
//     time at all after a split.
//   - Of a batch in which some records are too old, those are given up and the
//     others go on. The name of that condition, RecordAgeExceeded, is not documented.
//   - Tumbling windows are refused. A destination is a queue or whatever else is
//     given to AddTarget; a bucket is not known.
//   - Memory has an effect on processes only; storage, network, layers, tracing and log formats have none.
package lambda
