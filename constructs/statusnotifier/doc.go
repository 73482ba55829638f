// Package statusnotifier tells clients what became of the orders that they
// sent to an AsyncApi. Clients always can poll: API Gateway reads and writes
// the orders' table itself, without a Lambda function. With the options of
// Props they are told, by webhook or websocket, and all channels tell the same
// story: each event is a change of a STATUS item in the table, with the same
// id and sequence wherever it is seen (package event).
//
//	GET    /orders/{orderId}/status ─┐
//	GET    /orders/{orderId}        ─┼─► API Gateway ──(VTL)──► orders table
//	DELETE /orders/{orderId}/status ─┘                               │ stream
//	                                                                 ▼
//	                   ┌──────────────────────────────── Outbox: notify ──► OutboxFailures
//	                   ▼                                             ▼
//	                 Topic ─┬─► HTTPS endpoints of yours         WebSocket: AppSync
//	                        ├─► queues, functions of other services  └─► subscriptions
//	                        └─► DeliveryQueue ─► deliverwebhook ─► tenants' endpoints
//	                                 ▲  SignedWebhooks  └─► DeliveryDeadLetters
//	    /webhooks ─► managewebhooks ─┘
//
// # Resources
//
// Two resources and three methods on the AsyncApi, a role that can only GetItem
// and Query the table, and one that can only UpdateItem it. With Outbox an event
// source mapping and a queue of failures; with Topic a topic, its policy, and a
// queue of undeliverable messages; with SignedWebhooks a table, two queues, an
// event source mapping, five resources and seven methods on the AsyncApi, their
// model and validator, and the role to invoke the function behind them; with
// WebSocket a GraphQL API, its schema, two data sources, four resolvers, a log
// group, and the roles to read an order and to write the log.
//
// # Construct ids
//
// Below the StatusNotifier: ReadRole, CancelRole; OutboxFailures; Topic,
// SubscriptionDeadLetters, and each HTTPSSubscription's ID; WebhooksTable,
// DeliveryQueue, DeliveryDeadLetters, WebhooksRole, WebhookModel,
// WebhookValidator; GraphQL, GraphQLLog, GraphQLLogRole, GraphQLReadRole. The
// methods' ids are below the AsyncApi's Api, the event source mappings' below
// their functions, the subscriptions' of queues and functions below these. They
// are a contract, for changing the id of a table, queue or topic would replace it.
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
// # Outbox
//
// The function reads the table's stream, so that nothing is written twice and
// whatever the table says is told. Lambda keeps the changes of one order in order,
// repeats a batch from the first record that failed, halves one that fails as
// a whole, and after Outbox.MaxRecordAge puts the position of what is left into
// OutboxFailures: that is an alarm, and the stream has the records for a day. A
// channel may see an event twice; it does not lose one before that.
//
// # Topic
//
// For your own endpoints, and for other services: a queue or a function joins
// by one line, with a filter that SNS evaluates. SNS signs messages (signature
// version 2, SHA-256) and repeats deliveries over HTTPS for 3,600 seconds at most,
// whatever its delivery policy says; then they are in SubscriptionDeadLetters. An
// endpoint that may be away for longer, or that a customer names, is for
// SignedWebhooks.
//
// # SignedWebhooks
//
// Tenants register endpoints at /webhooks, below the API's root and with its
// authorizer, CORS and throttle:
//
//	POST   /webhooks                     201, with the secret, shown this once
//	GET    /webhooks                     200
//	GET    /webhooks/{webhookId}         200
//	DELETE /webhooks/{webhookId}         204
//	POST   /webhooks/{webhookId}/rotate  200, with a new secret
//	POST   /webhooks/{webhookId}/enable  200
//	POST   /webhooks/{webhookId}/test    202
//
// What the function answers is answered with its status; a failure of it is 500
// internal, and where it is throttled 503 throttled with a Retry-After. The gateway
// answers by itself what never reaches the function: 400 invalid-body, and 503
// unavailable if Lambda does not take the invocation.
//
// How long deliveries are tried is the function's to say; the queue keeps them for
// 14 days, and gives one up by itself only after 1,000 receives, the most that SQS
// knows. What was given up is in DeliveryDeadLetters, from where StartMessageMoveTask
// brings it back (see GrantRedriveDeliveries).
//
// # WebSocket
//
// An AppSync API with the schema of graphql/schema.graphql. Any AppSync client
// can subscribe:
//
//	subscription { onOrderStatus(orderId: "…") { id status sequence changes } }
//	subscription { onMyOrders(statuses: ["COMPLETED"]) { id orderId status sequence } }
//	query        { order(orderId: "…") { status sequence } }
//
// A subscription is limited to the caller's own tenant by a filter that AppSync
// evaluates, whatever the client asks for; an id that was not made for the
// tenant is refused with the error UnknownOrder, as one that never was. Events
// are published by IAM alone. A client that was away asks for order, or polls, and
// compares the sequence: AppSync keeps nothing for it. A subscription that starts
// while an order moves should ask after it has started, for the same reason.
//
// Why this is GraphQL and not AppSync Events: docs/adr/0011-appsync-events.md.
//
// # Errors
//
// As package asyncapi's: application/problem+json. An id of somebody else is
// answered 404 unknown-order just as one that was never given: the key under
// which the table is read begins with the caller's own tenant. Where DynamoDB
// throttles, the client gets 503 throttled and a Retry-After.
//
// # Functions
//
// The handlers notify, deliverwebhook and managewebhooks are this module's. For your stack
// command build-functions builds them, named as an argument (see package gofunction), and package
// local/appfunctions has them for a run on one machine. What the StatusNotifier does not
// put into their environment is yours to set: LOG_LEVEL (DEBUG, INFO, WARN or ERROR), and
// METRICS_NAMESPACE, the CloudWatch namespace of their metrics. Package operations has notify count orders.
//
//	notify := gofunction.New(stack, "Notify", gofunction.Props{
//		Name: "notify", AssetDir: "dist/arm64/notify",
//		Environment: map[string]string{"LOG_LEVEL": "INFO", "METRICS_NAMESPACE": "shop"},
//	})
//
// # What the local runner simulates
//
// All of it, but for the GraphQL API's log and tracing, which are declared only.
package statusnotifier
