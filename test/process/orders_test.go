package process_test

import (
	"testing"
)

func TestHowOrdersEnd(t *testing.T) {
	for _, environment := range []string{"dev", "prod"} {
		t.Run(environment, func(t *testing.T) {
			w := start(t, environment, nil)
			c := w.as("acme")
			for _, tt := range []struct{ name, body, path, reason string }{
				{"paid", order("tok_visa", "KB-1001"), "ACCEPTED RESERVED PAID COMPLETED", ""},
				{"declined", order("tok_declined", "KB-1001"), "ACCEPTED RESERVED REJECTED", "PaymentDeclined"},
				{"unknown sku", order("tok_visa", "NO-SUCH"), "ACCEPTED REJECTED", "UnknownSku"},
				{"out of stock", order("tok_visa", "RARE"), "ACCEPTED REJECTED", "OutOfStock"},
				{"flaky card", order("tok_flaky", "KB-1001"), "ACCEPTED RESERVED PAID COMPLETED", ""},
			} {
				t.Run(tt.name, func(t *testing.T) {
					o := w.settle(c, tt.body)
					if got := path(o); got != tt.path || o.Reason != tt.reason {
						t.Errorf("%s (%s), want %s (%s)", got, o.Reason, tt.path, tt.reason)
					}
				})
			}
			if left := w.available("KB-1001"); left != 1_000_000-2*2 {
				t.Errorf("%d left of KB-1001: the stock of orders that ended badly was not given back", left)
			}
			for _, f := range w.FunctionFigures() {
				t.Logf("%+v", f)
			}
		})
	}
}
