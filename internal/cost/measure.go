package cost

import (
	"fmt"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// Measure runs orders through a template of the reference app and makes the bill.
func Measure(template []byte, o Options) (*Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("cost: %w", err)
	}
	d := newDriver(o)
	stack := local.Options{Region: o.Prices.Region, Seed: o.Seed, Compute: o.Assume.compute, Egress: d.egress(), Functions: localapp.Functions()}
	if o.synchronous {
		// The role of a function that does the work of six has not the permissions for it.
		stack.Functions[synchronousHandler], stack.Permissions = newSynchronous, local.PermissionsOff
	}
	d.stack, err = localapp.FromTemplate(o.Environment, template, stack)
	if err != nil {
		return nil, fmt.Errorf("cost: %w", err)
	}
	defer d.stack.Close()
	if err := d.run(); err != nil {
		return nil, fmt.Errorf("cost: %w", err)
	}
	idle, err := idleBill(d.stack, o.Prices)
	if err != nil {
		return nil, fmt.Errorf("cost: %w", err)
	}
	return d.report(idle)
}
