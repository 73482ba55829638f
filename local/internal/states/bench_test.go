package states_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// saga is a workflow of four steps, each a function and a conditional write.
func saga() string {
	var b strings.Builder
	b.WriteString(`{"QueryLanguage":"JSONata","StartAt":"Init","States":{
		"Init":{"Type":"Pass","Assign":{"results":{},"sequence":1},"Output":{},"Next":"S0"}`)
	for i := range 4 {
		next := fmt.Sprintf(`"Next":"S%d"`, i+1)
		if i == 3 {
			next = `"End":true`
		}
		fmt.Fprintf(&b, `,"S%[1]d":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke",
			"Arguments":{"FunctionName":"step","Payload":"{%% $merge([$states.context.Execution.Input, {'step': 'S%[1]d', 'results': $results}]) %%}"},
			"TimeoutSeconds":30,"Output":{},
			"Assign":{"results":"{%% $merge([$results, {'S%[1]d': $states.result.Payload}]) %%}"},
			"Retry":[{"ErrorEquals":["States.ALL"]}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Broken"}],"Next":"M%[1]d"},
		"M%[1]d":{"Type":"Task","Resource":"arn:aws:states:::dynamodb:updateItem","TimeoutSeconds":15,"Output":{},
			"Arguments":{"TableName":"orders","Key":{"pk":{"S":"{%% $states.context.Execution.Input.pk %%}"},"sk":{"S":"STATUS"}},
				"ConditionExpression":"#status IN (:f1) AND #sequence = :last",
				"UpdateExpression":"SET #status = :to, #updatedAt = :at, #sequence = #sequence + :one, #history = list_append(#history, :entry)",
				"ExpressionAttributeNames":{"#status":"status","#updatedAt":"updatedAt","#sequence":"sequence","#history":"history"},
				"ExpressionAttributeValues":{":f1":{"S":"ACCEPTED"},":to":{"S":"RESERVED"},":last":{"N":"{%% $string($sequence) %%}"},
					":at":{"S":"{%% $states.context.State.EnteredTime %%}"},":one":{"N":"1"},
					":entry":{"L":[{"M":{"sequence":{"N":"{%% $string($sequence + 1) %%}"},"status":{"S":"RESERVED"},"at":{"S":"{%% $states.context.State.EnteredTime %%}"}}}]}}},
			"Assign":{"sequence":"{%% $sequence + 1 %%}"},
			"Catch":[{"ErrorEquals":["DynamoDB.ConditionalCheckFailedException"],"Next":"Broken"}],%[2]s}`, i, next)
	}
	b.WriteString(`,"Broken":{"Type":"Fail","Error":"Broken"}}}`)
	return b.String()
}

const order = `{"pk":"dGVuYW50#1767225600000-JKJaXmPLvHcESHA-dGVuYW50","tenant":"tenant","orderId":"1767225600000-JKJaXmPLvHcESHA-dGVuYW50",
	"order":{"currency":"EUR","items":[{"sku":"KB-1001","quantity":2,"unitPrice":4990},{"sku":"MS-2002","quantity":1,"unitPrice":1990}],
	"payment":{"method":"card","token":"tok_visa"},"shipTo":{"name":"Ada Lovelace","line1":"12 St James's Square","city":"London","postalCode":"SW1Y 4JH","country":"GB"}}}`

// quickBus answers at once with ready-made bodies.
type quickBus struct{}

func (quickBus) Do(c api.Call, done func([]byte, error)) {
	if c.Service == "lambda" {
		done([]byte(`{"StatusCode":200,"ExecutedVersion":"$LATEST","Payload":{"reservationId":"r-1767225600000","items":[{"sku":"KB-1001","quantity":2}]}}`), nil)
		return
	}
	done([]byte(`{}`), nil)
}

func sagaService(b testing.TB) (*sim.Kernel, *states.Service, *states.StateMachine) {
	k := sim.New(start, 1)
	s := states.NewService(k, quickBus{}, "eu-west-1", "123456789012")
	sm, err := s.CreateStateMachine("saga", states.StateMachineProperties{DefinitionString: saga(), RoleArn: role})
	if err != nil {
		b.Fatal(err)
	}
	return k, s, sm
}

// BenchmarkSaga is one execution of nine states: four invocations, four writes.
func BenchmarkSaga(b *testing.B) {
	k, s, sm := sagaService(b)
	in := mustJSON(map[string]any{"stateMachineArn": sm.ARN, "input": order})
	b.ReportAllocs()
	for b.Loop() {
		s.Do(api.Call{Action: "StartExecution", Input: in}, func([]byte, error) {})
		for k.Step() {
		}
	}
	b.StopTimer()
	if ex := sm.Executions()[0]; ex.Status != states.Succeeded {
		b.Fatalf("%s: %s: %s", ex.Status, ex.Error, ex.Cause)
	}
}

// pathSaga is the saga as one would write it in JSONPath.
func pathSaga() string {
	var b strings.Builder
	b.WriteString(`{"StartAt":"Init","States":{"Init":{"Type":"Pass","Result":{},"ResultPath":"$.results","Assign":{"sequence":1},"Next":"S0"}`)
	for i := range 4 {
		next := fmt.Sprintf(`"Next":"S%d"`, i+1)
		if i == 3 {
			next = `"End":true`
		}
		fmt.Fprintf(&b, `,"S%[1]d":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","TimeoutSeconds":30,
			"Parameters":{"FunctionName":"step","Payload":{"pk.$":"$.pk","tenant.$":"$.tenant","orderId.$":"$.orderId","order.$":"$.order","results.$":"$.results","step":"S%[1]d"}},
			"ResultSelector":{"v.$":"$.Payload"},"ResultPath":"$.results.S%[1]d",
			"Retry":[{"ErrorEquals":["States.ALL"]}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Broken"}],"Next":"M%[1]d"},
		"M%[1]d":{"Type":"Task","Resource":"arn:aws:states:::dynamodb:updateItem","TimeoutSeconds":15,"ResultPath":null,
			"Parameters":{"TableName":"orders","Key":{"pk":{"S.$":"$.pk"},"sk":{"S":"STATUS"}},
				"ConditionExpression":"#status IN (:f1) AND #sequence = :last",
				"UpdateExpression":"SET #status = :to, #updatedAt = :at, #sequence = #sequence + :one, #history = list_append(#history, :entry)",
				"ExpressionAttributeNames":{"#status":"status","#updatedAt":"updatedAt","#sequence":"sequence","#history":"history"},
				"ExpressionAttributeValues":{":f1":{"S":"ACCEPTED"},":to":{"S":"RESERVED"},":last":{"N.$":"States.Format('{}', $sequence)"},
					":at":{"S.$":"$$.State.EnteredTime"},":one":{"N":"1"},
					":entry":{"L":[{"M":{"sequence":{"N.$":"States.Format('{}', States.MathAdd($sequence, 1))"},"status":{"S":"RESERVED"},"at":{"S.$":"$$.State.EnteredTime"}}}]}}},
			"Assign":{"sequence.$":"States.MathAdd($sequence, 1)"},
			"Catch":[{"ErrorEquals":["DynamoDB.ConditionalCheckFailedException"],"Next":"Broken"}],%[2]s}`, i, next)
	}
	b.WriteString(`,"Broken":{"Type":"Fail","Error":"Broken"}}}`)
	return b.String()
}

// BenchmarkPathSaga is BenchmarkSaga in JSONPath.
func BenchmarkPathSaga(b *testing.B) {
	k := sim.New(start, 1)
	s := states.NewService(k, quickBus{}, "eu-west-1", "123456789012")
	sm, err := s.CreateStateMachine("saga", states.StateMachineProperties{DefinitionString: pathSaga(), RoleArn: role})
	if err != nil {
		b.Fatal(err)
	}
	in := mustJSON(map[string]any{"stateMachineArn": sm.ARN, "input": order})
	b.ReportAllocs()
	for b.Loop() {
		s.Do(api.Call{Action: "StartExecution", Input: in}, func([]byte, error) {})
		for k.Step() {
		}
	}
	b.StopTimer()
	if ex := sm.Executions()[0]; ex.Status != states.Succeeded {
		b.Fatalf("%s: %s: %s", ex.Status, ex.Error, ex.Cause)
	}
}

// BenchmarkMemory reports the live heap after 10,000 executions with the
// default retention of histories.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		k, s, sm := sagaService(b)
		in := mustJSON(map[string]any{"stateMachineArn": sm.ARN, "input": order})
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range 10_000 {
			s.Do(api.Call{Action: "StartExecution", Input: in}, func([]byte, error) {})
		}
		for k.Step() {
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB/10k")
		runtime.KeepAlive(sm)
	}
}

func BenchmarkParse(b *testing.B) {
	definition := []byte(saga())
	for b.Loop() {
		if _, err := states.Parse(definition); err != nil {
			b.Fatal(err)
		}
	}
}
