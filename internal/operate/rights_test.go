package operate_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/operate"
	"github.com/orderflow-cdk/orderflow/local"
)

var update = flag.Bool("update", false, "write the rights in docs/recovery.md anew")

var commands = []operate.Command{operate.CommandRedrive, operate.CommandStuck, operate.CommandReplay}

// The document's tables derive from Rights: go test ./internal/operate -run Document -update
func TestRightsDocument(t *testing.T) {
	const path = "../../docs/recovery.md"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(doc)
	for _, c := range commands {
		begin, end := fmt.Sprintf("<!-- begin: rights of %s -->\n", c), "<!-- end: rights -->\n"
		before, rest, ok := strings.Cut(want, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s lacks the marks %q and %q", path, begin, end)
		}
		table := "| rights | on | for |\n|---|---|---|\n"
		for _, r := range operate.Rights(c) {
			what := r.For
			if r.Apply {
				what = strings.TrimSuffix("--apply, "+r.For, ", ")
			}
			what = strings.NewReplacer("--apply", "`--apply`", "--channel webhook", "`--channel webhook`", "--endpoint", "`--endpoint`", "--started", "`--started`").Replace(what)
			table += fmt.Sprintf("| `%s` | %s | %s |\n", strings.Join(r.Actions, "`, `"), r.On, cmp.Or(what, "all"))
		}
		want = before + begin + table + end + after
	}
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(want, string(doc)); diff != "" {
		t.Errorf("run go test ./internal/operate -run Document -update (-want +got)\n%s", diff)
	}
}

// Who may do what the policies say, and nothing else, can do all that the commands do, and none of it is too much.
func TestRightsSuffice(t *testing.T) {
	t.Parallel()
	type statement struct {
		Effect           string
		Action, Resource []string
	}
	var statements []*statement // one for each resource, so that none repeats another
	before := newStage(t, "dev", nil)
	for _, c := range commands {
		text, err := before.Policy(t.Context(), c, true)
		if err != nil {
			t.Fatal(err)
		}
		var policy struct{ Statement []*statement }
		if err := json.Unmarshal(text, &policy); err != nil {
			t.Fatal(err)
		}
		for _, st := range policy.Statement {
			i := slices.IndexFunc(statements, func(other *statement) bool { return slices.Equal(other.Resource, st.Resource) })
			if i < 0 {
				statements = append(statements, st)
				continue
			}
			statements[i].Action = slices.Compact(slices.Sorted(slices.Values(append(statements[i].Action, st.Action...))))
		}
	}
	role, err := json.Marshal(map[string]any{"Type": "AWS::IAM::Role", "Properties": map[string]any{
		"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": "arn:aws:iam::123456789012:root"},
		}}},
		"Policies": []any{map[string]any{"PolicyName": "operate", "PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": statements}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := newStage(t, "dev", func(template []byte) []byte {
		return []byte(strings.Replace(string(template), `"Resources": {`, `"Resources": {"Operator": `+string(role)+`,`, 1))
	})
	credentials, err := s.local.RoleCredentials("arn:aws:iam::123456789012:role/orderflow-dev-Operator")
	if err != nil {
		t.Fatal(err)
	}
	s.open("dev", credentials)

	// The outbox gives up twice, and is told of the first time only by histories.
	var hook struct{ ID string }
	s.request("POST", "/webhooks", "acme", `{"url":"https://hooks.example/orders"}`, &hook)
	s.faults(local.Fault{Target: "notify", Kind: local.FailWith}, local.Fault{Target: "charge", Kind: local.Slow, Delay: 5 * time.Second})
	stopped := s.order("acme")
	for s.status("acme", stopped) != "RESERVED" {
		time.Sleep(5 * time.Millisecond)
	}
	s.call("states", "StopExecution", map[string]string{"executionArn": s.execution(stopped)}, nil)
	s.pass(30 * time.Hour)
	s.faults(local.Fault{Target: "states:StartExecution", Kind: local.FailWith, ErrorName: "ThrottlingException"}, local.Fault{Target: "notify", Kind: local.FailWith})
	unstarted := s.order("acme")
	s.pass(3 * time.Hour)
	s.faults(local.Fault{Target: "intake", Kind: local.CrashBefore})
	s.order("acme")
	s.pass(time.Hour)
	s.faults()
	s.fill(s.Outputs["SubscriptionDeadLetterQueueUrl"])

	if _, err := s.Queues(t.Context()); err != nil {
		t.Error(err)
	}
	if _, _, _, err := s.Stuck(t.Context(), operate.Stuck{Older: time.Hour, Started: 48 * time.Hour, Limit: 10}); err != nil {
		t.Error(err)
	}
	if n := s.mend(30 * time.Minute); n != 3 {
		t.Errorf("%d mended", n)
	}
	for _, o := range []string{stopped, unstarted} {
		s.becomes("acme", o, "COMPLETED")
	}
	q := s.queue(operate.Orders)
	letters, _, err := s.Look(t.Context(), q, operate.Filter{}, 10)
	if err != nil || len(letters) != 1 {
		t.Fatalf("%+v, %v", letters, err)
	}
	if s.Explain(t.Context(), q, letters); letters[0].Reason == "" {
		t.Error("the reason is not known")
	}
	for _, r := range []operate.Redrive{{}, {Filter: operate.Filter{Tenant: "acme"}}} {
		for _, name := range []string{operate.Orders, operate.Webhooks, operate.Subscriptions} {
			if _, err := s.Redrive(t.Context(), s.queue(name), r); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if out := s.replay(operate.Replay{Apply: true}); out.Left() != 0 || out.Read.Read == 0 {
		t.Errorf("%+v", out)
	}
	if out := s.replay(operate.Replay{
		Orders: []string{stopped}, Apply: true, Channels: []operate.Channel{operate.ViaWebhook}, Tenant: "acme", Endpoint: hook.ID,
	}); out.Left() != 0 {
		t.Errorf("%+v", out)
	}

	report := s.local.Permissions()
	for _, d := range report.Denied {
		t.Errorf("denied: %+v", d)
	}
	// Of several queues or functions the scenario need not have needed all.
	unused, granted := map[string]int{}, map[string]int{}
	for _, g := range report.Unused {
		if g.To == "Operator" {
			unused[g.Action]++
		}
	}
	for _, st := range statements {
		for _, a := range st.Action {
			granted[a] += len(st.Resource)
		}
	}
	for a, n := range granted {
		if unused[a] >= n {
			t.Errorf("never needed: %s", a)
		}
	}
}
