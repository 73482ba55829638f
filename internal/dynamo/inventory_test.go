package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/dynamo"
	"github.com/orderflow-cdk/orderflow/internal/order"
)

const key = "VA#1700000000000-abc-VA"

func now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC) }

// warehouse returns an inventory in which each of n SKUs, S000 and on, is there
// stock times.
func warehouse(n, stock int) (*dynamo.Inventory, *awstest.Server) {
	s := awstest.New()
	for i := range n {
		sku := fmt.Sprintf("S%03d", i)
		s.Items["inv/"+sku] = awstest.Item{"pk": awstest.S(sku), "available": awstest.N(stock)}
	}
	return &dynamo.Inventory{
		Client: dynamodb.NewFromConfig(s.Config()), Table: "inv", Now: now, Retention: 24 * time.Hour,
	}, s
}

func lines(n, quantity int) []dynamo.Line {
	out := make([]dynamo.Line, n)
	for i := range out {
		out[i] = dynamo.Line{SKU: fmt.Sprintf("S%03d", i), Quantity: quantity}
	}
	return out
}

// stock returns how many units all SKUs have together.
func stock(s *awstest.Server) int {
	total := 0
	for _, it := range s.Items {
		total += awstest.Number(it, "available")
	}
	return total
}

func TestLinesMergeSKUs(t *testing.T) {
	o := &order.Order{Items: []order.Item{{SKU: "B", Quantity: 1}, {SKU: "A", Quantity: 2}, {SKU: "B", Quantity: 1000}}}
	want := []dynamo.Line{{SKU: "A", Quantity: 2}, {SKU: "B", Quantity: 1001}}
	if diff := cmp.Diff(want, dynamo.Lines(o)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestReserveTakesOnceAndReleaseGivesBackOnce(t *testing.T) {
	for _, n := range []int{1, 99, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			inv, s := warehouse(n, 10)
			for range 3 {
				if err := inv.Reserve(t.Context(), key, lines(n, 4)); err != nil {
					t.Fatal(err)
				}
				if got := stock(s); got != n*6 {
					t.Fatalf("stock is %d, want %d", got, n*6)
				}
			}
			for i, want := range []int{4 * n, 0, 0} {
				got, err := inv.Release(t.Context(), key, lines(n, 4))
				if err != nil || got != want {
					t.Fatalf("release %d: %d units, %v; want %d", i, got, err, want)
				}
				if got := stock(s); got != n*10 {
					t.Fatalf("stock is %d, want %d", got, n*10)
				}
			}
			var late *dynamo.ReservationReleased
			if err := inv.Reserve(t.Context(), key, lines(n, 4)); !errors.As(err, &late) {
				t.Errorf("a reserve after the release: %v", err)
			}
			if got := stock(s); got != n*10 {
				t.Errorf("stock is %d after a late reserve, want %d", got, n*10)
			}
		})
	}
}

func TestReleaseBeforeReserve(t *testing.T) {
	for _, n := range []int{2, 100} {
		inv, s := warehouse(n, 10)
		if got, err := inv.Release(t.Context(), key, lines(n, 1)); err != nil || got != 0 {
			t.Fatalf("%d units, %v", got, err)
		}
		var late *dynamo.ReservationReleased
		if err := inv.Reserve(t.Context(), key, lines(n, 1)); !errors.As(err, &late) {
			t.Errorf("a reserve after the release: %v", err)
		}
		if got := stock(s); got != n*10 {
			t.Errorf("stock is %d, want %d", got, n*10)
		}
	}
}

func TestReserveTellsWhatIsWrong(t *testing.T) {
	inv, s := warehouse(3, 5)
	s.Items["inv/S001"]["available"] = awstest.N(1)
	tests := []struct {
		name  string
		lines []dynamo.Line
		want  error
	}{
		{"short", []dynamo.Line{{"S000", 5}, {"S001", 2}, {"S002", 6}}, &order.OutOfStock{Shortages: []order.Shortage{
			{SKU: "S001", Wanted: 2, Available: 1}, {SKU: "S002", Wanted: 6, Available: 5}}}},
		{"unknown", []dynamo.Line{{"A", 1}, {"S001", 2}, {"Z", 1}}, &order.UnknownSku{SKUs: []string{"A", "Z"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := inv.Reserve(t.Context(), key, test.lines)
			if diff := cmp.Diff(test.want, err); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got := stock(s); got != 11 || len(s.Items) != 3 {
				t.Errorf("stock is %d and there are %d items; nothing should have changed", got, len(s.Items))
			}
		})
	}
}

// The hundredth SKU takes a second transaction. When that one is turned down
// the first is undone, and repetitions, even after stock came, answer the same.
func TestReserveOf100UndoesItsFirstPart(t *testing.T) {
	inv, s := warehouse(100, 10)
	s.Items["inv/S099"]["available"] = awstest.N(3)
	want := &order.OutOfStock{Shortages: []order.Shortage{{SKU: "S099", Wanted: 4, Available: 3}}}
	for i := range 3 {
		if diff := cmp.Diff(error(want), inv.Reserve(t.Context(), key, lines(100, 4))); diff != "" {
			t.Fatalf("attempt %d (-want +got)\n%s", i, diff)
		}
		if got := stock(s); got != 993 {
			t.Fatalf("stock is %d, want 993", got)
		}
	}
	s.Items["inv/S099"]["available"] = awstest.N(10)
	if diff := cmp.Diff(error(want), inv.Reserve(t.Context(), key, lines(100, 4))); diff != "" {
		t.Errorf("after stock came (-want +got)\n%s", diff)
	}
	if got, err := inv.Release(t.Context(), key, lines(100, 4)); got != 0 || err != nil {
		t.Errorf("release: %d units, %v", got, err)
	}
	if got := stock(s); got != 1000 {
		t.Errorf("stock is %d, want 1000", got)
	}
}

func TestShip(t *testing.T) {
	inv, s := warehouse(1, 10)
	var none *dynamo.NotReserved
	if _, err := inv.Ship(t.Context(), key, "OF1"); !errors.As(err, &none) {
		t.Fatalf("without a reservation: %v", err)
	}
	if err := inv.Reserve(t.Context(), key, lines(1, 4)); err != nil {
		t.Fatal(err)
	}
	for _, offered := range []string{"OF1", "OF2"} {
		if got, err := inv.Ship(t.Context(), key, offered); err != nil || got != "OF1" {
			t.Errorf("Ship(%s) = %q, %v; want OF1", offered, got, err)
		}
	}
	if got, err := inv.Release(t.Context(), key, lines(1, 4)); err != nil || got != 4 {
		t.Errorf("releasing what ships: %d units, %v", got, err)
	}
	var gone *dynamo.ReservationReleased
	if _, err := inv.Ship(t.Context(), key, "OF1"); !errors.As(err, &gone) {
		t.Errorf("after the release: %v", err)
	}
	if got := stock(s); got != 10 {
		t.Errorf("stock is %d", got)
	}
}

func TestReservationRecord(t *testing.T) {
	inv, s := warehouse(2, 10)
	if err := inv.Reserve(t.Context(), key, lines(2, 4)); err != nil {
		t.Fatal(err)
	}
	want := awstest.Item{
		"pk": awstest.S("order#" + key), "state": awstest.S("HELD"), "at": awstest.S("2026-01-02T03:04:05.678Z"),
		"items":     map[string]any{"M": map[string]any{"S000": awstest.N(4), "S001": awstest.N(4)}},
		"expiresAt": awstest.N(int(now().Add(24 * time.Hour).Unix())),
	}
	if diff := cmp.Diff(want, s.Items["inv/order#"+key]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Whatever goes wrong between the calls, and in whichever order reserve, ship
// and release come and come again: when all is released no unit is lost or made.
func TestInventoryUnderFaults(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := []int{1, 3, 100, 120}[r.IntN(4)]
		inv, s := warehouse(n, 5)
		if r.IntN(3) == 0 {
			s.Items[fmt.Sprintf("inv/S%03d", n-1)]["available"] = awstest.N(1)
		}
		before := stock(s)
		s.Fault = func(int, string) awstest.Fault {
			return awstest.Fault(max(0, r.IntN(6)-3)) // two of three calls go well
		}
		for range 8 {
			switch r.IntN(4) {
			case 0:
				_, _ = inv.Release(context.Background(), key, lines(n, 2))
			case 1:
				_, _ = inv.Ship(context.Background(), key, "OF1")
			default:
				_ = inv.Reserve(context.Background(), key, lines(n, 2))
			}
			if now := stock(s); now > before {
				t.Fatalf("seed %d: %d units became %d", seed, before, now)
			}
		}
		s.Fault = nil
		if _, err := inv.Release(context.Background(), key, lines(n, 2)); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if after := stock(s); after != before {
			t.Fatalf("seed %d: %d units became %d", seed, before, after)
		}
	}
}

// Another invocation gets in between any two calls of one: whichever they
// are, the stock is whole once all is released, and nothing goes back twice.
func TestInventoryInterleaved(t *testing.T) {
	operations := map[string]func(*dynamo.Inventory, []dynamo.Line) error{
		"reserve": func(inv *dynamo.Inventory, l []dynamo.Line) error { return inv.Reserve(context.Background(), key, l) },
		"ship": func(inv *dynamo.Inventory, _ []dynamo.Line) error {
			_, err := inv.Ship(context.Background(), key, "OF1")
			return err
		},
		"release": func(inv *dynamo.Inventory, l []dynamo.Line) error {
			_, err := inv.Release(context.Background(), key, l)
			return err
		},
	}
	for first, one := range operations {
		for second, other := range operations {
			for _, reserved := range []bool{false, true} {
				for at := range 4 {
					t.Run(fmt.Sprintf("%s in %s before call %d, reserved %v", second, first, at, reserved), func(t *testing.T) {
						inv, s := warehouse(120, 5)
						if reserved {
							if err := inv.Reserve(t.Context(), key, lines(120, 2)); err != nil {
								t.Fatal(err)
							}
						}
						s.Calls = nil
						s.Fault = func(n int, _ string) awstest.Fault {
							if n == at {
								s.Fault = nil
								_ = other(inv, lines(120, 2)) // may be refused
							}
							return awstest.None
						}
						err := one(inv, lines(120, 2))
						s.Fault = nil
						if first == "release" && err != nil {
							t.Errorf("release: %v", err)
						}
						if now := stock(s); now > 600 {
							t.Errorf("600 units became %d", now)
						}
						if _, err := inv.Release(t.Context(), key, lines(120, 2)); err != nil {
							t.Fatal(err)
						}
						if now := stock(s); now != 600 {
							t.Errorf("600 units became %d", now)
						}
					})
				}
			}
		}
	}
}

func TestCountAttempt(t *testing.T) {
	inv, _ := warehouse(0, 0)
	for want := 1; want <= 3; want++ {
		if got, err := inv.CountAttempt(t.Context(), key); err != nil || got != want {
			t.Errorf("CountAttempt = %d, %v; want %d", got, err, want)
		}
	}
	if got, err := inv.CountAttempt(t.Context(), "other"); err != nil || got != 1 {
		t.Errorf("CountAttempt of another = %d, %v", got, err)
	}
}

func TestConflictsAreRetried(t *testing.T) {
	reason := func(codes ...string) error {
		e := &types.TransactionCanceledException{}
		for _, c := range codes {
			e.CancellationReasons = append(e.CancellationReasons, types.CancellationReason{Code: aws.String(c)})
		}
		return fmt.Errorf("call: %w", e)
	}
	tests := []struct {
		err  error
		want bool
	}{
		{reason("None", "TransactionConflict"), true},
		{reason("ThrottlingError", "None"), true},
		{reason("ConditionalCheckFailed", "TransactionConflict"), false},
		{reason("None", "ConditionalCheckFailed"), false},
		{reason(), false},
		{errors.New("else"), false},
	}
	var o dynamodb.Options
	o.Retryer = aws.NopRetryer{}
	dynamo.RetryConflicts(&o)
	for _, test := range tests {
		if got := o.Retryer.IsErrorRetryable(test.err); got != test.want {
			t.Errorf("retry %v: %v, want %v", test.err, got, test.want)
		}
	}
}
