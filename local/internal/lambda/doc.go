// Package lambda simulates AWS Lambda: functions with their execution
// environments, synchronous and asynchronous invocation, and event source
// mappings that read queues.
package lambda
