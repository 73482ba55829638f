// Package record is the contract between the constructs and the functions:
// the names of what an order's message and its items in the table carry.
// It imports nothing, so that handlers can use it without the CDK.
//
// Each order has two items in the table, both under one partition key, which
// the gateway computes from the caller's tenant and the order's id:
//
//	pk                     sk        what
//	<tenant tag>#<orderId> STATUS    small; rewritten at every transition
//	<tenant tag>#<orderId> ORDER     the body as it was sent; written once
package record

// Attributes of the table's key.
const (
	PartitionKey = "pk"
	SortKey      = "sk"
)

// Values of SortKey.
const (
	StatusItem = "STATUS"
	BodyItem   = "ORDER"
)

// Attributes of the STATUS item.
const (
	Tenant   = "tenant"   // S
	OrderID  = "orderId"  // S
	Status   = "status"   // S
	Sequence = "sequence" // N, 1 for the first recorded status, +1 with each change

	AcceptedAt = "acceptedAt" // S, RFC 3339 with milliseconds, UTC: when the gateway answered 202
	UpdatedAt  = "updatedAt"  // S, the same form: when Status last changed

	// History (L) holds one M of Sequence, Status and At for every status so
	// far, with Reason where there is one, oldest first.
	History = "history"
	At      = "at" // S, as UpdatedAt

	// Reason (S) is the name of the error that led to a rejection, failure or
	// cancellation, such as "OutOfStock"; Detail (S) is its message.
	Reason = "reason"
	Detail = "detail"

	// CancelRequested (BOOL) is set by DELETE; the workflow honours it at its
	// next transition. It can stand in an item without Status: the order was
	// cancelled before it was recorded.
	CancelRequested = "cancelRequested"

	// Results (M) holds the output of each finished step as a JSON text (S)
	// under the step's name.
	Results = "results"

	// PayloadHash (S) is the SHA-256 of the body in hex. Conflicts (N) counts
	// later submissions under the same idempotency key whose hash differed.
	PayloadHash = "payloadHash"
	Conflicts   = "conflicts"

	// TaskToken (S) is where a step that waits for a callback may keep its token
	// for whoever reports back; the workflow removes it with the next status.
	TaskToken = "taskToken"

	// Owner (S) is the execution of an Express workflow that works on the order, by its ARN; OwnedAt (N) is
	// when it began, in Unix milliseconds. Another one may take over five and a half minutes after that, since no execution lasts longer than five.
	Owner   = "owner"
	OwnedAt = "ownedAt"

	// ExpiresAt (N) is the table's time-to-live attribute, Unix seconds.
	ExpiresAt = "expiresAt"
)

// Body (S) is the ORDER item's attribute: the request body, byte for byte.
const Body = "body"

// String attributes of the message that carries an order from the gateway.
// The message's body is the request's body, byte for byte.
const (
	MessageTenant     = "tenant"
	MessageOrderID    = "orderId"
	MessageKey        = "pk"
	MessageAcceptedAt = "acceptedAt" // Unix milliseconds
)

// TenantClaim is the claim of an ID token that names the caller's tenant in
// the reference app: a custom attribute of its user pool that only an
// administrator can set.
const TenantClaim = "custom:tenant"
