// Package localtest runs a synthesized stack in a test: in virtual time, in one process,
// without an AWS account, Docker or Node.
//
//	func TestOrder(t *testing.T) {
//		stack := localtest.Start(t, localtest.Assembly(t, "cdk.out", "shop-dev"), local.Options{
//			Functions: map[string]local.NewFunction{"intake": newIntake, "charge": newCharge},
//		})
//		ada := stack.SignedIn("ada", localtest.M{"custom:tenant": "acme"})
//		status := ada.Do("POST", "/orders", order).Want(202).Header.Get("Location")
//		stack.Eventually(func() bool { return ada.Do("GET", status, nil).Text("status") == "COMPLETED" }, time.Minute)
//	}
//
// A template comes from a cloud assembly (Assembly), from a file (os.ReadFile), or from a stack of
// the CDK that the test makes (package local/localcdk).
//
// # Time
//
// Nothing waits. Time stands still until a request, an AWS call, Advance, RunUntilIdle, Idle,
// Eventually or Subscription.Next moves it, from one event straight to the next; a
// day of retries takes a moment, and the same test takes the same course each time.
//
// # Clients
//
// Anonymous, SignedIn, WithAPIKey and SignedBy are clients of the stack's REST and GraphQL APIs, with
// subscriptions by websocket. AWS makes calls of AWS's services in their own JSON, and Config is for clients of the
// SDK. What else speaks HTTP, such as package client of this module, uses Transport.
//
// # What goes wrong
//
// Inject brings about throttling, errors, crashes, duplicates and delays, in functions and in calls
// of AWS (local.Fault). local.Hosts, as Options.Egress, answers what functions request from
// others than AWS.
//
// # What is seen
//
// Trace has everything that happened, in order, and is selected from with its own methods. A test
// that fails logs the end of its trace and of its functions' logs; one that passes
// logs nothing.
//
// Methods that cannot do what they were asked to do end the test, at the caller's line: there
// is no error to check. They must be called on the test's own goroutine, as t.Fatal.
package localtest
