package states_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/durable/durabletest"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// restored is a stack of the same state machines that goes on from the records of another.
func restored(t testing.TB, from *stack, definitions ...string) (*stack, []string) {
	t.Helper()
	to := newStack(t)
	to.k.RunUntil(from.k.Now())
	to.s.KeepHistories = from.s.KeepHistories
	for _, d := range definitions {
		to.define(d)
	}
	dropped, err := to.s.Restore(durabletest.Records(t, from.s))
	if err != nil {
		t.Fatal(err)
	}
	return to, dropped
}

func single(state string) string {
	return `{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":` + state + `}}`
}

const forToken = `{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","Arguments":{"QueueUrl":"q","MessageBody":{"t":"{% $states.context.Task.Token %}"}},"TimeoutSeconds":60,"End":true}`

func sent(t testing.TB, c api.Call) string {
	t.Helper()
	_, rest, ok := strings.Cut(string(c.Input), `"MessageBody":"{\"t\":\"`)
	if !ok {
		t.Fatalf("no token in %s", c.Input)
	}
	token, _, _ := strings.Cut(rest, `\"`)
	return token
}

func TestRestoredTaskThatWaitsForItsTokenIsNotCalledAgain(t *testing.T) {
	st := newStack(t)
	st.answer["sqs:SendMessage"] = func(api.Call) (any, error) { return map[string]any{"MessageId": "1"}, nil }
	st.define(single(forToken))
	ex, other := st.begin(`{"n":1}`), st.begin(`{"n":2}`)
	st.k.Advance(time.Second)
	if len(st.calls) != 2 {
		t.Fatal(st.calls)
	}
	first, second := sent(t, st.calls[0]), sent(t, st.calls[1])
	if _, err := st.do("SendTaskSuccess", map[string]any{"taskToken": second, "output": "2"}); err != nil {
		t.Fatal(err)
	}

	to, _ := restored(t, st, single(forToken))
	to.k.Advance(time.Second)
	if len(to.calls) != 0 {
		t.Errorf("called again: %+v", to.calls)
	}
	for token, want := range map[string]string{second: "TaskTimedOut", first + "x": "TaskDoesNotExist", "AQCabc": "TaskDoesNotExist"} {
		if _, err := to.do("SendTaskSuccess", map[string]any{"taskToken": token, "output": "1"}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.20s…: %v, want %s", token, err, want)
		}
	}
	if _, err := to.do("SendTaskSuccess", map[string]any{"taskToken": first, "output": "1"}); err != nil {
		t.Fatal(err)
	}
	to.succeeds(to.s.Execution(ex.ARN), "1")
	to.succeeds(to.s.Execution(other.ARN), "2")
}

func TestRestoredTaskIsCalledAgainUntilItsDeadline(t *testing.T) {
	st := newStack(t)
	st.answer["sqs:SendMessage"] = func(api.Call) (any, error) { return nil, errNever }
	definition := single(forToken)
	st.define(definition)
	ex := st.begin(`{}`)
	st.k.Advance(50 * time.Second)

	to, _ := restored(t, st, definition)
	to.answer["sqs:SendMessage"] = st.answer["sqs:SendMessage"]
	to.k.Advance(0)
	if diff := cmp.Diff(st.calls, to.calls); diff != "" {
		t.Errorf("the call is another one (-first +again):\n%s", diff)
	}
	for to.k.Step() {
	}
	again := to.s.Execution(ex.ARN)
	to.fails(again, "States.Timeout")
	if d := again.Stop.Sub(again.Start); d != time.Minute {
		t.Errorf("timed out after %s", d)
	}
	want := []string{"1<0 ExecutionStarted", "2<0 TaskStateEntered", "3<2 TaskScheduled", "4<3 TaskStarted", "5<4 TaskTimedOut", "6<5 ExecutionFailed"}
	if diff := cmp.Diff(want, types(t, again)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatWasDueMeanwhileIsDueAtOnce(t *testing.T) {
	st := newStack(t)
	definitions := []string{single(`{"Type":"Wait","Seconds":30,"End":true}`), single(`{"Type":"Wait","Seconds":20,"End":true}`)}
	var arns []string
	for _, d := range definitions {
		st.define(d)
		arns = append(arns, st.begin(`{}`).ARN)
	}
	st.k.Advance(time.Second)
	records := durabletest.Records(t, st.s)

	to := newStack(t)
	to.k.Advance(time.Hour)
	for _, d := range definitions {
		to.define(d)
	}
	if _, err := to.s.Restore(records); err != nil {
		t.Fatal(err)
	}
	var order []string
	for to.k.Step() {
		for i, arn := range arns {
			if name := fmt.Sprint(i); to.s.Execution(arn).Status == states.Succeeded && !slices.Contains(order, name) {
				order = append(order, name)
			}
		}
	}
	for _, arn := range arns {
		if ex := to.s.Execution(arn); ex.Status != states.Succeeded || !ex.Stop.Equal(start.Add(time.Hour)) {
			t.Errorf("%s at %s", ex.Status, ex.Stop)
		}
	}
	if diff := cmp.Diff([]string{"1", "0"}, order); diff != "" {
		t.Errorf("the order in which they were due: %s", diff)
	}
}

func TestNamesStayTaken(t *testing.T) {
	st := newStack(t)
	definition := single(`{"Type":"Wait","Seconds":3600,"End":true}`)
	st.define(definition)
	named := func(st *stack, name, input string) error {
		_, err := st.do("StartExecution", map[string]any{"stateMachineArn": st.sm.ARN, "name": name, "input": input})
		return err
	}
	if err := named(st, "closed", "1"); err != nil {
		t.Fatal(err)
	}
	st.k.Advance(2 * time.Hour)
	if err := named(st, "running", "1"); err != nil {
		t.Fatal(err)
	}
	to, _ := restored(t, st, definition)
	if err := named(to, "running", "1"); err != nil {
		t.Errorf("starting the same again: %v", err)
	}
	for name, input := range map[string]string{"running": "2", "closed": "1"} {
		if err := named(to, name, input); err == nil || !strings.HasPrefix(err.Error(), "ExecutionAlreadyExists") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(to.sm.Executions()); n != 2 {
		t.Errorf("%d executions", n)
	}

	// Later the service has forgotten the one that closed first.
	st.k.Advance(90*24*time.Hour - time.Minute)
	later, dropped := restored(t, st, definition)
	if err := named(later, "closed", "1"); err != nil || len(dropped) > 0 {
		t.Errorf("after 90 days: %v, %v", err, dropped)
	}
}

func TestExecutionKeepsItsDefinitionAndRole(t *testing.T) {
	old := `{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Wait","Seconds":10,"Next":"Old"},
		"Old":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"old"},"Output":"old","End":true}}}`
	st := newStack(t)
	st.define(old)
	ex := st.begin(`{}`)
	st.k.Advance(time.Second)

	renewed := single(`{"Type":"Pass","Output":"new","End":true}`)
	answer := func(api.Call) (any, error) { return lambda(1), nil }
	next := newStack(t)
	next.k.RunUntil(st.k.Now())
	sm, err := next.s.CreateStateMachine("m1", states.StateMachineProperties{DefinitionString: renewed, RoleArn: role + "2"})
	if err != nil {
		t.Fatal(err)
	}
	next.sm = sm
	next.answer["lambda:Invoke"] = answer
	if _, err := next.s.Restore(durabletest.Records(t, st.s)); err != nil {
		t.Fatal(err)
	}
	definitions := func(s *states.Service) (n int) {
		for _, key := range s.Keys() {
			if strings.HasPrefix(key, "definition/") {
				n++
			}
		}
		return n
	}
	if n := definitions(next.s); n != 2 {
		t.Errorf("%d definitions are kept, want 2", n)
	}
	next.succeeds(next.run(`{}`), `"new"`)
	for next.k.Step() {
	}
	next.succeeds(next.s.Execution(ex.ARN), `"old"`)
	if len(next.calls) != 1 || next.calls[0].Caller != role {
		t.Errorf("calls %+v", next.calls)
	}

	// Its history names states that the definition does not have any more.
	third, _ := restored(t, next, renewed)
	if diff := cmp.Diff(types(t, next.s.Execution(ex.ARN)), types(t, third.s.Execution(ex.ARN))); diff != "" {
		t.Error(diff)
	}
	kept := durabletest.Keep(t, third.s)
	third.s.KeepHistories = 0
	third.run(`{}`)
	kept.Verify()
	if n := definitions(third.s); n != 1 {
		t.Errorf("%d definitions are kept when no history is, want 1", n)
	}
}

func TestExecutionsOfStateMachinesThatAreGone(t *testing.T) {
	st := newStack(t)
	wait := single(`{"Type":"Wait","Seconds":10,"End":true}`)
	st.define(wait)
	st.run(`{}`)
	st.begin(`{}`)
	st.define(wait) // m2
	st.begin(`{}`)
	to := newStack(t)
	to.k.RunUntil(st.k.Now())
	dropped, err := to.s.Restore(durabletest.Records(t, st.s))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"state machine m1: 2 executions, 1 of them running", "state machine m2: 1 execution, 1 of them running"}
	if diff := cmp.Diff(want, dropped); diff != "" {
		t.Error(diff)
	}
	if to.k.Step() {
		t.Error("something happens")
	}
	if diff := cmp.Diff([]string{"meta"}, to.s.Keys()); diff != "" {
		t.Error(diff)
	}
}

func TestParentOfAnExecutionThatIsGone(t *testing.T) {
	st := newStack(t)
	child := single(`{"Type":"Wait","Seconds":10,"End":true}`)
	parent := single(`{"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync","Arguments":{"StateMachineArn":"arn:aws:states:eu-west-1:123456789012:stateMachine:m2"},"End":true}`)
	st.define(parent)
	sm := st.sm
	st.define(child)
	st.sm = sm
	ex := st.begin(`{}`)
	st.k.Advance(time.Second)
	to, dropped := restored(t, st, parent)
	for to.k.Step() {
	}
	if len(dropped) != 1 {
		t.Error(dropped)
	}
	to.fails(to.s.Execution(ex.ARN), "States.Runtime")
}

func TestExpressExecutionsBeginAgain(t *testing.T) {
	definition := `{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Wait","Seconds":10,"Next":"B"},
		"B":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"f","Payload":"{% $states.input %}"},"End":true}}}`
	express := func(st *stack) {
		sm, err := st.s.CreateStateMachine("fast", states.StateMachineProperties{DefinitionString: definition, RoleArn: role, StateMachineType: "EXPRESS"})
		if err != nil {
			t.Fatal(err)
		}
		st.sm = sm
		st.answer["lambda:Invoke"] = func(api.Call) (any, error) { return lambda(1), nil }
	}
	st := newStack(t)
	express(st)
	for i := range 2 {
		if _, err := st.do("StartExecution", map[string]any{"stateMachineArn": st.sm.ARN, "name": "same", "input": fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	in := map[string]any{"stateMachineArn": st.sm.ARN, "input": "9"}
	st.s.Do(api.Call{Service: "states", Action: "StartSyncExecution", Input: mustJSON(in)}, func([]byte, error) {})
	st.k.Advance(9 * time.Second)
	keys := strings.Join(st.s.Keys(), " ")
	if strings.Count(keys, "express/fast/") != 2 {
		t.Errorf("keys %s", keys)
	}

	to := newStack(t)
	to.k.RunUntil(st.k.Now())
	express(to)
	if _, err := to.s.Restore(durabletest.Records(t, st.s)); err != nil {
		t.Fatal(err)
	}
	to.k.Advance(9 * time.Second)
	if len(to.calls) != 0 {
		t.Errorf("they did not begin again: %v", to.calls)
	}
	for to.k.Step() {
	}
	var payloads []string
	for _, c := range to.calls {
		payloads = append(payloads, string(c.Input))
	}
	if diff := cmp.Diff([]string{`{"FunctionName":"f","Payload":0}`, `{"FunctionName":"f","Payload":1}`}, payloads); diff != "" {
		t.Error(diff)
	}
	if keys := to.s.Keys(); slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, "express/") }) {
		t.Errorf("closed executions are kept: %v", keys)
	}
}

// half is a service amid its work.
func half(t *testing.T) *life {
	l := newLife(t, start, &outside{replies: map[string]*reply{}}, 0)
	l.s.KeepHistories = 5
	for n := range executions {
		l.begin(n)
	}
	for range 600 {
		l.k.Step()
	}
	l.watch()
	return l
}

func TestCorruptRecordIsNamed(t *testing.T) {
	l := half(t)
	records := l.kept.Records()
	kinds := map[string]int{}
	for _, key := range slices.Sorted(maps.Keys(records)) {
		kind, _, _ := strings.Cut(key, "/")
		if kinds[kind]++; kinds[kind] > 40 {
			continue
		}
		for what, value := range map[string][]byte{"cut off": records[key][:len(records[key])/2], "no JSON": []byte("\x00"), "of another type": []byte(`"text"`)} {
			bad := maps.Clone(records)
			bad[key] = value
			_, err := newLife(t, l.k.Now(), l.out, 0).s.Restore(bad)
			if err == nil || !strings.Contains(err.Error(), "record "+key+": ") {
				t.Errorf("%s %s: %v", key, what, err)
			}
		}
		_, others := records["history"+strings.TrimPrefix(key, "execution")+"/00000"]
		if kind == "machine" || kind == "definition" || kind == "execution" && !others || kind == "branch" && strings.Contains(key, ".") {
			continue // there need not be one
		}
		bad := maps.Clone(records)
		delete(bad, key)
		if _, err := newLife(t, l.k.Now(), l.out, 0).s.Restore(bad); err == nil {
			t.Errorf("%s is missing, and nobody says so", key)
		}
	}
	if kinds["branch"] < 10 || kinds["history"] < 20 || kinds["execution"] < 10 {
		t.Errorf("only %v were tried", kinds)
	}
	bad := maps.Clone(records)
	bad["execution/orders"] = []byte("{}")
	if _, err := newLife(t, l.k.Now(), l.out, 0).s.Restore(bad); err == nil || !strings.Contains(err.Error(), "record execution/orders: ") {
		t.Errorf("a key of no use: %v", err)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	records := half(t).kept.Records()
	records["meta"] = []byte(strings.Replace(string(records["meta"]), `"version":1`, `"version":2`, 1))
	_, err := newLife(t, start, &outside{}, 0).s.Restore(records)
	if want := "record meta: written by a newer orderflow (version 2, this one reads 1)"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestHistoriesAreForgottenAsBefore(t *testing.T) {
	l := half(t)
	kept := func(l *life) (names []string) {
		for _, name := range []string{"orders", "nested"} {
			for _, ex := range l.machine(name).Executions() {
				if _, ok := ex.History(); ok && ex.Status != states.Running {
					names = append(names, ex.Name)
				}
			}
		}
		return names
	}
	before := kept(l)
	if len(before) != 5 {
		t.Fatalf("%v are kept", before)
	}
	n := l.next(0, 1)
	if diff := cmp.Diff(before, kept(n)); diff != "" {
		t.Error(diff)
	}
	for n.k.Step() {
	}
	n.kept.Verify()
	if after := kept(n); len(after) != 5 {
		t.Errorf("%v are kept", after)
	}
}

func TestWithoutHistories(t *testing.T) {
	l := newLife(t, start, &outside{replies: map[string]*reply{}}, 0)
	l.s.KeepHistories = 0
	l.watch()
	l.begin(2)
	want := undisturbed(t)["o2"]
	for i := 0; l.k.Step(); i++ {
		if i%10 == 0 {
			l.kept.Commit()
			l = l.next(0, uint64(i))
		}
	}
	ex := l.machine("orders").Executions()[0]
	if ex.Status != want.Status {
		t.Errorf("%s %s %s", ex.Status, ex.Error, ex.Cause)
	}
	sameJSON(t, ex.Output, string(mustJSON(want.Output)))
}

func TestIdsAreNotMadeAgain(t *testing.T) {
	definition := single(`{"Type":"Pass","End":true}`)
	st := newStack(t)
	st.define(definition)
	seen := map[string]bool{}
	for range 4 {
		for range 3 {
			name := st.run(`{}`).Name
			if seen[name] {
				t.Fatalf("%s was made twice", name)
			}
			seen[name] = true
		}
		st, _ = restored(t, st, definition)
	}
	if n := len(st.sm.Executions()); n != 12 {
		t.Errorf("%d executions", n)
	}
}
