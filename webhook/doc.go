// Package webhook signs and receives webhooks.
//
// A receiver verifies both kinds that orderflow sends, and hands on each event once:
//
//	receiver, err := webhook.New(webhook.Options{
//		Secrets: []string{os.Getenv("WEBHOOK_SECRET")}, // signed webhooks (Standard Webhooks 1.0.0)
//		Topics:  []string{os.Getenv("TOPIC_ARN")},      // HTTPS subscriptions of SNS
//	})
//	http.Handle("/hooks", receiver.Handler(func(ctx context.Context, e event.Event) error {
//		return book(ctx, e) // an error: the sender repeats
//	}))
//
// Nothing here is particular to orderflow but [Receiver.Handler]: [Receiver.MessageHandler] and
// [Receiver.Verify] receive the webhooks of anybody who signs in one of these ways.
//
// # Standard Webhooks
//
// The signature is HMAC-SHA256 over id, timestamp and body, compared in constant
// time with each of the secrets, of which there are two while one is rotated. The timestamp is that
// of the attempt and may be 5 minutes off. An id must have no full stop in it.
// Signatures of other versions (v1a) are skipped.
//
// # SNS
//
// Signature versions 1 and 2. The signing certificate is fetched once, and only from
// https://sns.<region>.amazonaws.com (or .com.cn). Since SNS signs the messages of every customer, the topics must be
// listed. Subscriptions to them are confirmed without further ado, with a request to the same
// hosts only. With raw message delivery SNS does not sign: such requests are refused.
//
// The timestamp is that of the publication, and SNS repeats for up to 3,600
// seconds: therefore the longer tolerance. MessageAttributes are not signed, and not handed on.
//
// # Duplicates
//
// Every sender may send something again, so ids are remembered: of events their own id, which
// is the same whichever way they come, of other messages webhook-id or MessageId. An id is
// remembered only after handle has returned nil; two requests with one
// id at the same time are handled one after the other. By default ids are in the
// process's memory for a day: see [Options.Seen]. A handler whose effect
// must not happen twice should still be idempotent, as a process can die between the effect and the memory of it.
package webhook
