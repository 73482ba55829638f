// Package client submits orders to an API of this module and learns what becomes of them.
//
//	c, err := client.New(apiURL, client.Options{
//		Authorize:  client.IDToken(source),
//		GraphQLURL: graphQLURL, // optional: with it Watch uses a websocket
//	})
//	accepted, err := c.Submit(ctx, order, client.SubmitOptions{IdempotencyKey: cart})
//	for e, err := range c.Watch(ctx, accepted.OrderID, client.WatchOptions{}) {
//		…
//	}
//
// # Requests
//
// Every method takes a context, and repeats what met 429, 5xx or a broken connection, as
// [Retry] says and not before the time of a Retry-After. Submit sends an idempotency key with
// every order, so that a repetition cannot become a second one. Errors of the API are
// [*Problem] values, to be told apart with errors.Is and the values beside [ErrNotFound].
//
// # Events
//
// [Client.Watch] tells an order's events in sequence and each once, whichever ways they come:
//
//   - by websocket from AppSync, if there is a GraphQLURL. AppSync delivers at most once, so after
//     connecting, at every gap and once a minute the order itself is looked at;
//   - by polling its status, without a GraphQLURL and for as long as the websocket is down. It is tried
//     again after 1 to 60 seconds;
//   - from [WatchOptions.Source], where a webhook receiver (package webhook) may feed in what it gets.
//
// [Client.Wait] is Watch for those who only want the end. [Client.Subscribe] tells of all of a
// tenant's orders, without any of these guarantees. [Sequencer] is the part of Watch that
// sorts, for those who keep an order's events from several sources themselves.
//
// The subscriptions of one client share connections, which are open only as long as somebody
// listens.
//
// # Virtual time
//
// With Options.Sleep and Options.Now everything but websockets follows another clock, such as that of a
// stack of package local. Polling makes no goroutine and calls Sleep on that of the caller.
package client
