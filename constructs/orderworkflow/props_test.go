package orderworkflow_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
)

func publish() orderworkflow.Runner {
	return orderworkflow.Integration(orderworkflow.ServiceIntegration{
		Resource:  "arn:aws:states:::sns:publish",
		Arguments: map[string]any{"TopicArn": "arn:aws:sns:eu-central-1:123456789012:t", "Message": "m"},
	})
}

// Everything that is wrong comes back at once, and needs no Node.
func ExampleProps_Validate() {
	err := orderworkflow.Props{
		Kind: "QUICK",
		Steps: []orderworkflow.Step{
			{Name: "Reserve", Status: "RESERVED", Run: publish()},
			{Name: "ship", Status: "COMPLETED", Compensation: orderworkflow.NoCompensation},
		},
	}.Validate()
	fmt.Println(err)
	// Output:
	// the kind must be Standard or Express, got "QUICK"
	// step Reserve: say how to undo it, or NoCompensation
	// step 2: a name is in upper camel case, such as Reserve, got "ship"
	// step 2: its task must be either a function or a service integration
}

func TestValidate(t *testing.T) {
	valid := func() orderworkflow.Props {
		return orderworkflow.Props{Steps: []orderworkflow.Step{{
			Name: "Publish", Status: "PUBLISHED", Run: publish(), Compensation: publish(),
		}}}
	}
	for _, tt := range []struct {
		name   string
		change func(*orderworkflow.Props)
		want   string
	}{
		{"nothing is wrong", func(*orderworkflow.Props) {}, ""},
		{"Express", func(p *orderworkflow.Props) { p.Kind = orderworkflow.Express }, ""},
		{"Express that is too slow", func(p *orderworkflow.Props) {
			p.Kind, p.Steps[0].Timeout = orderworkflow.Express, time.Minute
		}, "an Express workflow ends after 5m0s"},
		{"Express that logs nothing", func(p *orderworkflow.Props) {
			p.Kind, p.LogLevel = orderworkflow.Express, orderworkflow.LogOff
		}, "it must log"},
		{"Express that waits", func(p *orderworkflow.Props) {
			p.Kind, p.Steps[0].WaitForCallback = orderworkflow.Express, true
		}, "cannot wait for a callback"},
		{"log level", func(p *orderworkflow.Props) { p.LogLevel = "SOME" }, `got "SOME"`},
		{"timeout", func(p *orderworkflow.Props) { p.Timeout = time.Hour }, "an order would be left where it stands"},
		{"statuses", func(p *orderworkflow.Props) { p.Rejected = "FAILED" }, "already that of Rejected"},
		{"no steps", func(p *orderworkflow.Props) { p.Steps = nil }, "at least one step"},
		{"no retries", func(p *orderworkflow.Props) { p.Steps[0].Retry.MaxAttempts = -1 }, ""},
	} {
		p := valid()
		tt.change(&p)
		err := p.Validate()
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: error %v, want it to contain %q", tt.name, err, tt.want)
		}
	}
}
