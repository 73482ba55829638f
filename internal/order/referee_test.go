package order_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/order"
)

// The referee is Debian's package iso-codes (apt-get install iso-codes), which
// lags behind the standard: the differences below are those to version 4.15 and
// are tolerated in both directions, so that a newer one passes as well.
const isoCodes = "/usr/share/iso-codes/json/"

func codes(t *testing.T, file, list, member string) []string {
	t.Helper()
	b, err := os.ReadFile(isoCodes + file)
	if os.IsNotExist(err) {
		t.Skipf("no %s: install the Debian package iso-codes", isoCodes+file)
	}
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string][]map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, entry := range doc[list] {
		out = append(out, entry[member].(string))
	}
	slices.Sort(out)
	return out
}

func TestCurrenciesAgainstISOCodes(t *testing.T) {
	// Metals, funds, units of account, tests, no currency: no money to be charged.
	noMoney := []string{
		"BOV", "CHE", "CHW", "CLF", "COU", "MXV", "USN", "UYI", "UYW", "XAD", "XAG", "XAU", "XBA", "XBB",
		"XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", strings.Repeat("X", 3),
	}
	// Came or went after the referee's data were made.
	changed := []string{"ANG", "BGN", "CUC", "HRK", "SLL", "XCG", "ZWG", "ZWL"}
	without := func(codes []string) []string {
		return slices.DeleteFunc(codes, func(c string) bool {
			return slices.Contains(noMoney, c) || slices.Contains(changed, c)
		})
	}
	want := without(codes(t, "iso_4217.json", "4217", "alpha_3"))
	if diff := cmp.Diff(want, without(order.Currencies())); diff != "" {
		t.Errorf("(-iso-codes +ours)\n%s", diff)
	}
	for _, c := range noMoney {
		if slices.Contains(order.Currencies(), c) {
			t.Errorf("%s is accepted", c)
		}
	}
}

func TestCountriesAgainstISOCodes(t *testing.T) {
	if diff := cmp.Diff(codes(t, "iso_3166-1.json", "3166-1", "alpha_2"), order.Countries()); diff != "" {
		t.Errorf("(-iso-codes +ours)\n%s", diff)
	}
}
