package states_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/durable/durabletest"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// orders is a state machine of everything that an execution can wait for. What each of its steps does
// follows from the input and from the number of the retry.
const orders = `{"QueryLanguage":"JSONata","StartAt":"Begin","TimeoutSeconds":3000,"States":{
"Begin":{"Type":"Wait","Seconds":"{% $states.input.n %}","Assign":{"n":"{% $states.input.n %}"},"Next":"Split"},
"Split":{"Type":"Parallel","Next":"Nest","Catch":[{"ErrorEquals":["Refused"],"Next":"Refused","Output":"{% $states.errorOutput.Error %}"}],"Branches":[
 {"StartAt":"Charge","States":{
  "Charge":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"charge","Payload":{"n":"{% $n %}","retry":"{% $states.context.State.RetryCount %}"}},
   "TimeoutSeconds":600,
   "Retry":[{"ErrorEquals":["Flaky"],"IntervalSeconds":2,"MaxAttempts":3,"BackoffRate":2}],
   "Catch":[{"ErrorEquals":["Hard"],"Next":"Refund","Assign":{"charged":-1}}],
   "Assign":{"charged":"{% $states.result.Payload.v %}"},"Output":"{% $states.result.Payload %}","Next":"Pause"},
  "Pause":{"Type":"Wait","Seconds":"{% $charged %}","Next":"Charged"},
  "Charged":{"Type":"Pass","Output":{"charged":"{% $charged %}","of":"{% $n %}"},"End":true},
  "Refund":{"Type":"Pass","Output":{"refunded":"{% $charged %}"},"End":true}}},
 {"StartAt":"Approve","States":{
  "Approve":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","Arguments":{"QueueUrl":"q","MessageBody":{"token":"{% $states.context.Task.Token %}","n":"{% $n %}"}},
   "HeartbeatSeconds":20,"TimeoutSeconds":100,"Catch":[{"ErrorEquals":["States.HeartbeatTimeout","No"],"Next":"Unapproved","Output":"{% $states.errorOutput.Error %}"}],"End":true},
  "Unapproved":{"Type":"Pass","End":true}}},
 {"StartAt":"Each","States":{
  "Each":{"Type":"Map","Items":"{% [1..$n] %}","MaxConcurrency":2,"ToleratedFailureCount":3,"ItemSelector":{"i":"{% $states.context.Map.Item.Value %}"},
   "ItemProcessor":{"StartAt":"Pick","States":{
    "Pick":{"Type":"Task","Resource":"arn:aws:lambda:eu-west-1:123456789012:function:pick","Arguments":{"i":"{% $states.input.i %}"},"Assign":{"picked":"{% $states.context.Map.Item.Index %}"},"Next":"Two"},
    "Two":{"Type":"Parallel","Next":"Rest","Branches":[
      {"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":1,"Output":"{% $picked %}","End":true}}},
      {"StartAt":"B","States":{"B":{"Type":"Pass","Output":{"i":"{% $states.input %}"},"End":true}}}]},
    "Rest":{"Type":"Wait","Seconds":2,"End":true}}},
   "End":true}}}]},
"Refused":{"Type":"Fail","Error":"Refused","Cause":"{% $states.input %}"},
"Nest":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2","Arguments":{"StateMachineArn":"arn:aws:states:eu-west-1:123456789012:stateMachine:nested","Input":{"n":"{% $n %}"}},
  "Output":{"split":"{% $states.input %}","nested":"{% $states.result.Output %}"},
  "Catch":[{"ErrorEquals":["States.TaskFailed"],"Output":{"split":"{% $states.input %}","nested":"failed"},"Next":"Silent"}],"Next":"Silent"},
"Silent":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"silent","Payload":{}},"TimeoutSeconds":5,
  "Catch":[{"ErrorEquals":["States.Timeout"],"Output":"{% $states.input %}","Next":"Done"}],"End":true},
"Done":{"Type":"Succeed"}}}`

const nested = `{"QueryLanguage":"JSONata","StartAt":"Nap","States":{
"Nap":{"Type":"Wait","Seconds":7,"Next":"Odd"},
"Odd":{"Type":"Choice","Choices":[{"Condition":"{% $states.input.n % 5 = 0 %}","Next":"Broken"}],"Default":"Fine"},
"Broken":{"Type":"Fail","Error":"Broken"},
"Fine":{"Type":"Pass","Output":{"twice":"{% $states.input.n * 2 %}"},"End":true}}}`

// outside is what is not part of the service and goes on when that is restored: functions,
// and somebody who answers to tokens.
type outside struct {
	replies map[string]*reply // by token
	calls   int
}

// reply is what somebody does with a token, step by step.
type reply struct {
	steps []step
}

type step struct {
	at     time.Time
	action string
	in     map[string]any
}

// life is a service in one of its processes.
type life struct {
	t       testing.TB
	k       *sim.Kernel
	s       *states.Service
	out     *outside
	rand    *rand.Rand
	kept    *durabletest.Keeper
	stopped bool // the process is gone
}

func newLife(t testing.TB, now time.Time, out *outside, seed uint64) *life {
	l := &life{t: t, k: sim.New(now, 1), out: out, rand: rand.New(rand.NewPCG(seed, 2))}
	l.s = states.NewService(l.k, l, "eu-west-1", "123456789012")
	for _, m := range []struct{ name, definition string }{{"orders", orders}, {"nested", nested}} {
		if _, err := l.s.CreateStateMachine(m.name, states.StateMachineProperties{DefinitionString: m.definition, RoleArn: role}); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func (l *life) watch() { l.kept = durabletest.Keep(l.t, l.s) }

// next is the same service in another process, some time later.
func (l *life) next(gap time.Duration, seed uint64) *life {
	l.t.Helper()
	l.stopped = true
	n := newLife(l.t, l.k.Now().Add(gap), l.out, seed)
	n.s.KeepHistories = l.s.KeepHistories
	dropped, err := n.s.Restore(l.kept.Records())
	if err != nil || len(dropped) > 0 {
		l.t.Fatal(err, dropped)
	}
	for _, token := range slices.Sorted(maps.Keys(l.out.replies)) {
		n.schedule(token)
	}
	n.watch()
	return n
}

// Do is the bus.
func (l *life) Do(c api.Call, done func([]byte, error)) {
	l.out.calls++
	l.k.After(time.Duration(l.rand.IntN(400))*time.Millisecond, func() {
		if c.Service == "states" {
			l.s.Do(c, done)
			return
		}
		var in struct {
			FunctionName, MessageBody string
			Payload                   struct{ N, I, Retry int }
		}
		if err := json.Unmarshal(c.Input, &in); err != nil {
			l.t.Fatal(err)
		}
		p := in.Payload
		switch {
		case c.Service == "sqs":
			l.took(in.MessageBody)
			done([]byte(`{"MessageId":"m"}`), nil)
		case in.FunctionName == "silent": // never answers
		case in.FunctionName == "charge" && p.N%7 == 6:
			done(mustJSON(lambdaError("Refused", "no")), nil)
		case in.FunctionName == "charge" && p.N%7 == 5:
			done(mustJSON(lambdaError("Hard", "no")), nil)
		case in.FunctionName == "charge" && p.Retry < p.N%4:
			done(mustJSON(lambdaError("Flaky", "again")), nil)
		case in.FunctionName == "charge":
			done(mustJSON(lambda(map[string]any{"v": p.N % 5, "text": "ä <&> 1e21 \u2028"})), nil)
		case p.I%3 == 2:
			done(mustJSON(lambdaError("Empty", fmt.Sprint(p.I))), nil)
		default:
			done(mustJSON(lambda(map[string]any{"picked": p.I, "f": float64(p.I) / 3})), nil)
		}
	})
}

// took is a message with a token: somebody will do something about it.
func (l *life) took(body string) {
	var in struct {
		Token string
		N     int
	}
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		l.t.Fatal(err)
	}
	if l.out.replies[in.Token] != nil {
		return // it came before
	}
	after := func(seconds int, action string, more map[string]any) step {
		m := map[string]any{"taskToken": in.Token}
		maps.Copy(m, more)
		return step{l.k.Now().Add(time.Duration(seconds) * time.Second), action, m}
	}
	r := &reply{}
	switch in.N % 4 {
	case 0:
		r.steps = append(r.steps, after(3, "SendTaskFailure", map[string]any{"error": "No", "cause": "because"}))
	case 1:
		r.steps = append(r.steps, after(8, "SendTaskSuccess", map[string]any{"output": `{"approved":true}`}))
	case 2:
		for i := range 4 {
			r.steps = append(r.steps, after(12*i+12, "SendTaskHeartbeat", nil))
		}
		r.steps = append(r.steps, after(60, "SendTaskSuccess", map[string]any{"output": `["late"]`}))
	}
	l.out.replies[in.Token] = r
	l.schedule(in.Token)
}

func (l *life) schedule(token string) {
	r := l.out.replies[token]
	if len(r.steps) == 0 {
		return
	}
	l.k.At(r.steps[0].at, func() {
		if l.stopped {
			return
		}
		st := r.steps[0]
		r.steps = r.steps[1:]
		l.s.Do(api.Call{Service: "states", Action: st.action, Input: mustJSON(st.in)}, func(_ []byte, err error) {
			if err != nil && !strings.Contains(err.Error(), "TaskTimedOut") { // as those of Parallel states that failed
				l.t.Fatalf("%s: %v", st.action, err)
			}
		})
		l.schedule(token)
	})
}

func (l *life) begin(n int) {
	l.t.Helper()
	in := map[string]any{"stateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:orders", "name": fmt.Sprint("o", n), "input": fmt.Sprintf(`{"n":%d}`, n)}
	l.s.Do(api.Call{Service: "states", Action: "StartExecution", Input: mustJSON(in)}, func(_ []byte, err error) {
		if err != nil {
			l.t.Fatal(err)
		}
	})
}

func (l *life) machine(name string) *states.StateMachine {
	return l.s.StateMachine("arn:aws:states:eu-west-1:123456789012:stateMachine:" + name)
}

// outcome is how an execution ended, and how often each event is in its history if it succeeded: when
// one fails it depends on the delays of calls how far its other branches have come.
type outcome struct {
	Status       states.Status
	Output       any
	Error, Cause string
	Events       map[string]int
}

func (l *life) outcomes() map[string]outcome {
	l.t.Helper()
	all := map[string]outcome{}
	for _, name := range []string{"orders", "nested"} {
		for _, ex := range l.machine(name).Executions() {
			o := outcome{Status: ex.Status, Error: ex.Error, Cause: ex.Cause, Events: map[string]int{}}
			if ex.Output != "" {
				if err := json.Unmarshal([]byte(ex.Output), &o.Output); err != nil {
					l.t.Fatal(err)
				}
			}
			events, ok := ex.History()
			if !ok {
				l.t.Fatal("no history")
			}
			for i, e := range events {
				if e.ID != i+1 || e.PreviousEventID >= e.ID || i > 0 && e.At.Before(events[i-1].At) {
					l.t.Errorf("%s: event %d is %+v after %+v", ex.Name, i, e, events[i-1])
				}
				if ex.Status == states.Succeeded {
					o.Events[e.Type+" "+e.State]++
				}
			}
			key := ex.Name
			if name == "nested" {
				key = "nested " + ex.Input // its name is random
			}
			all[key] = o
		}
	}
	return all
}

// times checks the times that do not depend on when a process ended. Within a gap nothing
// happens, so that what is due in there is late by up to that much.
func (l *life) times(gap time.Duration) {
	l.t.Helper()
	var lengths = map[string]time.Duration{"Rest": 2 * time.Second, "A": time.Second, "Nap": 7 * time.Second}
	for _, name := range []string{"orders", "nested"} {
		for _, ex := range l.machine(name).Executions() {
			events, _ := ex.History()
			before := func(i int) states.HistoryEvent { return events[events[i].PreviousEventID-1] }
			check := func(what string, i int, want time.Duration, since time.Time) {
				if late := events[i].At.Sub(since) - want; late < 0 || late > gap {
					l.t.Errorf("%s: %s (event %d) took %s, want %s", ex.Name, what, i+1, events[i].At.Sub(since), want)
				}
			}
			for i, e := range events {
				switch {
				case e.Type == "WaitStateExited" && lengths[e.State] > 0:
					check(e.State, i, lengths[e.State], before(i).At)
				case e.Type == "TaskTimedOut" && e.State == "Silent":
					check("the silent task", i, 5*time.Second, before(i).At)
				case e.Type == "TaskScheduled" && e.State == "Charge" && before(i).Type == "TaskFailed":
					d := events[i].At.Sub(before(i).At) // the delays of a retrier: 2, 4, 8 s
					if d < 2*time.Second || d > 8*time.Second+gap || gap == 0 && d != 2*time.Second && d != 4*time.Second && d != 8*time.Second {
						l.t.Errorf("%s: retried after %s", ex.Name, d)
					}
				}
			}
		}
	}
}

const executions = 14

func undisturbed(t *testing.T) map[string]outcome {
	l := newLife(t, start, &outside{replies: map[string]*reply{}}, 0)
	for n := range executions {
		l.begin(n)
	}
	for l.k.Step() {
	}
	l.times(0)
	return l.outcomes()
}

// TestRestoreAnywhere ends the process after random numbers of events, again and again.
func TestRestoreAnywhere(t *testing.T) {
	want := undisturbed(t)
	statuses := map[states.Status]int{}
	for _, o := range want {
		statuses[o.Status]++
	}
	if statuses[states.Succeeded] != 17 || statuses[states.Failed] != 7 {
		t.Fatalf("the workload is not what it should be: %v", statuses)
	}
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			l := newLife(t, start, &outside{replies: map[string]*reply{}}, seed)
			if _, err := l.s.Restore(nil); err != nil {
				t.Fatal(err)
			}
			l.watch()
			for n := range executions {
				l.begin(n)
			}
			var gap, longest time.Duration
			for restarts := 0; ; {
				steps := random.IntN(90)
				more := true
				for i := 0; i < steps && more; i++ {
					more = l.k.Step()
					if random.IntN(2) == 0 {
						l.kept.Commit()
					}
				}
				if !more {
					break
				}
				l.kept.Verify()
				if restarts++; restarts%3 == 0 && seed%2 == 1 {
					gap = time.Duration(random.IntN(3000)) * time.Millisecond
					longest += gap
				} else {
					gap = 0
				}
				before := l.kept.Records()
				l = l.next(gap, random.Uint64())
				after := l.kept.Records()
				delete(before, "meta") // which counts the restarts
				delete(after, "meta")
				if diff := durabletest.Diff(before, after); diff != "" {
					t.Fatalf("a restored service has other records (-before +after):\n%s", diff)
				}
			}
			if diff := cmp.Diff(want, l.outcomes()); diff != "" {
				t.Errorf("(-undisturbed +restored)\n%s", diff)
			}
			l.times(longest)
		})
	}
}
