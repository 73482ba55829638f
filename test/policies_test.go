package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/infra/app"
)

// reporter is what a policy tells of what it does not find right: a test, or one who notes it.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// A policy is what must hold for a template.
type policy struct {
	name  string
	check func(reporter, template)
	// appOnly is for what the constructs leave to the stack that they become a part of, or have an option to switch off.
	appOnly bool
}

var policies = []policy{
	{name: "encrypted at rest", check: encryptedAtRest},
	{name: "queues and topics want TLS", check: queuesAndTopicsWantTLS},
	{name: "addresses are HTTPS", check: addressesAreHTTPS},
	{name: "logs end", check: logsEnd},
	{name: "requests are logged", check: requestsAreLogged},
	{name: "everything is traced", check: everythingIsTraced, appOnly: true},
	{name: "queues are consumed safely", check: queuesAreConsumedSafely},
	{name: "no physical names", check: noPhysicalNames},
	{name: "alarms tell somebody", check: alarmsTellSomebody, appOnly: true},
	{name: "roles may do no more than they must", check: rolesMayDoNoMoreThanTheyMust},
	{name: "roles are for services", check: rolesAreForServices},
	{name: "functions have their own roles", check: functionsHaveTheirOwnRoles},
	{name: "resource policies have conditions", check: resourcePoliciesHaveConditions},
	{name: "methods know their callers", check: methodsKnowTheirCallers},
	{name: "nothing is public", check: nothingIsPublic},
	{name: "no error looks like success", check: noErrorLooksLikeSuccess},
	{name: "no failed function looks like success", check: noFailedFunctionLooksLikeSuccess},
	{name: "no resolver hides errors", check: noResolverHidesErrors},
	{name: "the gateway answers with problems", check: gatewayAnswersWithProblems},
}

func TestPolicies(t *testing.T) {
	all, more := stacks(t), scenarios(t)
	for _, p := range policies {
		t.Run(p.name, func(t *testing.T) {
			for _, env := range app.Environments() {
				t.Run(env.Name, func(t *testing.T) { p.check(t, all["orderflow-"+env.Name]) })
			}
			for _, name := range built.names {
				if !p.appOnly {
					t.Run(name, func(t *testing.T) { p.check(t, more[name].stacks[testStack]) })
				}
			}
		})
	}
}

func TestDocumentListsPolicies(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n| Policy | Of | Mutants that it sees |\n|---|---|---|\n")
	for _, p := range policies {
		of := "the app, the constructs"
		if p.appOnly {
			of = "the app"
		}
		var seen []string
		for _, m := range mutants {
			if m.policy == p.name {
				seen = append(seen, m.what)
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", p.name, of, strings.Join(seen, "; "))
	}
	inPolicyDocument(t, "policies", b.String()+"\n")
}

// notes collects what a policy tells.
type notes []string

func (*notes) Helper() {}

func (n *notes) Errorf(format string, args ...any) { *n = append(*n, fmt.Sprintf(format, args...)) }

// mutant is production's template with one thing that is wrong.
type mutant struct {
	what   string
	policy string // that must see it
	// change makes the mutant, and returns the logical id that the policy must name.
	change func(m mutable) string
}

func TestEveryPolicySeesWhatBreaksIt(t *testing.T) {
	text := stacks(t)["orderflow-prod"].text(t)
	for _, m := range mutants {
		t.Run(m.policy+": "+m.what, func(t *testing.T) {
			changed := parse(t, text)
			id := m.change(mutable{t, changed})
			i := slices.IndexFunc(policies, func(p policy) bool { return p.name == m.policy })
			if i < 0 {
				t.Fatalf("there is no policy %q", m.policy)
			}
			var told notes
			policies[i].check(&told, changed)
			if !slices.ContainsFunc(told, func(line string) bool { return id != "" && strings.Contains(line, id) }) {
				t.Errorf("the policy does not name %s; it tells %q", id, told)
			}
		})
	}
	for _, p := range policies {
		if !slices.ContainsFunc(mutants, func(m mutant) bool { return m.policy == p.name }) {
			t.Errorf("no mutant shows that the policy %q can fail", p.name)
		}
	}
}
