// Package asyncapi is an HTTP resource whose POST goes into a queue without a
// Lambda function in between: the client has its 202 as soon as the order is
// safe.
//
//	client ── POST /orders ──► API Gateway ──► SQS queue ──► consumer
//	            202, Location    │ authorizer     │ after MaxReceiveCount
//	                             │ model          ▼
//	                             └ VTL         dead-letter queue
//
// # Resources
//
// A REST API with one stage, its access log, the resource with its POST, the
// request model, 21 gateway responses, the queue, its dead-letter queue, their
// TLS-only policies, and the role with which API Gateway sends to the queue.
// With the options: an authorizer, a usage plan, an event source mapping, a web
// ACL, the account's log role. Nothing has a physical name.
//
// # Construct ids
//
// Below the AsyncApi: Queue, DeadLetterQueue, QueueRole, Api, AccessLog, Model,
// Authorizer, UsagePlan, WebAcl, WebAclAssociation. They are a contract, for
// changing the id of a queue would replace it, with the orders in it.
//
// # HTTP
//
// An accepted order is answered with 202, a Location to poll, a Retry-After and
//
//	{"orderId":"…","status":"QUEUED","messageId":"…","links":{"status":"…","result":"…"}}
//
// The paths in links and Location are absolute, without a host. The same
// Idempotency-Key (1–64 visible ASCII characters) from the same tenant leads to
// the same orderId, which is how a consumer can tell a repetition; the queue
// itself only drops one if it is FIFO.
//
// Whatever else happens is answered with application/problem+json (RFC 9457):
// type, title, status, detail, requestId and a code that programs may rely on.
//
//	400 invalid-body             not JSON, or against the model; detail is API Gateway's: members that are missing or not allowed by name
//	400 invalid-idempotency-key  not 1–64 visible ASCII characters
//	400 invalid-characters       characters that SQS does not carry (U+FFFE, U+FFFF)
//	401 unauthorized             no or bad credentials
//	403 no-tenant                credentials without a tenant, or with too long a one
//	403 access-denied, invalid-api-key, not-signed, expired-token, invalid-signature, filtered
//	404 no-route                 nothing at this path and method
//	413 too-large                longer than an order may be
//	415 unsupported-media-type   not application/json
//	429 throttled, quota-exceeded
//	500 internal                 the API is not set up correctly
//	503 not-queued, unavailable, authorizer-failed
//	504 timeout                  SQS did not answer; the order may be queued or not
//
// 429, 503 and 504 have a Retry-After. A client that uses an Idempotency-Key can
// repeat after any of them.
//
// API Gateway has one answer, MISSING_AUTHENTICATION_TOKEN, both for a route
// that does not exist and for a request that is not signed. With the authorizer
// [IAM] it may be either and is 403 not-signed; with another one it can only be
// the route and is 404 no-route. A token sent to a route that does not exist is
// INVALID_SIGNATURE to it, and treated alike.
//
// A body beyond 10 MB has API Gateway's own answer, 413 with only a message: it
// cannot be changed. docs/aws-behaviour.md tells what is known of AWS, and what
// is not.
//
// # The message
//
// Its body is the request's body, byte for byte. Its attributes are those of
// package record: tenant, orderId, pk, acceptedAt. Its group is the tenant's
// tag, or in a FIFO queue by order what identifies the submission. Both ids are
// computed in the mapping templates and nowhere else.
//
// A mapping template cannot stop a request. One that must not be queued is sent
// to SQS without a MessageBody, SQS refuses it with 400, and the template of
// that answer tells the client the reason.
//
// # Defaults and limits
//
//	body           about 261,500 bytes: [MaxMessageBytes] less the attributes
//	tenant id      96 bytes; 47 with a FIFO queue
//	throttle       500 requests a second, bursts of 1,000, for each method
//	retention      4 days, in the dead-letter queue 14 days since it was sent
//	redelivery     5 times, then the dead-letter queue
//	visibility     6 × the consumer's timeout + batch window
//	consumer       batches of 10, at most 5 invocations at a time, partial batch failures
//	encryption     SSE-SQS, or your KMS key
//	when removed   queues and log are retained
//
// # What the local runner simulates
//
// Routes, authorizers' identities, the model, mapping templates, integration
// and gateway responses, throttles, API keys, the access log, both queues and
// the event source mapping. It lists as declared: WAF, X-Ray, encryption, log
// retention, endpoint type.
package asyncapi
