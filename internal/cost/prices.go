package cost

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math/big"
	"time"
)

//go:embed prices.json
var pricesJSON []byte

// Price is what one unit costs.
type Price struct {
	// ID is a meter of package local, with "/detail" where the price hangs on it, or the name of something that is paid by the month.
	ID string `json:"id"`
	// Service is AWS's name of the service, Unit what the price is for, in words: "1,000,000 requests".
	Service string `json:"service"`
	Unit    string `json:"unit"`
	// USD is the price of Per units as they are counted, as a decimal number.
	USD string `json:"usd"`
	Per int64  `json:"per"`
	// Source is where the price was read, Date when that said so (YYYY-MM-DD). Confirmed by is another place that says the same.
	Source string `json:"source"`
	Date   string `json:"date"`
	// Note is what has to be known about the unit.
	Note string `json:"note,omitempty"`
}

// PriceTable is the prices of a region.
type PriceTable struct {
	Region string `json:"region"`
	// AsOf is the date of the youngest source, Note what holds for all of them.
	AsOf   string  `json:"asOf"`
	Note   string  `json:"note"`
	Prices []Price `json:"prices"`

	byID map[string]*Price
}

// Prices is the table that comes with orderflow.
func Prices() (*PriceTable, error) { return ReadPrices(pricesJSON) }

// ReadPrices reads a table and checks it.
func ReadPrices(b []byte) (*PriceTable, error) {
	t := &PriceTable{byID: map[string]*Price{}}
	if err := json.Unmarshal(b, t); err != nil {
		return nil, fmt.Errorf("price table: %w", err)
	}
	for i := range t.Prices {
		p := &t.Prices[i]
		if _, err := p.each(); err != nil {
			return nil, fmt.Errorf("price table: %s: %w", p.ID, err)
		}
		if _, err := time.Parse(time.DateOnly, p.Date); err != nil || p.Source == "" {
			return nil, fmt.Errorf("price table: %s: a source and its date are required, got %q and %q", p.ID, p.Source, p.Date)
		}
		if t.byID[p.ID] != nil {
			return nil, fmt.Errorf("price table: %s is there twice", p.ID)
		}
		t.byID[p.ID] = p
	}
	return t, nil
}

// each is the price of one unit as it is counted.
func (p *Price) each() (*big.Rat, error) {
	usd, ok := new(big.Rat).SetString(p.USD)
	if !ok || usd.Sign() < 0 || p.Per < 1 {
		return nil, fmt.Errorf("usd must be a number and per at least 1, got %q and %d", p.USD, p.Per)
	}
	return usd.Quo(usd, new(big.Rat).SetInt64(p.Per)), nil
}

// of is the price of a number of units.
func (p *Price) of(count *big.Rat) *big.Rat {
	each, err := p.each()
	if err != nil {
		panic(err) // ReadPrices has checked it
	}
	return each.Mul(each, count)
}

// find is the price of a meter with a detail: that of the detail, or that of all.
func (t *PriceTable) find(id, detail string) *Price {
	if p := t.byID[id+"/"+detail]; p != nil {
		return p
	}
	return t.byID[id]
}
