package cost

import (
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// Compute is how long invocations compute under the assumptions, for local.Options.Compute.
func (a *Assumptions) Compute() func(f local.FunctionInfo, cold bool) time.Duration { return a.compute }
