package cost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow/asl"
	"github.com/orderflow-cdk/orderflow/internal/order"
)

// Kinds of workflows, as the property StateMachineType has them.
const (
	Standard = "STANDARD"
	Express  = "EXPRESS"
)

// WithWorkflow is a template of the reference app with its workflow of a kind: what a synthesis with that kind would give, as far as it
// has an effect on the bill. How long a step may take is not part of that.
func WithWorkflow(template []byte, kind string) ([]byte, error) {
	return edit(template, func(r *resource) error {
		if r.Type != "AWS::StepFunctions::StateMachine" || r.Properties["StateMachineType"] == kind {
			return nil
		}
		definition, err := workflow(kind == Express).Definition()
		if err != nil {
			return err
		}
		r.Properties["StateMachineType"], r.Properties["DefinitionString"] = kind, string(definition)
		return nil
	})
}

// workflow is that of infra/app.
func workflow(express bool) asl.Workflow {
	w := asl.Workflow{
		Comment: "Takes an order from its reservation to its shipment", TableName: "${Table}", Express: express,
		Initial: string(order.Accepted), Rejected: string(order.Rejected), Failed: string(order.Failed), Cancelled: string(order.Cancelled),
	}
	step := func(name string, status order.Status, undo *asl.Task, rejections ...string) {
		s := asl.Step{
			Name: name, Status: string(status), Run: asl.Task{Function: "${Run" + name + "}"}, Compensation: undo, Rejections: rejections,
			Retry: asl.Retry{}.WithDefaults(express), CompensationRetry: asl.Retry{}.WithDefaults(express), Timeout: 10 * time.Second,
		}
		for _, p := range order.RecordedPredecessors(status) {
			s.From = append(s.From, string(p))
		}
		w.Steps = append(w.Steps, s)
	}
	step("Reserve", order.Reserved, &asl.Task{Function: "${UndoReserve}"}, "OutOfStock", "UnknownSku")
	step("Charge", order.Paid, &asl.Task{Function: "${UndoCharge}"}, "PaymentDeclined")
	step("Ship", order.Completed, nil)
	w.Timeout = w.WorstCase().Truncate(time.Second) + time.Second
	if express {
		w.Timeout = 5 * time.Minute
	}
	return w
}

// resource is a resource of a template that is edited.
type resource struct {
	ID         string
	Type       string
	Properties map[string]any
}

// edit changes resources of a template.
func edit(template []byte, change func(*resource) error) ([]byte, error) {
	var t map[string]any
	d := json.NewDecoder(bytes.NewReader(template))
	d.UseNumber()
	if err := d.Decode(&t); err != nil {
		return nil, fmt.Errorf("the template: %w", err)
	}
	all, ok := t["Resources"].(map[string]any)
	if !ok {
		return nil, errors.New("the template has no Resources")
	}
	for id, v := range all {
		fields, ok := v.(map[string]any)
		if !ok {
			continue
		}
		r := &resource{ID: id}
		r.Type, _ = fields["Type"].(string)
		if r.Properties, ok = fields["Properties"].(map[string]any); !ok {
			continue
		}
		if err := change(r); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
	}
	return json.Marshal(t)
}

// without is a template without the resources of some types, which nothing else may refer to but outputs.
func without(template []byte, is func(typ string) bool) ([]byte, error) {
	var t map[string]any
	d := json.NewDecoder(bytes.NewReader(template))
	d.UseNumber()
	if err := d.Decode(&t); err != nil {
		return nil, fmt.Errorf("the template: %w", err)
	}
	all, _ := t["Resources"].(map[string]any)
	for id, v := range all {
		if fields, ok := v.(map[string]any); ok {
			if typ, _ := fields["Type"].(string); is(typ) {
				delete(all, id)
			}
		}
	}
	return json.Marshal(t)
}
