package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/local/console"
)

// inboxHost is where the webhooks of the console's tenants go.
const inboxHost = "inbox.example"

// consoleOptions are what the console offers for the app. For another stack it has what the template says.
func (c *upCommand) consoleOptions(stack *local.Stack, inbox *console.Inbox) console.Options {
	o := console.Options{Title: c.stackName(), Tenants: []string{c.Tenant, "globex"}, Inbox: inbox}
	if _, err := tokenOf(stack, c.Tenant); err == nil {
		o.SignIn = func(tenant string) (string, error) { return tokenOf(stack, tenant) }
	}
	if slices.ContainsFunc(stack.Resources(), func(r local.Resource) bool { return r.Type == "AWS::ApiGateway::Method" && r.Label == "POST /webhooks" }) {
		o.OnSignIn = []console.Example{{Name: "webhook", Path: "/webhooks", Body: `{"url":"https://` + inboxHost + `/{tenant}"}`}}
	}
	if _, ours := stack.Outputs()["InventoryTableName"]; !ours {
		return o
	}
	o.Explanations = localapp.Explanations()
	order := func(name, sku, token string) console.Example {
		return console.Example{Name: name, Path: "/orders", Body: fmt.Sprintf(`{
  "currency": "EUR",
  "items": [{"sku": %q, "quantity": 2, "unitPrice": 650}],
  "payment": {"method": "card", "token": %q},
  "shipTo": {"name": "Ada Lovelace", "line1": "12 St James Square", "city": "London", "postalCode": "SW1Y 4JH", "country": "GB"}
}`, sku, token)}
	}
	o.Requests = []console.Example{
		order("An order", "NB-A5", "tok_visa"),
		order("The payment needs three attempts", "NB-A5", "tok_flaky"),
		order("The card is declined", "NB-A5", "tok_declined"),
		order("The payment provider is down", "NB-A5", "tok_down"),
		order("Nobody knows this article", "XX-1", "tok_visa"),
		{Name: "A body that breaks the schema", Path: "/orders", Body: `{"items": []}`},
	}
	o.Faults = []local.Fault{
		{Name: "Payments are declined", Target: "charge", Kind: local.FailWith, ErrorName: "PaymentDeclined", Message: "the bank said no"},
		{Name: "The answer of one charge is lost", Target: "charge", Kind: local.CrashAfter, Times: 1},
		{Name: "Shipping takes 5 s", Target: "ship", Kind: local.Slow, Delay: 5 * time.Second},
		{Name: "The intake crashes: orders go to the dead-letter queue", Target: "intake", Kind: local.CrashBefore},
		{Name: "The intake gets messages twice", Target: "intake", Kind: local.Duplicate},
		{Name: "The tables throttle three calls in ten", Target: "dynamodb:*", Kind: local.Throttle, Probability: 0.3},
		{Name: "AppSync and SNS are told nothing", Target: "notify", Kind: local.CrashBefore},
	}
	return o
}
