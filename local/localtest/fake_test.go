package localtest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// fakeT is a test whose failure is looked at. It is also what stands for the *testing.T that an
// example lacks.
type fakeT struct {
	testing.TB // for what is not asked of it
	failed     bool
	said       strings.Builder
	cleanups   []func()
}

func (t *fakeT) Helper()          {}
func (t *fakeT) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }
func (t *fakeT) Failed() bool     { return t.failed }

func (t *fakeT) Logf(format string, args ...any) { fmt.Fprintf(&t.said, format+"\n", args...) }

func (t *fakeT) Fatalf(format string, args ...any) {
	t.Logf(format, args...)
	t.failed = true
	runtime.Goexit()
}

func (t *fakeT) Fatal(args ...any) { t.Fatalf("%s", fmt.Sprint(args...)) }

// ended runs a test to its end and returns what it said.
func ended(test func(testing.TB)) (said string, failed bool) {
	t := &fakeT{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(t)
	}()
	<-done
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
	return t.said.String(), t.failed
}
