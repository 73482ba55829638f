// Package operations answers "are orders flowing?" for an AsyncApi, an OrderWorkflow, a StatusNotifier, or any of
// them: by alarms, whose thresholds follow from the settings of what they watch, and by a dashboard.
//
//	AsyncApi ───────┐                ┌─► alarms ──► Topic ──► you
//	OrderWorkflow ──┼─► Operations ──┤     └─► NotFlowing: the one to wake somebody
//	StatusNotifier ─┘                └─► Dashboard
//
// # Resources
//
// About 40 alarms for all three, a composite alarm, a dashboard, an encrypted topic with its key and policy, and a metric
// filter of the gateway's access log. Nothing has a physical name. Functions are found behind what is watched: the
// consumer, those of the steps, of the outbox and of the webhooks. Of an alias the whole function is watched.
//
// # Construct ids
//
// Below the Operations: Key, Topic, Dashboard, Throttled, NotFlowing, and each alarm by the id under which docs/operations.md has it.
// The topic's is a contract, since others subscribe to it.
//
// # Alarms
//
//	orders     Stalled, OrdersFailed, OrdersRejected, OrdersSlow
//	API        DeadLetters, OldestMessage, QueueInFlight, ServerErrors, RequestsNearLimit, RequestsThrottled
//	workflow   ExecutionsFailed, ExecutionsTimedOut, ExecutionsAborted, ExecutionsThrottled
//	functions  <Name>Errors, <Name>Busy, FunctionsSlow, FunctionsThrottled
//	tables     TablesThrottled
//	channels   OutboxFailures, OutboxAge, GraphQLOutboxAge, OutboxSilent, GraphQLOutboxSilent, EventsUntellable,
//	           SubscriptionDeadLetters, GraphQLServerErrors
//	webhooks   WebhookDeadLetters, WebhooksWaiting, WebhooksLate
//
// NotFlowing is in alarm with any of Stalled, DeadLetters, OldestMessage, ServerErrors and ExecutionsTimedOut. Each notifies
// the topic when it begins and when it is over. What is missing is no alarm: where nothing happens, nothing is measured.
//
// # Metrics
//
// Most are the services' own, which cost nothing. With Props.Namespace there are those of this module's functions too, and
// the function of the outbox is made to count orders by how they end: it sees every change anyway, and writes its figures in a line for a
// batch. Without it, orders are counted by executions, among which a rejected order is one that succeeded.
//
// # What it costs
//
// CloudWatch takes 0.10 USD a month for each metric that an alarm looks at, 0.50 for the composite alarm, 3 for the dashboard
// beyond the third of an account, and 0.30 for each metric of one's own in use (CloudWatch pricing, us-east-1): see docs/operations.md.
//
// # What the local runner simulates
//
// The functions' metrics are in their logs. Alarms, dashboard and metric filter are declared only.
package operations
