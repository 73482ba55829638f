package orderworkflow

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
)

// StepFunction is a function that the workflow runs.
type StepFunction struct {
	// Step is the name of the step that it runs, or whose compensation it is.
	Step         string
	Compensation bool
	Function     awslambda.IFunction
	// Rejects is whether it reports rejected orders as errors, which Lambda counts
	// as such.
	Rejects bool
}

// StepFunctions are the functions behind the steps, in their order, each followed by that of its
// compensation. Steps that are integrations have none.
func (w *OrderWorkflow) StepFunctions() []StepFunction {
	var all []StepFunction
	for _, s := range w.props.Steps {
		if f := s.Run.function; f != nil {
			all = append(all, StepFunction{Step: s.Name, Function: f, Rejects: len(s.Rejections) > 0})
		}
		if undo := s.Compensation.compensation(); undo != nil && undo.function != nil {
			all = append(all, StepFunction{Step: s.Name, Compensation: true, Function: undo.function})
		}
	}
	return all
}

// StepTimeouts is what the steps of an order may take in all if each succeeds with its first attempt.
func (w *OrderWorkflow) StepTimeouts() time.Duration {
	workflow, _ := w.props.workflow()
	var sum time.Duration
	for _, s := range workflow.Steps {
		sum += s.Timeout
	}
	return sum
}
