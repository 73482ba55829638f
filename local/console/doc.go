// Package console is the page on which a developer watches a local stack and plays with it:
// orders and their events on the three channels, the architecture with what moves in it, queues and dead
// letters, executions, tables, logs, faults, time and permissions.
//
//	page := console.New(stack, console.Options{SignIn: …, Requests: …})
//	defer page.Close()
//	http.Handle("/console/", page)
//
// It serves any stack that is built from this module's constructs: what it shows comes from the template,
// from what the stack tells its observers (local.Stack.Observe), and from calls that only read
// (local.Stack.Inspect), so that it works while time is paused and does not count its own looking as traffic. What
// belongs to a domain, such as the body of an example order, comes by Options.
//
// # An order
//
// An order is whatever a request, an event or an execution calls orderId. Its lanes are what a client
// would see: answers to polls, deliveries of webhooks, and frames of the websocket. Orders that are
// placed on the page are polled by it, through the gateway, as a client would, and tenants that are signed in get a
// websocket; whoever else polls or listens appears in the same lanes.
//
// # Safety
//
// The page is for the machine on which it runs. It answers only to names of the loopback interface, literal
// addresses, and Options.Hosts, so that no page on the web can reach it by rebinding a name; what changes something is a POST
// of the page's own origin. It loads nothing from elsewhere, and its Content-Security-Policy says so.
package console
