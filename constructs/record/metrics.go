package record

// MetricFunction is the one dimension of the functions' metrics: the name of the
// handler that wrote them, such as [HandlerNotify].
const MetricFunction = "Function"

// Handlers whose metrics are read elsewhere.
const (
	HandlerNotify         = "notify"
	HandlerDeliverWebhook = "deliverwebhook"
)

// Metrics of notify. It writes the first six if its environment names the workflow's
// ends, and counts an order's change when every channel of the function was told of
// it, so that a repetition is not counted again.
const (
	// OrdersAccepted counts orders that were recorded, whatever they were recorded as:
	// each ends as one of the next four, or is under way.
	OrdersAccepted  = "OrdersAccepted"
	OrdersCompleted = "OrdersCompleted"
	OrdersRejected  = "OrdersRejected"
	OrdersFailed    = "OrdersFailed"
	OrdersCancelled = "OrdersCancelled"

	// TimeToCompleted is the time from the gateway's 202 to the last step's end.
	TimeToCompleted = "TimeToCompleted" // Milliseconds

	// EventLag is the time from a change of an order until it was told.
	EventLag = "EventLag" // Milliseconds

	// TopicEventsFailed and GraphQLEventsFailed count attempts to tell an event that failed.
	TopicEventsFailed   = "TopicEventsFailed"
	GraphQLEventsFailed = "GraphQLEventsFailed"

	// EventsUntellable counts what looked like an event and cannot be one. To try it again
	// would hold up others and help nobody, so that it is passed over: its order has a gap
	// in its sequence, which clients mend by polling.
	EventsUntellable = "EventsUntellable"
)

// Metrics of deliverwebhook.
const (
	// DeliveryAge is the time from an event's publication until an endpoint took it,
	// with all waits for endpoints that were out of order.
	DeliveryAge = "DeliveryAge" // Milliseconds

	// DeliveriesFailed counts attempts that an endpoint did not take.
	DeliveriesFailed = "DeliveriesFailed"
	// DeliveriesDeadLettered counts deliveries that were given up.
	DeliveriesDeadLettered = "DeliveriesDeadLettered"
	// MessagesDelayed counts messages that come again because AWS failed, not an endpoint.
	MessagesDelayed = "MessagesDelayed"
	// EndpointsDisabled counts endpoints that were disabled since they failed for too long.
	EndpointsDisabled = "EndpointsDisabled"
)

// RequestsThrottled counts requests that the gateway answered 429 because of its
// limits. It is read from the access log and has no dimension.
const RequestsThrottled = "RequestsThrottled"
