// Package localapp puts the reference app together for a run on one machine: its
// template, the code of its functions, and its stock.
package localapp

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/orderflow-cdk/orderflow/internal/handler"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
)

// New runs the stack of an environment (dev, staging or prod) from the template
// that is committed with the code.
func New(environment string, o local.Options) (*local.Stack, error) {
	template, err := snapshot.Template(environment)
	if err != nil {
		return nil, err
	}
	return FromTemplate(environment, template, o)
}

// FromTemplate is New with another template. It sets the options' Name,
// Functions and Egress (that of no customers) where there are none.
func FromTemplate(environment string, template []byte, o local.Options) (*local.Stack, error) {
	if o.Name == "" {
		o.Name = "orderflow-" + environment
	}
	if o.Functions == nil {
		o.Functions = Functions()
	}
	if o.Egress == nil {
		o.Egress = Egress(nil)
	}
	return local.New(template, o)
}

// Functions registers the code of the app's Lambda functions, the same that
// is deployed.
func Functions() map[string]local.NewFunction {
	all := map[string]local.NewFunction{}
	for _, f := range handler.Functions() {
		all[f.Name] = func(r local.Runtime) (local.Handler, error) {
			return f.New(handler.Env{
				Getenv: r.Getenv, AWS: r.AWS, Now: r.Now, Log: r.Log, HTTP: r.HTTP, Public: r.HTTP,
				Parallel: r.Parallel, WithTimeout: r.WithTimeout,
			})
		}
	}
	return all
}

// Egress is what the app reaches outside AWS: the endpoints of its customers,
// and a PaymentProvider for the environments that charge through one.
func Egress(customers http.RoundTripper) http.RoundTripper {
	return egress{customers, PaymentProvider()}
}

type egress struct{ customers, payments http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (e egress) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Hostname() == paymentHost {
		return e.payments.RoundTrip(req)
	}
	if e.customers == nil {
		return nil, fmt.Errorf("lookup %s: no such host", req.URL.Hostname())
	}
	return e.customers.RoundTrip(req)
}

// paymentHost is the host of the payment provider in the app's environments.
const paymentHost = "payments.example.com"

// StockLevel is how much of a SKU is on hand.
type StockLevel struct {
	SKU       string
	Available int64
}

// PutStock writes stock levels into the inventory table, in the order given.
func PutStock(stack *local.Stack, levels ...StockLevel) error {
	const output = "InventoryTableName"
	table, ok := stack.Outputs()[output]
	if !ok {
		return fmt.Errorf("the template has no output %s", output)
	}
	for _, l := range levels {
		in, err := json.Marshal(map[string]any{"TableName": table, "Item": map[string]any{
			"pk":        map[string]string{"S": l.SKU},
			"available": map[string]string{"N": fmt.Sprint(l.Available)},
		}})
		if err != nil {
			return err
		}
		if _, err := stack.Call("dynamodb", "PutItem", in); err != nil {
			return fmt.Errorf("%s: %w", l.SKU, err)
		}
	}
	return nil
}
