package cost

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/order"
	"github.com/orderflow-cdk/orderflow/internal/payment"
)

// skus is how many there are in stock, each enough for every order.
const skus = 20

func sku(i int) string { return fmt.Sprintf("SKU-%04d", i) }

// outOfStock is a SKU of which there is none.
const outOfStock = "SKU-NONE"

func stock() []localapp.StockLevel {
	levels := make([]localapp.StockLevel, 0, skus+1)
	for i := range skus {
		levels = append(levels, localapp.StockLevel{SKU: sku(i), Available: 1 << 40})
	}
	return append(levels, localapp.StockLevel{SKU: outOfStock})
}

// What becomes of orders, in percent; the rest completes at the first attempt.
const (
	declinedPercent = 3
	soldOutPercent  = 1
	flakyPercent    = 1
)

// Mix is the orders' mix in words.
var Mix = fmt.Sprintf("%d %% complete, %d %% of them after two failed attempts to charge; %d %% are declined, %d %% are out of stock; 1 to 4 items",
	100-declinedPercent-soldOutPercent, flakyPercent, declinedPercent, soldOutPercent)

// body makes an order.
func body(r *rand.Rand) []byte {
	o := order.Order{
		Currency: "USD",
		Payment:  order.Payment{Method: order.MethodCard, Token: payment.TokenVisa},
		ShipTo:   order.Address{Name: "Grace Hopper", Line1: "1701 Pine Street", City: "Arlington", PostalCode: "22202", Country: "US"},
	}
	for range 1 + r.IntN(4) {
		o.Items = append(o.Items, order.Item{SKU: sku(r.IntN(skus)), Quantity: 1 + r.IntN(3), UnitPrice: int64(100 + r.IntN(20_000))})
	}
	switch n := r.IntN(100); {
	case n < declinedPercent:
		o.Payment.Token = payment.TokenDeclined
	case n < declinedPercent+soldOutPercent:
		o.Items[0].SKU = outOfStock
	case n < declinedPercent+soldOutPercent+flakyPercent:
		o.Payment.Token = payment.TokenFlaky
	}
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // texts and numbers
	}
	return b
}
