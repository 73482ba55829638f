package cost_test

import (
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/cost"
)

func TestPrices(t *testing.T) {
	table, err := cost.Prices()
	if err != nil {
		t.Fatal(err)
	}
	latest := ""
	for _, p := range table.Prices {
		if p.Service == "" || p.Unit == "" || !strings.HasPrefix(p.Source, "https://") {
			t.Errorf("%s: service %q, unit %q, source %q", p.ID, p.Service, p.Unit, p.Source)
		}
		latest = max(latest, p.Date)
	}
	if table.AsOf != latest {
		t.Errorf("the table is as of %s, its youngest source of %s", table.AsOf, latest)
	}
}

func TestPricesThatAreWrong(t *testing.T) {
	const good = `{"id":"a","usd":"0.1","per":1,"source":"s","date":"2026-01-01"}`
	for name, prices := range map[string]string{
		"no number":   `{"id":"a","usd":"free","per":1,"source":"s","date":"2026-01-01"}`,
		"negative":    `{"id":"a","usd":"-1","per":1,"source":"s","date":"2026-01-01"}`,
		"for nothing": `{"id":"a","usd":"1","per":0,"source":"s","date":"2026-01-01"}`,
		"no source":   `{"id":"a","usd":"1","per":1,"date":"2026-01-01"}`,
		"no date":     `{"id":"a","usd":"1","per":1,"source":"s","date":"lately"}`,
		"twice":       good + "," + good,
	} {
		if _, err := cost.ReadPrices([]byte(`{"prices":[` + prices + `]}`)); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	if _, err := cost.ReadPrices([]byte(`{"prices":[` + good + `]}`)); err != nil {
		t.Error(err)
	}
}
