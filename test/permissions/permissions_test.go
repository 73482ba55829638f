// Package permissions_test holds the app's templates to the permissions that the app needs: each of them is needed, and
// without it the app is denied it by name.
package permissions_test

import (
	"slices"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
)

var environments = []string{"dev", "staging", "prod"}

// Nothing that the app does is denied, and what is granted is needed and no wider than that, or explained.
func TestTheAppUsesWhatItIsGranted(t *testing.T) {
	idle := map[local.Explanation]int{}
	for _, environment := range environments {
		s, err := localapp.Exercise(environment, nil, local.Options{Seed: 1}, nil)
		if err != nil {
			t.Fatalf("%s: %v", environment, err)
		}
		r, unused := s.Permissions().Explain(localapp.Explanations())
		s.Close()
		for _, d := range r.Denied {
			t.Errorf("%s: %s", environment, d)
		}
		for _, g := range r.Unused {
			t.Errorf("%s: granted and never used: %s", environment, g)
		}
		for _, g := range r.Wide {
			t.Errorf("%s: wider than what was used: %s", environment, g)
		}
		if r.Used < 100 {
			t.Errorf("%s: only %d permissions were used", environment, r.Used)
		}
		for _, e := range unused {
			idle[e]++
		}
	}
	for e, n := range idle {
		if n == len(environments) {
			t.Errorf("the explanation of %s for %s on %s explains nothing", e.Action, e.To, e.Resource)
		}
	}
}

// Without any single permission of a template something of it is denied, by its name.
func TestWithoutAnySinglePermission(t *testing.T) {
	if testing.Short() {
		t.Skip("some 400 runs of the app")
	}
	for _, environment := range environments {
		template, err := snapshot.Template(environment)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mutants(t, template) {
			t.Run(environment+" "+m.String(), func(t *testing.T) {
				t.Parallel()
				explained := local.PermissionReport{Unused: []local.Grant{m.grant}}
				explained, _ = explained.Explain(localapp.Explanations())
				needed := len(explained.Unused) > 0 // nobody misses what is explained
				missed := func(s *local.Stack) bool { return slices.ContainsFunc(s.Denied(), m.names) }
				s, err := localapp.Exercise(environment, m.template, local.Options{Seed: 1}, missed)
				if s == nil {
					t.Fatal(err)
				}
				defer s.Close()
				if is := missed(s); is != needed || !needed && err != nil {
					t.Errorf("missed: %v, want %v; denied were %v; the run ended with %v", is, needed, s.Denied(), err)
				}
			})
		}
	}
}
