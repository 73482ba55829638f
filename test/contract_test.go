package test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/handler"
	"github.com/orderflow-cdk/orderflow/internal/order"
)

func TestFunctionsGetExactlyTheEnvironmentThatTheyRead(t *testing.T) {
	each(t, func(t *testing.T, template template) {
		deployed := map[any][]resource{}
		for _, r := range template.resources("AWS::Lambda::Function") {
			deployed[r.Properties["Handler"]] = append(deployed[r.Properties["Handler"]], r)
		}
		for _, f := range handler.Functions() {
			if len(deployed[f.Name]) == 0 {
				t.Errorf("the function %s is not deployed", f.Name)
			}
			// Where two resources share a handler, each may do one part of its work.
			read, got := map[string]bool{}, map[string]bool{}
			for _, r := range deployed[f.Name] {
				variables, _ := at(r.Properties, "Environment", "Variables").(map[string]any)
				names, err := f.Environment(func(name string) string {
					switch v := variables[name].(type) {
					case nil:
						return ""
					case string:
						return v
					default:
						return "https://known.after/deployment"
					}
				})
				if err != nil {
					t.Errorf("%s: %v", r.ID, err)
				}
				for _, name := range names {
					read[name] = true
				}
				for name := range variables {
					got[name] = true
				}
			}
			delete(deployed, f.Name)
			if !got[config.CountedEnds] {
				delete(read, config.CountedEnds) // where nobody looks at the counts
			}
			if diff := cmp.Diff(read, got); diff != "" {
				t.Errorf("%s: what it reads (-) and what it gets (+) differ:\n%s", f.Name, diff)
			}
		}
		for name := range deployed {
			t.Errorf("the function %v is deployed, but there is no such handler", name)
		}
	})
}

// definition is what the tests look at in a state machine.
type definition struct {
	States map[string]struct {
		Type, Resource string
		TimeoutSeconds int
		Arguments      struct {
			FunctionName              string
			UpdateExpression          string
			ExpressionAttributeValues map[string]struct{ S string }
		}
		Catch []struct {
			ErrorEquals []string
			Assign      map[string]any
		}
	}
}

func stateMachine(t *testing.T, template template) (resource, definition) {
	t.Helper()
	machines := template.resources("AWS::StepFunctions::StateMachine")
	if len(machines) != 1 {
		t.Fatalf("%d state machines, want 1", len(machines))
	}
	text, ok := machines[0].Properties["DefinitionString"].(string)
	if !ok {
		t.Fatal("the definition is not one plain text: it has intrinsics")
	}
	var d definition
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	return machines[0], d
}

func TestTheWorkflowMakesTheDomainsTransitionsAndNoOther(t *testing.T) {
	each(t, func(t *testing.T, template template) {
		_, d := stateMachine(t, template)
		type transition struct{ From, To string }
		var got, want []transition
		for _, s := range d.States {
			to := s.Arguments.ExpressionAttributeValues[":to"].S
			if to == "" {
				continue
			}
			for name, v := range s.Arguments.ExpressionAttributeValues {
				if len(name) > 5 && name[:5] == ":from" {
					got = append(got, transition{v.S, to})
				}
			}
		}
		for _, tr := range order.Transitions() {
			if tr.From != order.Queued { // Those are intake's.
				want = append(want, transition{string(tr.From), string(tr.To)})
			}
		}
		byText := func(a, b transition) int {
			return slices.Compare([]string{a.From, a.To}, []string{b.From, b.To})
		}
		slices.SortFunc(got, byText)
		slices.SortFunc(want, byText)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the domain's (-) and the workflow's (+) transitions differ:\n%s", diff)
		}
	})
}

func TestTheWorkflowRejectsOnTheDomainsErrors(t *testing.T) {
	each(t, func(t *testing.T, template template) {
		_, d := stateMachine(t, template)
		var got []string
		for _, s := range d.States {
			for _, c := range s.Catch {
				if c.Assign["outcome"] == string(order.Rejected) {
					got = append(got, c.ErrorEquals...)
				}
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(order.Rejections(), got); diff != "" {
			t.Errorf("the domain's (-) and the workflow's (+) rejections differ:\n%s", diff)
		}
	})
}

func TestStepsOutlastTheirFunctions(t *testing.T) {
	each(t, func(t *testing.T, template template) {
		machine, d := stateMachine(t, template)
		checked := 0
		for name, s := range d.States {
			if s.Arguments.FunctionName == "" {
				continue
			}
			placeholder := s.Arguments.FunctionName[2 : len(s.Arguments.FunctionName)-1]
			function, ok := template.target(at(machine.Properties, "DefinitionSubstitutions", placeholder))
			if !ok {
				t.Errorf("%s: nothing is substituted for %s", name, placeholder)
				continue
			}
			checked++
			// Otherwise a step is retried while its function still runs.
			if s.TimeoutSeconds <= function.int("Timeout") {
				t.Errorf("%s waits %d s for %s, which may take %d s", name, s.TimeoutSeconds, function.ID, function.int("Timeout"))
			}
		}
		if checked != 5 {
			t.Errorf("%d states run functions, want 5", checked)
		}
	})
}
