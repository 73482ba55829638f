// Package sns simulates Amazon SNS: standard topics, their subscriptions with
// filter policies, and the delivery of messages to queues, functions and HTTP
// endpoints with the retries and dead letters that SNS documents.
//
//	Do(Publish) ─► message ─► fanOut ─► delivery ─┬─► bus "sqs" SendMessage
//	                           filters             ├─► bus "lambda" Invoke (Event)
//	                                               ├─► Post (HTTP and HTTPS)
//	                                               └─► the dead-letter queue, or lost
//	Serve ─► certificate, ConfirmSubscription, Unsubscribe
//
// Calls come as JSON documents with the members of the API's shapes (Service.Do);
// DecodeQuery, EncodeResponse and EncodeError translate the query protocol, which
// is SNS's own. Queues and functions are called as the topic: api.Call.Caller is the
// topic's ARN, which a policy knows as aws:SourceArn of the principal
// sns.amazonaws.com.
//
// # What is simulated
//
//   - Publish, PublishBatch, Subscribe, ConfirmSubscription, Unsubscribe, the lists of
//     topics and subscriptions, and the attributes of both, with SNS's errors. A
//     fault of one entry of a batch fails the whole batch, as the service's recorded
//     answers have it: Failed is always empty.
//   - The handshake with HTTP endpoints, subscriptions of a template included:
//     nothing is delivered before they confirm. Tokens and pending subscriptions live
//     for two days (SNS API Reference, Subscribe). Who unsubscribes by the
//     UnsubscribeURL gets an UnsubscribeConfirmation, and can come back by it.
//   - Envelopes and Lambda events with signatures of version 1 and 2, which public
//     verifiers accept. A message is signed once, and only if somebody gets to see the
//     signature, since that costs more than all the rest.
//   - Raw delivery, MessageStructure json, MessageGroupId (passed on to queues).
//   - Delivery policies of topics and subscriptions: the four phases of retries, at
//     most 3,600 seconds in all, throttling, content types. Queues and functions are
//     retried 100,015 times over 23 days. Client-side errors are not retried; of an
//     HTTP endpoint those are all statuses but 2xx, 429 and 5xx.
//   - Redrive policies: the dead-letter queue gets what a queue in the endpoint's
//     place would have got. No attributes say why: messages recorded from the service
//     have none either (RequestID, ErrorCode and ErrorMessage are Lambda's). What
//     happened is in Subscription.Stats and in Service.Log.
//   - Basic authentication with the user and the password of the endpoint's URL.
//
// # What differs from the real service
//
//   - FIFO topics, archives and replay, topics of other regions or accounts, and the
//     actions that DecodeQuery calls not simulated are errors.
//   - email, email-json, sms, firehose and application subscriptions are accepted,
//     and nothing is delivered to them.
//   - Messages are delivered once, in the order in which they were published; the
//     real topic may repeat and reorder.
//   - Retries come without jitter. How the backoff functions rise between the two
//     delay targets is documented by a picture only (see schedule.delay).
//   - The signing key is the same in every process and is no secret (see signer): a
//     receiver may trust it only for a local stack.
//   - A function's event and a queue's envelope appear at once; the real service takes
//     some tens of milliseconds, of which the bus has its part.
//   - Encryption, tracing, logging of deliveries, access policies, data protection and
//     tags have no effect, and the quotas on calls and subscriptions do not exist.
package sns
