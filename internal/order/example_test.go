package order_test

import (
	"errors"
	"fmt"

	"github.com/orderflow-cdk/orderflow/internal/order"
)

func ExampleParse() {
	_, err := order.Parse([]byte(`{"currency":"EUR","items":[{"sku":"KB-1001","quantity":0,"unitPrice":49.90}],
		"payment":{"method":"card","token":"tok_visa"},"shipTo":"the usual place"}`))
	var invalid *order.InvalidOrder
	if errors.As(err, &invalid) {
		for _, p := range invalid.Problems {
			fmt.Println(p)
		}
	}
	// Output:
	// /items/0/quantity: must be 1 to 1000
	// /items/0/unitPrice: must be an integer, is a fraction
	// /shipTo: must be an object, is a string
}

func ExampleRecordedPredecessors() {
	fmt.Println(order.RecordedPredecessors(order.Rejected))
	// Output: [ACCEPTED RESERVED]
}
