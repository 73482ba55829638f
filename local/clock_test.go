package local_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// running is the dev environment in real time.
func running(t *testing.T, o local.Options) *local.Stack {
	t.Helper()
	o.RealTime = true
	s, err := localapp.New("dev", o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = s.Run(ctx) // until stop
	}()
	t.Cleanup(func() {
		stop()
		<-ran
		s.Close()
	})
	return s
}

func TestTimeStandsStillWhilePaused(t *testing.T) {
	s := running(t, local.Options{})
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	at := s.Now()
	answered := make(chan error, 1)
	go func() { answered <- localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 7}) }()
	for !s.Step() { // until the call has come in
		time.Sleep(time.Millisecond)
	}
	if now := s.Now(); !now.After(at) {
		t.Errorf("after a step it is %s, as before", now)
	}
	at = s.Now()
	for {
		select {
		case err := <-answered:
			if err != nil {
				t.Error(err)
			}
		default:
			s.Step()
			continue
		}
		break
	}
	time.Sleep(5 * time.Millisecond)
	if now := s.Now(); now.Sub(at) > time.Second || !s.Paused() {
		t.Errorf("%s went by although time was paused", now.Sub(at))
	}
	at = s.Now()
	s.Resume()
	if s.Paused() {
		t.Error("paused after Resume")
	}
	for !s.Now().After(at) {
		time.Sleep(time.Millisecond)
		if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 8}); err != nil {
			t.Fatal(err)
		}
	}
	if behind := time.Since(s.Now()); behind < 0 {
		t.Errorf("the clock is %s ahead of the wall clock", -behind)
	}
}

func TestSkippedTimeStaysSkipped(t *testing.T) {
	s := running(t, local.Options{})
	s.Advance(time.Hour)
	if ahead := time.Until(s.Now()); ahead < 59*time.Minute {
		t.Errorf("after an hour was skipped the clock is %s ahead", ahead)
	}
	if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 7}); err != nil {
		t.Fatal(err)
	}
	if ahead := time.Until(s.Now()); ahead < 59*time.Minute || ahead > 61*time.Minute {
		t.Errorf("later the clock is %s ahead", ahead)
	}
}

// TestSkipToNext: an order goes its way by nothing but skipping.
func TestSkipToNext(t *testing.T) {
	s := running(t, local.Options{})
	if err := localapp.PutStock(s, localapp.StockLevel{SKU: "KB-1001", Available: 7}); err != nil {
		t.Fatal(err)
	}
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	if at, ok := s.SkipToNext(); ok {
		t.Errorf("nothing is going to happen, and yet something did at %s", at)
	}
	var events int
	stop := s.Observe(func(e local.Event) { events++ })
	defer stop()
	answered := make(chan *http.Response, 1)
	client := &http.Client{Transport: s.Transport()}
	go func() {
		res, err := client.Get(s.Outputs()["ApiUrl"] + "orders/1/status")
		if err != nil {
			t.Error(err)
		}
		answered <- res
	}()
	for {
		select {
		case res := <-answered:
			if res == nil || res.StatusCode != http.StatusUnauthorized {
				t.Errorf("answer: %+v", res)
			}
			_ = res.Body.Close()
			return
		default:
			s.SkipToNext()
		}
	}
}

func TestOnlyRealTimeIsPaused(t *testing.T) {
	s, err := localapp.New("dev", local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Pause(); err == nil {
		t.Error("virtual time was paused")
	}
}
