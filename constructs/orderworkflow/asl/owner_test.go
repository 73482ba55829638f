package asl_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// startAgain starts another execution of the order, without letting anything happen.
func (r *rig) startAgain() string {
	r.t.Helper()
	return r.do("states", "StartExecution", map[string]any{
		"stateMachineArn": r.stack.Outputs()["Machine"], "name": "o-1", "input": fmt.Sprintf(`{"pk":%q,"order":{}}`, pk),
	})["executionArn"].(string)
}

// An order of an Express workflow may be started more than once, at the same time too. What is done is done once all the same, and
// an execution that fails undoes only what it did itself.
func TestOneOfSeveralExpressExecutionsDoesTheWork(t *testing.T) {
	down := fails(Unavailable{errors.New("no answer")})
	for _, tt := range []struct {
		name   string
		behave map[string]func(*call) (any, error)
		want   outcome
	}{
		{"all is well", nil, outcome{Path: "ACCEPTED RESERVED PAID COMPLETED", Calls: "RunReserve RunCharge RunShip"}},
		{"a step is down", map[string]func(*call) (any, error){"RunShip": down}, outcome{
			Path: "ACCEPTED RESERVED PAID FAILED", Reason: "Unavailable", Detail: "no answer", Calls: "RunReserve RunCharge RunShip×3 UndoCharge UndoReserve",
		}},
		{"a step is down at first", map[string]func(*call) (any, error){"RunCharge": func(c *call) (any, error) {
			if c.attempt < 4 {
				return down(c)
			}
			return map[string]any{}, nil
		}}, outcome{Path: "ACCEPTED RESERVED FAILED", Reason: "Unavailable", Detail: "no answer", Calls: "RunReserve RunCharge×3 UndoCharge UndoReserve"}},
	} {
		for _, apart := range []time.Duration{0, time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second, 4 * time.Minute} {
			t.Run(fmt.Sprint(tt.name, ", ", apart), func(t *testing.T) {
				r := run(t, express(), tt.behave)
				r.record("ACCEPTED", nil)
				for range 3 {
					r.startAgain()
					r.stack.Advance(apart)
				}
				r.stack.RunUntilIdle(time.Hour)
				if diff := cmp.Diff(tt.want, r.outcome(":express:")); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// An execution that vanished leaves its mark. As long as it could still be there the order is left alone, after that it is taken over.
func TestAnExpressOrderIsTakenOver(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // when the stack of a test begins
	owned := func(ago time.Duration, extra map[string]any) map[string]any {
		item := map[string]any{"owner": s("another"), "ownedAt": map[string]any{"N": strconv.FormatInt(now.Add(-ago).UnixMilli(), 10)}}
		for k, v := range extra {
			item[k] = v
		}
		return item
	}
	cancelled := map[string]any{"cancelRequested": map[string]any{"BOOL": true}}
	const asked = "the client asked to cancel the order"
	for _, tt := range []struct {
		name, status string
		extra        map[string]any
		want         outcome
	}{
		{"another works on it", "ACCEPTED", owned(5*time.Minute+20*time.Second, nil), outcome{Path: "ACCEPTED"}},
		{"another works on it further on", "PAID", owned(0, nil), outcome{Path: "PAID"}},
		{"another works on it and is to cancel it", "RESERVED", owned(time.Second, cancelled), outcome{Path: "RESERVED"}},
		{"another is ahead of the clock", "ACCEPTED", owned(-time.Minute, nil), outcome{Path: "ACCEPTED"}},
		{"another is gone", "ACCEPTED", owned(5*time.Minute+40*time.Second, nil), outcome{Path: "ACCEPTED RESERVED PAID COMPLETED", Calls: "RunReserve RunCharge RunShip"}},
		{"another is gone, further on", "PAID", owned(time.Hour, map[string]any{"results": map[string]any{"M": map[string]any{}}}),
			outcome{Path: "PAID COMPLETED", Calls: "RunReserve RunCharge RunShip"}},
		{"another is gone and was to cancel it", "RESERVED", owned(time.Hour, cancelled), outcome{
			Path: "RESERVED CANCELLED", Reason: "CancelRequested", Detail: asked, Calls: "UndoCharge UndoReserve",
		}},
		{"nobody began and it is cancelled", "ACCEPTED", cancelled, outcome{Path: "ACCEPTED CANCELLED", Reason: "CancelRequested", Detail: asked}},
		{"another is gone and had ended it", "COMPLETED", owned(time.Hour, nil), outcome{Path: "COMPLETED"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := run(t, express(), nil)
			r.record(tt.status, tt.extra)
			r.startAgain()
			r.stack.RunUntilIdle(time.Hour)
			if diff := cmp.Diff(tt.want, r.outcome(":express:")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A compensation that is down for longer than an execution lasts is tried again by the next one, as long as a Standard workflow would.
func TestAnExpressOrderIsUndoneByTheNextExecution(t *testing.T) {
	down := Unavailable{errors.New("no answer")}
	for _, tt := range []struct {
		name string
		down time.Duration // the compensation of the payment
		want outcome
	}{
		{"for a minute", time.Minute, outcome{Path: "ACCEPTED RESERVED PAID FAILED", Reason: "Unavailable", Detail: "no answer"}},
		{"for ten minutes", 10 * time.Minute, outcome{Path: "ACCEPTED RESERVED PAID FAILED", Reason: "Unavailable", Detail: "no answer"}},
		{"for good", 1000 * time.Hour, outcome{
			Path: "ACCEPTED RESERVED PAID FAILED", Reason: "CompensationFailed", Detail: "Undo Charge: Unavailable: no answer; after Unavailable: no answer",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r *rig
			var began time.Time
			undone := map[string]int{}
			r = run(t, express(), map[string]func(*call) (any, error){
				"RunShip": fails(down),
				"UndoCharge": func(*call) (any, error) {
					if r.stack.Now().Sub(began) < tt.down {
						return nil, down
					}
					undone["charge"]++
					return map[string]any{}, nil
				},
				"UndoReserve": func(*call) (any, error) {
					undone["reserve"]++
					return map[string]any{}, nil
				},
			})
			began = r.stack.Now()
			r.record("ACCEPTED", nil)
			r.startAgain()
			for range 20 { // somebody starts it again and again meanwhile
				r.stack.Advance(time.Minute)
				r.startAgain()
			}
			r.stack.RunUntilIdle(2 * time.Hour)
			got := r.outcome(":express:")
			got.Calls = ""
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			want := map[string]int{"charge": 1, "reserve": 1}
			if tt.want.Reason == "CompensationFailed" {
				delete(want, "charge")
			}
			if diff := cmp.Diff(want, undone); diff != "" {
				t.Errorf("undone %s", diff)
			}
			if tries := len(r.calls); tt.down > time.Hour && tries < 30 {
				t.Errorf("given up after %d calls", tries)
			}
		})
	}
}
