// Package sqs simulates Amazon SQS queues: standard queues with fair delivery
// between tenants, FIFO queues, delays, visibility timeouts, retention,
// dead-letter queues and their redrive, long polling.
//
// Calls come in the AWS JSON protocol (Service.Do). FromQuery and QueryResponse
// translate the query protocol, which API Gateway speaks. Event source mappings
// read with Queue.Poll, without JSON between them.
//
// # What differs from the real service
//
//   - A standard queue delivers each message once and in order of arrival,
//     apart from fairness. The real one may repeat and reorder; Queue.choose is
//     where a fault plan would do so.
//   - A receive returns all there is, up to its maximum; the real one samples.
//   - The counts called approximate are exact.
//   - Throughput limits, encryption, access policies and tags have no effect.
//   - A change of DelaySeconds concerns later messages, in FIFO queues too.
//   - The thresholds of fair queues are exact (see fair.go).
//   - A repeated ReceiveRequestAttemptId is an ordinary receive.
package sqs
