package lambda

import (
	"errors"
	"fmt"
)

// maxFilters is the default quota of filters in a mapping.
const maxFilters = 5

// compileFilters compiles a mapping's filters with one of eventpattern's functions.
func compileFilters[P any](c *FilterCriteria, compile func([]byte) (P, error)) (out []P, err error) {
	if c == nil {
		return nil, nil
	}
	if len(c.Filters) > maxFilters {
		return nil, fmt.Errorf("FilterCriteria: %d filters, at most %d are allowed", len(c.Filters), maxFilters)
	}
	var errs []error
	for i, f := range c.Filters {
		p, err := compile([]byte(f.Pattern))
		if err != nil {
			errs = append(errs, fmt.Errorf("FilterCriteria: filter %d: %w", i+1, err))
			continue
		}
		out = append(out, p)
	}
	return out, errors.Join(errs...)
}

// reportsFailures says whether the function reports the items that failed.
func (p *EventSourceMappingProperties) reportsFailures() (partial bool, err error) {
	for _, t := range p.FunctionResponseTypes {
		if t != "ReportBatchItemFailures" {
			return false, fmt.Errorf("FunctionResponseTypes: %q is not known", t)
		}
		partial = true
	}
	return partial, nil
}

// onlyForStreams refuses what a queue's mapping may not have.
//
// Source: API reference, CreateEventSourceMapping: those parameters that are "streams only".
func (p *EventSourceMappingProperties) onlyForStreams() error {
	var errs []error
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"StartingPosition", p.StartingPosition != ""},
		{"ParallelizationFactor", p.ParallelizationFactor != nil},
		{"BisectBatchOnFunctionError", p.BisectBatchOnFunctionError != nil},
		{"MaximumRetryAttempts", p.MaximumRetryAttempts != nil},
		{"MaximumRecordAgeInSeconds", p.MaximumRecordAgeInSeconds != nil},
		{"DestinationConfig", p.DestinationConfig != nil},
		{"TumblingWindowInSeconds", p.TumblingWindowInSeconds != nil},
	} {
		if f.set {
			errs = append(errs, fmt.Errorf("InvalidParameterValueException: %s is only for streams, not for queues", f.name))
		}
	}
	return errors.Join(errs...)
}
