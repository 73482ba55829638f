package local_test

import (
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

func TestFaultsThatAreNotValid(t *testing.T) {
	s, err := localapp.New("dev", local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.SetFaults(local.Fault{Target: "charge", Kind: local.Throttle}); err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]local.Fault{
		"Target is missing":                    {Kind: local.Throttle},
		`Kind "explode" is none of [throttle`:  {Target: "charge", Kind: "explode"},
		"Delay must be positive":               {Target: "charge", Kind: local.Slow},
		"between 0 and 1, got 1.5":             {Target: "charge", Kind: local.Throttle, Probability: 1.5},
		"not be negative, got -1":              {Target: "charge", Kind: local.Throttle, Times: -1},
		`is no pattern`:                        {Target: "sqs:[", Kind: local.Throttle},
		`no function with the Handler "chrge"`: {Target: "chrge", Kind: local.Throttle},
	} {
		err := s.SetFaults(f)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", f, err, want)
		}
	}
	if got := s.Faults(); len(got) != 1 || got[0].Target != "charge" || got[0].Name != "charge throttle" {
		t.Errorf("after faults that are not valid there are %+v", got)
	}
}

// A fault that stays as it is goes on counting when others come and go: it is not to happen once more.
func TestFaultsThatStayKeepTheirCount(t *testing.T) {
	s, err := localapp.New("dev", local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	set := func(all ...local.Fault) {
		t.Helper()
		if err := s.SetFaults(all...); err != nil {
			t.Fatal(err)
		}
	}
	once := local.Fault{Name: "once", Target: "dynamodb:Put*", Kind: local.Throttle, Times: 1}
	other := local.Fault{Name: "other", Target: "charge", Kind: local.Throttle}
	put := func() error { return localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 7}) }
	set(once)
	if err := put(); err == nil {
		t.Fatal("the call was not throttled")
	}
	set(other, once)
	if err := put(); err != nil {
		t.Errorf("throttled once more after another fault was set: %v", err)
	}
	if got := s.Faults(); got[0].Happened != 0 || got[1].Happened != 1 {
		t.Errorf("counts: %d and %d, want 0 and 1", got[0].Happened, got[1].Happened)
	}
	twice := once
	twice.Times = 2
	set(twice)
	if got := s.Faults(); got[0].Happened != 0 {
		t.Errorf("a fault that was changed happened %d times", got[0].Happened)
	}
	set()
	set(once)
	if err := put(); err == nil {
		t.Error("a fault that was removed and set again did not happen")
	}
}

func TestFaultsOfCalls(t *testing.T) {
	put := func(s *local.Stack) error {
		return localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 7})
	}
	stock := func(t *testing.T, s *local.Stack) bool {
		t.Helper()
		out, err := s.Inspect("dynamodb", "Scan", []byte(`{"TableName":"`+s.Outputs()["InventoryTableName"]+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(out), "KB-1001")
	}
	for _, c := range []struct {
		name   string
		fault  local.Fault
		err    string
		effect bool
	}{
		{"throttled", local.Fault{Kind: local.Throttle}, "ThrottlingException", false},
		{"an error", local.Fault{Kind: local.FailWith, ErrorName: "InternalServerError", Message: "no luck"}, "InternalServerError: no luck", false},
		{"lost before", local.Fault{Kind: local.CrashBefore}, "The answer was lost", false},
		{"lost after", local.Fault{Kind: local.CrashAfter}, "The answer was lost", true},
		{"twice", local.Fault{Kind: local.Duplicate}, "", true},
		{"slow", local.Fault{Kind: local.Slow, Delay: time.Minute}, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var calls, faults int
			s, err := localapp.New("dev", local.Options{OnEvent: func(e local.Event) {
				switch e.Kind {
				case local.EventCall:
					calls++
				case local.EventFault:
					faults++
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			c.fault.Target, c.fault.Times = "dynamodb:Put*", 1
			if err := s.SetFaults(c.fault); err != nil {
				t.Fatal(err)
			}
			begun := s.Now()
			err = put(s)
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			if got := stock(t, s); got != c.effect {
				t.Errorf("effect: %v, want %v", got, c.effect)
			}
			if took := s.Now().Sub(begun); (took >= time.Minute) != (c.fault.Kind == local.Slow) {
				t.Errorf("it took %s", took)
			}
			if got := s.Faults()[0].Happened; got != 1 || faults != 1 || calls != 1 {
				t.Errorf("it happened %d times, %d faults and %d calls were told of", got, faults, calls)
			}
			if err := put(s); err != nil {
				t.Errorf("once it is over: %v", err)
			}
		})
	}
}
