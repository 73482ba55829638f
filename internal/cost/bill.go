package cost

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local"
)

// Line is one line of a bill.
type Line struct {
	Service string `json:"service"`
	// Unit is what the price is for, Resource what used it: a logical id, or what was paid for; empty if it is all of them.
	Unit     string `json:"unit"`
	Resource string `json:"resource,omitempty"`
	// Meter is what was counted (see package local), Count how much of it: of a bill of orders, for a million of them; of an idle one, in a month.
	Meter string `json:"meter"`
	Count string `json:"count"`
	// Price is that of a Unit, USD what the line costs: of a bill of orders, those of a million orders; of an idle one, a month.
	Price string  `json:"price"`
	USD   float64 `json:"usd"`

	exact *big.Rat
	per   int64
}

// Quantity is how much was counted, for people: of what is priced by the million or the thousand each one, of the rest in the unit that the price is for.
func (l Line) Quantity() string {
	n, ok := new(big.Rat).SetString(l.Count)
	if !ok || l.Unit == "" {
		return l.Count
	}
	if l.Unit[0] >= '0' && l.Unit[0] <= '9' || l.per <= 1 {
		return grouped(n.FloatString(0))
	}
	return grouped(n.Quo(n, new(big.Rat).SetInt64(l.per)).FloatString(2))
}

// grouped is a number with commas at its thousands.
func grouped(number string) string {
	whole, rest, _ := strings.Cut(number, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		return whole + "." + rest
	}
	return whole
}

// million is what bills of orders are scaled to.
const million = 1_000_000

// orderBill is what orders cost, scaled to a million of them.
func orderBill(u local.Usage, prices *PriceTable, orders int) ([]Line, error) {
	type key struct{ id, resource string }
	counts := map[key]*big.Rat{}
	priced := map[key]*Price{}
	add := func(id, detail, resource string, n *big.Rat) error {
		p := prices.find(id, detail)
		if p == nil {
			return fmt.Errorf("there is no price of %s (%s)", id, detail)
		}
		k := key{p.ID, resource}
		if counts[k] == nil {
			counts[k], priced[k] = new(big.Rat), p
		}
		counts[k].Add(counts[k], n)
		return nil
	}
	for _, use := range u {
		n := new(big.Rat).SetInt64(use.Count)
		id, detail := string(use.Meter), use.Detail
		switch use.Meter {
		case local.StreamRecords, local.CustomMetrics:
			continue // free for Lambda; paid by the month
		case local.GatewayBytes, local.GraphQLBytes, local.HTTPBytes:
			id = "internet:bytes"
		case local.Deliveries:
			if detail == "sqs" || detail == "lambda" {
				continue // free
			}
		case local.Traces:
			if detail == local.TraceOther {
				n.Mul(n, big.NewRat(1, 20))
			}
		}
		if err := add(id, detail, use.Resource, n); err != nil {
			return nil, err
		}
	}
	scale := big.NewRat(million, int64(orders))
	var lines []Line
	for k, n := range counts {
		usd := priced[k].of(n)
		lines = append(lines, newLine(priced[k], k.resource, n.Mul(n, scale), usd.Mul(usd, scale)))
	}
	sortLines(lines)
	return lines, nil
}

func newLine(p *Price, resource string, count, usd *big.Rat) Line {
	f, _ := usd.Float64() // rounded, for readers; exact is what sums are made of
	return Line{Service: p.Service, Unit: p.Unit, Resource: resource, Meter: p.ID, Count: decimal(count, 2), Price: p.USD, USD: f, exact: usd, per: p.Per}
}

// decimal is a number with at most so many digits behind the point.
func decimal(n *big.Rat, digits int) string {
	if n.IsInt() {
		return n.RatString()
	}
	return n.FloatString(digits)
}

func sortLines(lines []Line) {
	slices.SortFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Meter, b.Meter), cmp.Compare(a.Resource, b.Resource))
	})
}

// sum is what lines cost.
func sum(lines []Line) *big.Rat {
	total := new(big.Rat)
	for _, l := range lines {
		total.Add(total, l.exact)
	}
	return total
}

// ByService is what lines cost by service, dearest first.
func ByService(lines []Line) []Line {
	totals := map[string]*big.Rat{}
	for _, l := range lines {
		if totals[l.Service] == nil {
			totals[l.Service] = new(big.Rat)
		}
		totals[l.Service].Add(totals[l.Service], l.exact)
	}
	var all []Line
	for service, usd := range totals {
		f, _ := usd.Float64()
		all = append(all, Line{Service: service, USD: f, exact: usd})
	}
	slices.SortFunc(all, func(a, b Line) int {
		return cmp.Or(b.exact.Cmp(a.exact), cmp.Compare(a.Service, b.Service))
	})
	return all
}

// ByMeter is lines added up over resources, dearest first.
func ByMeter(lines []Line) []Line {
	totals := map[string]*Line{}
	counts := map[string]*big.Rat{}
	for _, l := range lines {
		t := totals[l.Meter]
		n, _ := new(big.Rat).SetString(l.Count)
		if t == nil {
			t = &Line{Service: l.Service, Unit: l.Unit, Meter: l.Meter, Price: l.Price, exact: new(big.Rat), per: l.per}
			totals[l.Meter], counts[l.Meter] = t, new(big.Rat)
		}
		t.exact.Add(t.exact, l.exact)
		counts[l.Meter].Add(counts[l.Meter], n)
	}
	var all []Line
	for meter, t := range totals {
		t.USD, _ = t.exact.Float64()
		t.Count = decimal(counts[meter], 2)
		all = append(all, *t)
	}
	slices.SortFunc(all, func(a, b Line) int {
		return cmp.Or(b.exact.Cmp(a.exact), cmp.Compare(a.Meter, b.Meter))
	})
	return all
}
