// Package conformance holds what AWS documents of its services' APIs against whatever claims to be
// one: suites for each service, which speak the protocols of the AWS SDK over the wire to an endpoint and
// know nothing of what is behind.
//
// They are run against this module's local stack, and against moto as a referee that somebody else
// wrote. A referee that disagrees shows that a check says what only we believe; so where it does,
// Features.Deviations says why that is its fault, and a deviation that is none any more fails.
//
// The suites are about what one service promises to one client. What happens between the services is the
// scenarios' subject, and each engine has tests of its own.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// World is an endpoint, with the resources in it that Template declares.
type World struct {
	// Config is for clients of the SDK.
	Config aws.Config
	// Names are the outputs of Template: URLs, ARNs and names of the resources.
	Names map[string]string
	// Sleep lets time pass, by the clock of the endpoint.
	Sleep func(time.Duration)
}

// Features is what a backend is like.
type Features struct {
	// Deviations are the checks that it fails, by name ("dead letters"), with the reason why it is right that a suite
	// has them all the same. Such a check has to fail.
	Deviations map[string]string
	// Without says why a backend lacks a whole service; "" if it has it.
	Without string
}

// check is one thing that is documented.
type check struct {
	name string
	run  func(*C)
}

// C is a check under way.
type C struct {
	World
	ctx        context.Context
	errors     []string
	executions int // that were started
}

// Errorf says what is wrong. The check goes on.
func (c *C) Errorf(format string, args ...any) {
	_, file, line, _ := runtime.Caller(1)
	c.errors = append(c.errors, fmt.Sprintf("%s:%d: %s", file[strings.LastIndexByte(file, '/')+1:], line, fmt.Sprintf(format, args...)))
}

// equal says what is not as it should be.
func equal[T comparable](c *C, what string, got, want T) {
	if got != want {
		_, file, line, _ := runtime.Caller(1)
		c.errors = append(c.errors, fmt.Sprintf("%s:%d: %s is %v, want %v", file[strings.LastIndexByte(file, '/')+1:], line, what, got, want))
	}
}

// refusedCall ends a check: a call failed that should not have.
type refusedCall struct{ err error }

// must is the answer of a call that has to be answered.
func must[T any](answer T, err error) T {
	if err != nil {
		panic(refusedCall{err})
	}
	return answer
}

// refused says so if a call was not refused, or by another error than one of these codes.
func refused(c *C, err error, codes ...string) {
	var e smithy.APIError
	got := "no error"
	if errors.As(err, &e) {
		got = e.ErrorCode()
	} else if err != nil {
		got = err.Error()
	}
	if !slices.Contains(codes, got) {
		_, file, line, _ := runtime.Caller(1)
		c.errors = append(c.errors, fmt.Sprintf("%s:%d: it is answered by %s (%v), want %s", file[strings.LastIndexByte(file, '/')+1:], line, got, err, strings.Join(codes, " or ")))
	}
}

// patience is how long a check may take, by the wall clock.
const patience = time.Minute

// outcome is what a check finds wrong.
func outcome(t *testing.T, k check, open func(testing.TB) World) (found []string) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := &C{World: open(t), ctx: ctx}
	defer func() {
		found = c.errors
		switch p := recover().(type) {
		case nil:
		case refusedCall:
			found = append(found, p.err.Error())
		default:
			panic(p)
		}
	}()
	k.run(c)
	return found
}

// run runs a suite, each check in a world of its own.
func run(t *testing.T, f Features, open func(testing.TB) World, checks []check) {
	if f.Without != "" {
		t.Skip("the whole service is left out: ", f.Without)
	}
	for name := range f.Deviations {
		if !slices.ContainsFunc(checks, func(k check) bool { return k.name == name }) {
			t.Errorf("the deviation %q is none of a check", name)
		}
	}
	for _, k := range checks {
		t.Run(k.name, func(t *testing.T) {
			found := outcome(t, k, open)
			reason, deviates := f.Deviations[k.name]
			switch {
			case deviates && len(found) == 0:
				t.Errorf("this does not deviate any more: %s", reason)
			case deviates:
				t.Logf("it deviates (%s): %s", reason, strings.Join(found, "; "))
			default:
				for _, e := range found {
					t.Error(e)
				}
			}
		})
	}
}

// eventually tries until it holds, for at most limit of the endpoint's time.
func (c *C) eventually(limit time.Duration, holds func() bool) bool {
	const step = 200 * time.Millisecond
	for waited := time.Duration(0); !holds(); waited += step {
		if waited >= limit {
			return false
		}
		c.Sleep(step)
	}
	return true
}
