package statusnotifier

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"github.com/orderflow-cdk/orderflow/constructs/internal/aliased"
)

// checks collects what is wrong.
type checks struct{ errs []error }

func (c *checks) bad(bad bool, format string, args ...any) {
	if bad {
		c.errs = append(c.errs, fmt.Errorf(format, args...))
	}
}

func (c *checks) within(name string, got, least, most int) {
	c.bad(got < least || got > most, "%s must be %d–%d, got %d", name, least, most, got)
}

func (c *checks) span(name string, got, least, most time.Duration) {
	c.bad(got < least || got > most, "%s must be %v–%v, got %v", name, least, most, got)
	c.bad(got%time.Second != 0, "%s must be whole seconds, got %v", name, got)
}

// made notes a function that the app does not make, and reports whether it is one that it does. None at all is no mistake here.
func (c *checks) made(name string, f awslambda.IFunction) bool {
	if f == nil {
		return false
	}
	ok := aliased.Function(f) != nil
	c.bad(!ok, "%s must be one that the app makes, or an alias of one: another's timeout and environment are not known", name)
	return ok
}

func (c *checks) err() error { return errors.Join(c.errs...) }

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
