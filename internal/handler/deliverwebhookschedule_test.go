package handler_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

func TestWaitIsAboutTheAge(t *testing.T) {
	for age, want := range map[time.Duration]time.Duration{
		-time.Hour: 5 * time.Second, 0: 5 * time.Second, 4 * time.Second: 5 * time.Second, time.Minute: time.Minute, 5 * time.Hour: 5 * time.Hour,
		9 * time.Hour: 8 * time.Hour, 72 * time.Hour: 8 * time.Hour,
	} {
		for chance, part := range map[float64]float64{0: 0.8, 0.5: 1, 0.9999: 1.2} {
			got, exact := handler.Wait(age, chance), time.Duration(float64(want)*part)
			if d := got - exact; d < -want/100 || d > want/100 {
				t.Errorf("at %v by chance %v: %v, want %v", age, chance, got, exact)
			}
		}
	}
}

func TestPauses(t *testing.T) {
	const s, m = time.Second, time.Minute
	tests := []struct {
		n                 int64
		down              bool
		after, took, want time.Duration
	}{
		{1, false, 0, 0, 0}, {2, false, 0, 0, 0}, {3, false, 0, 0, 20 * s}, {1, true, 0, 0, 5 * s}, {2, true, 0, 0, 10 * s},
		{7, true, 0, 0, 320 * s}, {8, true, 0, 0, 10 * m}, {1000, true, 0, 0, 10 * m}, {1, true, 0, 15 * s, m}, {5, true, 0, 15 * s, 80 * s},
		{1, false, 2 * m, 0, 2 * m}, {8, true, 2 * m, 0, 10 * m}, {1, true, 1000 * time.Hour, 0, 8 * time.Hour},
	}
	for _, test := range tests {
		for _, chance := range []float64{0, 0.999} {
			got := handler.Pause(test.n, test.down, test.after, test.took, chance)
			if got < test.want || got > test.want*6/5 {
				t.Errorf("%+v by chance %v: %v", test, chance, got)
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, " 7 ": 7 * time.Second, "-5": 0, "1.5": 0, "soon": 0, "+5": 0, "99999999999999999999": year,
		"Mon, 24 Nov 2025 16:01:05 GMT": 59*time.Second + 750*time.Millisecond, "Monday, 24-Nov-25 16:01:05 GMT": 59*time.Second + 750*time.Millisecond,
		"Mon Nov 24 16:01:05 2025": 59*time.Second + 750*time.Millisecond, "Mon, 24 Nov 2024 16:01:05 GMT": 0, "Mon, 24 Nov 2125 16:01:05 GMT": year,
	} {
		if got := handler.RetryAfter(value, now()); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "120", "Mon, 24 Nov 2025 16:01:05 GMT", "9223372036854775808", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d := handler.RetryAfter(s, now()); d < 0 || d > 365*24*time.Hour {
			t.Errorf("%q: %v", s, d)
		}
	})
}

// One delivery to an endpoint that always fails: its whole life.
func TestDeliverOverThreeDays(t *testing.T) {
	for name, fail := range map[string]func(*outpost){
		"500":     func(o *outpost) { o.answers(500) },
		"503":     func(o *outpost) { o.answers(503) },
		"silence": (*outpost).silent,
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutpost(t)
			o.endpoint("we_a")
			m := o.enqueue("we_a", paidEvent(eventID))
			fail(o)
			receives := o.run(now().Add(30 * 24 * time.Hour))
			if len(o.posts) < 15 || len(o.posts) > 30 || receives > 40 {
				t.Errorf("%d attempts, %d receives", len(o.posts), receives)
			}
			for i, p := range o.posts {
				if p.header.Get("webhook-id") != eventID || p.header.Get("webhook-timestamp") != fmt.Sprint(p.at.Unix()) {
					t.Errorf("attempt %d: id %s at %s", i, p.header.Get("webhook-id"), p.header.Get("webhook-timestamp"))
				}
				if i == 0 {
					continue
				}
				gap, age := p.at.Sub(o.posts[i-1].at), o.posts[i-1].at.Sub(m.SentAt)
				least := min(max(age*8/10, 5*time.Second), 8*time.Hour*8/10)
				if left := m.SentAt.Add(handler.MaxAge).Sub(o.posts[i-1].at); left < least {
					least = min(least, left-20*time.Second)
				}
				if gap < least || gap > 10*time.Hour {
					t.Errorf("attempt %d after %v at an age of %v, want at least %v", i, gap, age, least)
				}
			}
			lastAge := o.posts[len(o.posts)-1].at.Sub(m.SentAt)
			if lastAge < handler.MaxAge || lastAge > handler.MaxAge+time.Minute {
				t.Errorf("the last attempt is at an age of %v", lastAge)
			}
			t.Logf("%d attempts, %d receives", len(o.posts), receives)
			if left := len(o.Queues[deliveries]); left != 0 || len(o.Queues[deadLetters]) != 1 {
				t.Fatalf("%d left, %d dead letters", left, len(o.Queues[deadLetters]))
			}
			if !strings.Contains(o.reason(0), "72h0m0s") && !strings.Contains(o.reason(0), "Failing") {
				t.Errorf("reason %s", o.reason(0))
			}
		})
	}
}

// Three days of nothing but failure disable an endpoint; a success in between is enough
// to keep it.
func TestDeliverDisablesAfterThreeDays(t *testing.T) {
	for success, want := range map[bool]string{false: "Failing", true: ""} {
		o := newOutpost(t)
		o.endpoint("we_a")
		o.answers(500)
		for hour := range 100 {
			o.enqueue("we_a", paidEvent(fmt.Sprintf("a:%d", hour+1)))
			if success && hour == 50 {
				o.answers(200)
			}
			o.run(o.clock.Add(30 * time.Minute))
			o.answers(500)
			o.run(o.clock.Add(30 * time.Minute))
		}
		if got := awstest.Text(o.state("we_a"), "disabledReason"); got != want {
			t.Errorf("with a success %v: disabled because %q, want %q", success, got, want)
		}
		if n := strings.Count(o.log.String(), `"EndpointsDisabled":1`); n != len(want)/len("Failing") {
			t.Errorf("counted %d times", n)
		}
		if !success {
			o.run(o.clock.Add(handler.MaxAge))
			if len(o.Queues[deliveries]) != 0 || !strings.Contains(o.reason(len(o.Queues[deadLetters])-1), "Failing") {
				t.Errorf("%d left, last reason %s", len(o.Queues[deliveries]), o.reason(0))
			}
		}
	}
}

// Hundreds of deliveries wait for an endpoint that does not answer: one at a time tries it, and
// when it is back, all come within a while.
func TestDeliverToASilentEndpointIsRare(t *testing.T) {
	o := newOutpost(t)
	o.endpoint("we_a")
	o.silent()
	const n = 300
	for i := range n {
		o.enqueue("we_a", paidEvent(fmt.Sprintf("a:%d", i+1)))
	}
	receives := o.run(now().Add(2 * time.Hour))
	// 1 + 2 + 4 … minutes at first, then every 10 to 12 minutes.
	if len(o.posts) > 30 || len(o.posts) < 10 {
		t.Errorf("%d attempts in two hours", len(o.posts))
	}
	for i := 1; i < len(o.posts); i++ {
		if gap := o.posts[i].at.Sub(o.posts[i-1].at); i > 10 && gap < time.Minute {
			t.Errorf("attempt %d only %v after the one before", i, gap)
		}
	}
	if receives > 40*n {
		t.Errorf("%d receives", receives)
	}
	silent := len(o.posts)
	o.answers(200)
	o.run(o.clock.Add(2 * time.Hour))
	if len(o.Queues[deliveries]) != 0 || len(o.posts) != silent+n {
		t.Errorf("after it is back: %d left, %d attempts", len(o.Queues[deliveries]), len(o.posts)-silent)
	}
	t.Logf("%d attempts and %d receives in two hours of silence", silent, receives)
}

// Retry-After holds for all of the endpoint's deliveries, and for no other endpoint.
func TestDeliverRespectsRetryAfterForTheEndpoint(t *testing.T) {
	o := newOutpost(t)
	o.endpoint("we_a")
	o.endpoint("we_b")
	for i := range 5 {
		o.enqueue("we_a", paidEvent(fmt.Sprintf("a:%d", i+1)))
	}
	o.answer = func(p post) (*http.Response, error) {
		if strings.Contains(p.url, "we_b") || p.at.Sub(now()) >= 10*time.Minute {
			return status(200), nil
		}
		return status(429, "Retry-After", "600"), nil
	}
	o.receive()
	first := len(o.posts)
	for i := range 20 {
		o.enqueue([]string{"we_a", "we_b"}[i%2], paidEvent(fmt.Sprintf("b:%d", i+1)))
	}
	o.run(now().Add(10 * time.Minute))
	if got := len(o.posts) - first; got != 10 {
		t.Errorf("%d attempts within the ten minutes, want those to the other endpoint", got)
	}
	o.run(now().Add(time.Hour))
	if len(o.Queues[deliveries]) != 0 {
		t.Errorf("%d are left", len(o.Queues[deliveries]))
	}
}

// The same messages have the same waits in every run.
func TestDeliverRepeats(t *testing.T) {
	var before string
	for range 2 {
		o := newOutpost(t)
		o.endpoint("we_a")
		o.answers(503)
		for i := range 3 {
			o.enqueue("we_a", paidEvent(fmt.Sprintf("a:%d", i+1)))
		}
		o.run(now().Add(24 * time.Hour))
		var times []string
		for _, p := range o.posts {
			times = append(times, p.at.String())
		}
		if got := strings.Join(times, "\n"); before == "" {
			before = got
		} else if got != before {
			t.Errorf("first\n%s\nthen\n%s", before, got)
		}
	}
}

// A table that cannot be read for two days and a half: SQS gives up on a message after 1000 receives, so that
// they must not be used up before the three days are over.
func TestDeliverSitsOutAnOutageOfTheTable(t *testing.T) {
	for name, endpoint := range map[string]string{"an event": "", "a delivery": "we_a"} {
		t.Run(name, func(t *testing.T) {
			o := newOutpost(t)
			o.endpoint("we_a")
			o.enqueue(endpoint, paidEvent(eventID))
			o.Fault = func(_ int, action string) awstest.Fault {
				if action == "BatchGetItem" || action == "Query" {
					return awstest.Refuse
				}
				return awstest.None
			}
			if receives := o.run(now().Add(time.Minute)); receives < 3 {
				t.Errorf("%d receives in the first minute", receives)
			}
			o.run(now().Add(60 * time.Hour))
			if n := o.Queues[deliveries][0].Receives; n > 600 {
				t.Errorf("%d receives, SQS allows 1000", n)
			}
			o.Fault = nil
			if o.run(now().Add(60*time.Hour + 15*time.Minute)); len(o.posts) != 1 || len(o.Queues[deliveries]) != 0 {
				t.Errorf("%d posts, %d messages left", len(o.posts), len(o.Queues[deliveries]))
			}
		})
	}
}
