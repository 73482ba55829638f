package states_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

func TestParallel(t *testing.T) {
	st := newStack(t)
	st.machine("Set", `{"Set":{"Type":"Pass","Assign":{"v":1},"Next":"P"},
		"P":{"Type":"Parallel","Arguments":{"n":"{% $states.input.n + 1 %}"},"Branches":[
			{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":5,"Next":"A2"},"A2":{"Type":"Pass","Assign":{"w":2},"Output":{"a":"{% $states.input.n %}"},"End":true}}},
			{"StartAt":"B","States":{"B":{"Type":"Pass","Assign":{"w":"{% $v + 10 %}"},"Next":"B2"},"B2":{"Type":"Succeed","Output":"{% $w %}"}}}],
			"Output":{"result":"{% $states.result %}","outer":"{% $exists($w) %}"},"Next":"Z"},
		"Z":{"Type":"Pass","End":true}}`)
	ex := st.run(`{"n":1}`)
	st.succeeds(ex, `{"result":[{"a":2},11],"outer":false}`)
	if d := ex.Stop.Sub(ex.Start); d != 5*time.Second {
		t.Errorf("the branches took %s, not as long as the longest", d)
	}
}

func TestParallelHistory(t *testing.T) {
	st := newStack(t)
	st.machine("P", `{"P":{"Type":"Parallel","Branches":[
		{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},{"StartAt":"B","States":{"B":{"Type":"Pass","End":true}}}],"End":true}}`)
	want := []string{
		"1<0 ExecutionStarted", "2<0 ParallelStateEntered", "3<2 ParallelStateStarted", "4<3 PassStateEntered", "5<4 PassStateExited",
		"6<3 PassStateEntered", "7<6 PassStateExited", "8<7 ParallelStateSucceeded", "9<7 ParallelStateExited", "10<9 ExecutionSucceeded",
	}
	if diff := cmp.Diff(want, types(t, st.run(`{}`))); diff != "" {
		t.Error(diff)
	}
}

func TestAFailingBranchStopsTheOthers(t *testing.T) {
	definition := func(fields string) string {
		return `{"P":{"Type":"Parallel","Branches":[
			{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":100,"Next":"Never"},"Never":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"f"},"End":true}}},
			{"StartAt":"B","States":{"B":{"Type":"Wait","Seconds":1,"Next":"F"},"F":{"Type":"Fail","Error":"Oops","Cause":"c"}}}],` + fields + `"End":true},
			"Caught":{"Type":"Pass","End":true}}`
	}
	for name, tc := range map[string]struct {
		fields, want string
		after        time.Duration
	}{
		"caught by its own name":     {`"Catch":[{"ErrorEquals":["Oops"],"Next":"Caught"}],`, `{"Error":"Oops","Cause":"c"}`, time.Second},
		"caught as a failed branch":  {`"Catch":[{"ErrorEquals":["States.BranchFailed"],"Next":"Caught"}],`, `{"Error":"Oops","Cause":"c"}`, time.Second},
		"caught with Output":         {`"Catch":[{"ErrorEquals":["States.ALL"],"Output":"{% $states.errorOutput.Error %}","Next":"Caught"}],`, `"Oops"`, time.Second},
		"caught after a second time": {`"Retry":[{"ErrorEquals":["Oops"],"MaxAttempts":1,"IntervalSeconds":10}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught"}],`, `{"Error":"Oops","Cause":"c"}`, 12 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStack(t)
			st.machine("P", definition(tc.fields))
			ex := st.run(`{}`)
			st.succeeds(ex, tc.want)
			if d := ex.Stop.Sub(ex.Start); d != tc.after {
				t.Errorf("after %s, want %s", d, tc.after)
			}
			for st.k.Step() {
			}
			if len(st.calls) != 0 {
				t.Error("a branch went on after its sibling had failed")
			}
		})
	}
	st := newStack(t)
	st.machine("P", strings.Replace(definition(""), `,
			"Caught":{"Type":"Pass","End":true}`, "", 1))
	st.fails(st.run(`{}`), "Oops")
}

func TestMap(t *testing.T) {
	for name, tc := range map[string]struct{ fields, in, want string }{
		"over the input":     {``, `[1,2,3]`, `[[1],[2],[3]]`},
		"over Items":         {`"Items":"{% $states.input.list %}",`, `{"list":["a","b"]}`, `[["a"],["b"]]`},
		"over literal Items": {`"Items":[1,"{% $states.input.x %}"],`, `{"x":5}`, `[[1],[5]]`},
		"over nothing":       {`"Items":[],`, `{}`, `[]`},
		"with an ItemSelector": {`"Items":"{% $states.input.list %}","ItemSelector":{"i":"{% $states.context.Map.Item.Index %}","v":"{% $states.context.Map.Item.Value %}","k":"{% $states.input.k %}"},`,
			`{"list":["a","b"],"k":1}`, `[[{"i":0,"v":"a","k":1}],[{"i":1,"v":"b","k":1}]]`},
		"with Output": {`"Output":"{% $count($states.result) %}",`, `[1,2,3]`, `3`},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStack(t)
			st.machine("M", `{"M":{"Type":"Map",`+tc.fields+`"ItemProcessor":{"ProcessorConfig":{"Mode":"INLINE"},"StartAt":"A","States":{"A":{"Type":"Pass","Output":["{% $states.input %}"],"End":true}}},"End":true}}`)
			st.succeeds(st.run(tc.in), tc.want)
		})
	}
}

func TestMapContextReachesTheIteration(t *testing.T) {
	st := newStack(t)
	st.machine("M", `{"M":{"Type":"Map","Items":["a","b"],"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[{"StartAt":"A","States":{
		"A":{"Type":"Pass","Output":"{% $states.context.Map.Item %}","End":true}}}],"Output":"{% $states.result[0] %}","End":true}}},"End":true}}`)
	st.succeeds(st.run(`{}`), `[{"Index":0,"Value":"a"},{"Index":1,"Value":"b"}]`)
}

func TestMapConcurrency(t *testing.T) {
	for name, tc := range map[string]struct {
		fields string
		items  int
		want   time.Duration
	}{
		"one at a time":              {`"MaxConcurrency":1,`, 5, 50 * time.Second},
		"two at a time":              {`"MaxConcurrency":"{% 1 + 1 %}",`, 5, 30 * time.Second},
		"no limit but the service's": {``, 41, 20 * time.Second},
		"0 is no limit":              {`"MaxConcurrency":0,`, 40, 10 * time.Second},
	} {
		st := newStack(t)
		st.machine("M", `{"M":{"Type":"Map",`+tc.fields+`"Items":"{% $range(1, $states.input, 1) %}","ItemProcessor":{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":10,"End":true}}},"End":true}}`)
		ex := st.run(fmt.Sprint(tc.items))
		if d := ex.Stop.Sub(ex.Start); ex.Status != states.Succeeded || d != tc.want {
			t.Errorf("%s: %s after %s, want %s", name, ex.Status, d, tc.want)
		}
	}
}

func TestMapHistory(t *testing.T) {
	st := newStack(t)
	st.machine("M", `{"M":{"Type":"Map","MaxConcurrency":1,"Items":[1,2],"ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},"End":true}}`)
	want := []string{
		"1<0 ExecutionStarted", "2<0 MapStateEntered", "3<2 MapStateStarted", "4<3 MapIterationStarted", "5<4 PassStateEntered", "6<5 PassStateExited",
		"7<6 MapIterationSucceeded", "8<6 MapIterationStarted", "9<8 PassStateEntered", "10<9 PassStateExited", "11<10 MapIterationSucceeded",
		"12<11 MapStateSucceeded", "13<11 MapStateExited", "14<13 ExecutionSucceeded",
	}
	if diff := cmp.Diff(want, types(t, st.run(`{}`))); diff != "" {
		t.Error(diff)
	}
}

func TestFailedIterations(t *testing.T) {
	for name, tc := range map[string]struct {
		fields, in string // the iteration of an item below 0 fails
		want       string // of the output; or the error
		fails      bool
	}{
		"fail the state":             {``, `[1,-1,2]`, "Oops", true},
		"within the count":           {`"ToleratedFailureCount":1,`, `[1,-1,2]`, `[1,{"Error":"Oops","Cause":""},2]`, false},
		"beyond the count":           {`"ToleratedFailureCount":1,`, `[-1,-1,2]`, "States.ExceedToleratedFailureThreshold", true},
		"within the percentage":      {`"ToleratedFailurePercentage":50,`, `[-1,1]`, `[{"Error":"Oops","Cause":""},1]`, false},
		"beyond the percentage":      {`"ToleratedFailurePercentage":"{% 49 %}",`, `[-1,1]`, "States.ExceedToleratedFailureThreshold", true},
		"beyond either":              {`"ToleratedFailureCount":0,"ToleratedFailurePercentage":100,`, `[-1,1]`, "States.ExceedToleratedFailureThreshold", true},
		"of the last, within bounds": {`"MaxConcurrency":1,"ToleratedFailureCount":1,`, `[1,-1]`, `[1,{"Error":"Oops","Cause":""}]`, false},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStack(t)
			st.machine("M", `{"M":{"Type":"Map",`+tc.fields+`"ItemProcessor":{"StartAt":"C","States":{
				"C":{"Type":"Choice","Choices":[{"Condition":"{% $states.input < 0 %}","Next":"F"}],"Default":"S"},
				"F":{"Type":"Fail","Error":"Oops"},"S":{"Type":"Succeed"}}},"End":true}}`)
			ex := st.run(tc.in)
			if tc.fails {
				st.fails(ex, tc.want)
			} else {
				st.succeeds(ex, tc.want)
			}
		})
	}
}

func TestMapTimeoutHistory(t *testing.T) {
	st := newStack(t)
	st.answer["lambda:Invoke"] = func(api.Call) (any, error) { return nil, errNever }
	st.machine("M", `{"M":{"Type":"Map","Items":[1,2],"ItemProcessor":{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",
		"Arguments":{"FunctionName":"f"},"TimeoutSeconds":5,"End":true}}},"End":true}}`)
	ex := st.run(`{}`)
	st.fails(ex, "States.Timeout")
	got := types(t, ex)
	for i := range got {
		_, got[i], _ = strings.Cut(got[i], " ")
	}
	want := strings.Fields(`ExecutionStarted MapStateEntered MapStateStarted MapIterationStarted MapIterationStarted
		TaskStateEntered TaskScheduled TaskStarted TaskStateEntered TaskScheduled TaskStarted
		TaskTimedOut MapIterationFailed TaskStateAborted MapIterationAborted MapStateFailed ExecutionFailed`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestManyItemsDoNotCostMoreThanTheirShare(t *testing.T) {
	st := newStack(t)
	st.machine("M", `{"M":{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},"End":true}}`)
	items := make([]int, 4000)
	b, _ := json.Marshal(items)
	if ex := st.run(string(b)); ex.Status != states.Succeeded {
		t.Errorf("%s %s %s", ex.Status, ex.Error, ex.Cause)
	}
}
