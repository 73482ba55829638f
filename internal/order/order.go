package order

// Order is what a client submits. Its JSON form is the request body; prices
// are integers in the currency's minor unit.
type Order struct {
	// Currency is an active ISO 4217 code: three capital letters.
	Currency string `json:"currency"`
	// Items are 1 to MaxItems lines. A SKU may appear in several of them.
	Items   []Item  `json:"items"`
	Payment Payment `json:"payment"`
	ShipTo  Address `json:"shipTo"`
	// Notes is free text of up to MaxNotes characters; "" where there is none.
	Notes string `json:"notes,omitempty"`
}

// Item is one line of an order.
type Item struct {
	SKU       string `json:"sku"`
	Quantity  int    `json:"quantity"`  // 1 to MaxQuantity
	UnitPrice int64  `json:"unitPrice"` // minor units, 0 to MaxUnitPrice
}

// Payment says how the order is to be paid.
type Payment struct {
	Method string `json:"method"` // MethodCard
	// Token stands for a card at the payment provider. It must not be logged.
	Token string `json:"token"`
}

// MethodCard is the only method of payment.
const MethodCard = "card"

// Address is where the order goes.
type Address struct {
	Name       string `json:"name"`
	Line1      string `json:"line1"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city"`
	PostalCode string `json:"postalCode"`
	Region     string `json:"region,omitempty"` // state, province or prefecture, where addresses have one
	Country    string `json:"country"`          // ISO 3166-1 alpha-2
}

// Limits of an order. With them the total is at most
// MaxItems × MaxQuantity × MaxUnitPrice = 10^14 minor units, which fits an
// int64 and is exact in a float64 (2^53) as well, the only number that the
// workflow's expression language has.
const (
	MaxItems     = 100
	MaxQuantity  = 1000
	MaxUnitPrice = 1_000_000_000

	// In characters (Unicode code points), as JSON Schema's maxLength counts.
	MaxToken      = 255
	MaxName       = 200
	MaxLine       = 200
	MaxCity       = 100
	MaxPostalCode = 20
	MaxRegion     = 100
	MaxNotes      = 300_000
)

// MaxBodyBytes is the largest body, in bytes, that can be recorded: an item of
// DynamoDB holds 400 KiB (Service quotas, "Item size"), of which 16 KiB are
// kept for keys and the other attributes. The queue may allow less, and refuses
// what is larger before it is accepted.
const MaxBodyBytes = 384 << 10

// SKUPattern is what a SKU looks like. It has no '#', so that a SKU can share
// a key space with composite keys. It means the same in Go's and in ECMA 262's regular expressions.
const SKUPattern = `^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`

// Total is the sum of quantity × unit price over all items, in minor units.
func (o *Order) Total() int64 {
	var total int64
	for _, i := range o.Items {
		total += int64(i.Quantity) * i.UnitPrice
	}
	return total
}

// Compact returns the order without its notes: what a workflow needs, and
// within what it can carry (256 KiB of state) for every valid order.
func (o *Order) Compact() *Order {
	c := *o
	c.Notes = ""
	return &c
}
