// Package statusnotifier tells clients what became of the orders that they
// sent to an AsyncApi. This much of it is polling: API Gateway reads and writes
// the orders' table itself, without a Lambda function.
//
//	GET    /orders/{orderId}/status ─┐
//	GET    /orders/{orderId}        ─┼─► API Gateway ──(VTL)──► orders table
//	DELETE /orders/{orderId}/status ─┘
//
// # Resources
//
// Two resources and three methods on the AsyncApi, a role that can only GetItem
// and Query the table, and one that can only UpdateItem it.
//
// # Construct ids
//
// Below the StatusNotifier: ReadRole, CancelRole. The methods' ids are below
// the AsyncApi's Api.
//
// # GET /{orderId}/status
//
// Answers 200 with
//
//	{"orderId","status","sequence","acceptedAt","updatedAt","reason","detail",
//	 "conflicts","cancelRequested","links":{"status","result"}}
//
// where reason, detail, conflicts and cancelRequested stand only where there is
// something to tell. conflicts counts other bodies under the same
// Idempotency-Key: the first one won. Before the end there is a Retry-After.
// The ETag changes with what the answer says, and If-None-Match is honoured
// with 304.
//
// An order that is not recorded yet has the status QUEUED and the sequence 0,
// without times, for as long as Props.AcceptanceWindow; an order with an
// Idempotency-Key for ever, because its id does not tell its age: such an id
// answers QUEUED even if nothing was ever sent under that key.
//
// With ?redirect=true the status of a finished order is 303 to its result.
//
// # GET /{orderId}
//
// The same members, and
//
//	"history":[{"sequence","status","reason","at"}], "results":{"<Step>":…}, "order":{…}
//
// order is the body as it was sent. Before the end it answers 200 too, with
// what is known so far, since a client that shows an order wants that, and
// tells the end by the status.
//
// # DELETE /{orderId}/status
//
// Requests cancellation and answers 202 with the status; the workflow stops at
// its next checkpoint and compensates, or completes if it is past the last one.
// It is idempotent. An order that is not recorded yet is cancelled before it
// starts. A finished one is 409 (code "finished") with its status as
// orderStatus.
//
// # Errors
//
// As package asyncapi's: application/problem+json. An id of somebody else is
// answered 404 unknown-order just as one that was never given: the key under
// which the table is read begins with the caller's own tenant. Where DynamoDB
// throttles, the client gets 503 throttled and a Retry-After.
//
// # What the local runner simulates
//
// All of it.
package statusnotifier
