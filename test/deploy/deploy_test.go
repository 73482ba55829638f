// Package deploy deploys the reference app with the CDK's own command line, assets and all, to an emulator of
// CloudFormation and of what the stack is made of (MiniStack), runs orders through what was deployed, updates it, has an
// update fail, and takes it down. What that proves, and what it cannot, is in docs/deploy.md.
//
//	python3 -m pip install --no-deps --target test/deploy/.python -r test/deploy/requirements.txt
//	go test ./test/deploy -v
package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/constructs/record"
)

func TestDeploy(t *testing.T) {
	if testing.Short() {
		t.Skip("deploys stacks several times, which takes a minute; not with -short")
	}
	folder := t.TempDir()
	p := newProject(t, folder)
	e := startEmulator(t, folder)
	l := &log{t: t, started: time.Now()}

	l.step("build")
	p.build(l)
	l.printf("MiniStack %s answers at %s", e.version, e.url)

	l.step("bootstrap")
	p.must(l, e, "", "bootstrap", "aws://"+account+"/"+region)
	before := e.resources(t)
	l.printf("the account has %s", counted(before))

	role(l, e)
	dev(l, p, e, before)
	staging(l, p, e, before)
	prod(l, p, e)
	l.printf("done after %s", since(l.started))
}

// dev goes all the way: an order, an update, an update that fails, the end.
func dev(l *log, p *project, e *emulator, before map[string][]string) {
	t := l.t
	s := newStack(e, "orderflow-dev")

	l.step("deploy dev")
	out := p.must(l, e, "-variant first", "deploy", s.name, "--require-approval", "never")
	l.each(out, "left out:")
	s.is(l, "CREATE_COMPLETE")
	for logical, name := range map[string]string{intakeID: "intake", reserveID: "reserve"} {
		key, size := s.asset(t, e, logical, filepath.Join(p.dist, architecture(), name, "bootstrap"))
		l.printf("%s runs %s… of the bootstrap bucket (%d bytes): the executable that was built", name, key[:12], size)
	}
	s.refusesStrangers(l, e)
	first := s.settings(t)
	l.printf("%+v", first)

	l.step("an order, from the queue on")
	s.stock(t, 100)
	events := s.listen(t)
	orderID, order := s.flow(l, e)
	s.hear(l, e, events, orderID)
	s.refusal(l, e)

	l.step("update")
	stateful, ids, template := s.stateful(t), s.ids, s.template(t)
	p.must(l, e, "-variant changed", "deploy", s.name, "--require-approval", "never")
	s.is(l, "UPDATE_COMPLETE")
	s.reviewed(l, template, s.template(t))
	s.notReplaced(l, stateful)
	l.printf("replaced: %s", replaced(ids, s.ids))
	changed := s.settings(t)
	l.printf("%+v", changed)
	if changed == first {
		t.Errorf("the update has changed nothing of %+v", first)
	}
	s.kept(l, order)
	_, second := s.flow(l, e)

	l.step("an update that fails")
	template = s.template(t)
	out, err := p.run(l, e, "-variant failing", "deploy", s.name, "--require-approval", "never")
	if err == nil {
		t.Errorf("a stack with a queue that cannot be made was deployed:\n%s", out)
	}
	l.each(out, "UPDATE_FAILED", " | ", "/")
	s.is(l, "UPDATE_ROLLBACK_COMPLETE")
	s.notReplaced(l, stateful)
	if diff := cmp.Diff(template, s.template(t)); diff != "" {
		t.Errorf("the template after the rollback is not the one before (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(changed, s.settings(t)); diff != "" {
		t.Errorf("the rollback left settings of the update (-want +got):\n%s", diff)
	}
	l.printf("%+v: as before the update", s.settings(t))
	s.kept(l, order, second)
	s.flow(l, e)

	l.step("destroy dev")
	p.must(l, e, "-variant changed", "destroy", s.name, "--force")
	leavesNothing(l, e, before)
}

// role makes the role by which a workflow deploys, and removes it.
func role(l *log, e *emulator) {
	t := l.t
	l.step("the workflow's role")
	template, err := os.ReadFile(filepath.Join("..", "..", "infra", "deploy-role.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := newStack(e, "orderflow-deploy-prod")
	parameter := func(key, value string) types.Parameter {
		return types.Parameter{ParameterKey: &key, ParameterValue: &value}
	}
	_, err = s.formation.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: &s.name, TemplateBody: aws.String(string(template)), Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		Parameters: []types.Parameter{
			parameter("Subject", "repo:acme@1/orderflow@2"), parameter("Environment", "prod"),
			// MiniStack has no AWS::IAM::OIDCProvider, which a template may have under a condition only.
			parameter("Provider", "arn:aws:iam::"+account+":oidc-provider/token.actions.githubusercontent.com"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, e, "infra/deploy-role.yaml is deployed", func() bool {
		return s.read(t) != "CREATE_IN_PROGRESS"
	})
	s.is(l, "CREATE_COMPLETE")
	l.printf("%s", s.outputs["RoleArn"])
	if _, err := s.formation.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &s.name}); err != nil {
		t.Fatal(err)
	}
}

// staging has what dev does not: alarms, a firewall, gradual deployments, a function for each channel.
func staging(l *log, p *project, e *emulator, before map[string][]string) {
	s := newStack(e, "orderflow-staging")
	l.step("deploy staging")
	l.each(p.must(l, e, "-environment staging", "deploy", s.name, "--require-approval", "never"), "left out:")
	s.is(l, "CREATE_COMPLETE")
	s.stock(l.t, 100)
	s.flow(l, e)
	l.step("destroy staging")
	p.must(l, e, "-environment staging", "destroy", s.name, "--force")
	leavesNothing(l, e, before)
}

// prod must be hard to destroy. It gets no order, since it would call a payment provider.
func prod(l *log, p *project, e *emulator) {
	t := l.t
	s := newStack(e, "orderflow-prod")
	l.step("deploy prod")
	l.each(p.must(l, e, "-environment prod", "deploy", s.name, "--require-approval", "never"), "left out:")
	s.is(l, "CREATE_COMPLETE")
	l.step("destroy prod, which must not work")
	out, err := p.run(l, e, "-environment prod", "destroy", s.name, "--force")
	if err == nil || !strings.Contains(out, "TerminationProtection") {
		t.Errorf("cdk destroy of prod: %v, want a refusal for its termination protection\n%s", err, out)
	}
	l.each(out, "destroy failed")
	for _, table := range []string{"OrdersTableName", "InventoryTableName", "WebhooksTableName"} {
		_, err := s.tables.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String(s.outputs[table])})
		if err == nil || !strings.Contains(err.Error(), "deletion protection") {
			t.Errorf("deleting the table %s: %v, want a refusal for its deletion protection", s.outputs[table], err)
		}
	}
	l.printf("nor can one of its three tables be deleted")
	s.is(l, "CREATE_COMPLETE")
}

// leavesNothing wants the account to have what it had before.
func leavesNothing(l *log, e *emulator, before map[string][]string) {
	l.t.Helper()
	after := e.resources(l.t)
	l.printf("the account has %s", counted(after))
	if diff := cmp.Diff(before, after); diff != "" {
		l.t.Errorf("the stack has left something (-before +after):\n%s", diff)
		return
	}
	l.printf("nothing of the stack is left, of %d kinds of resources", len(after))
}

// is reads the stack and wants a status of it.
func (s *stack) is(l *log, want string) {
	l.t.Helper()
	got := s.read(l.t)
	l.printf("%s is %s: %d resources", s.name, got, len(s.ids))
	if got != want {
		l.t.Errorf("%s is %s, want %s", s.name, got, want)
	}
}

// notReplaced wants every stateful resource to be the one that it was.
func (s *stack) notReplaced(l *log, before map[string]string) {
	l.t.Helper()
	if diff := cmp.Diff(before, s.stateful(l.t)); diff != "" {
		l.t.Errorf("stateful resources were replaced (-before +after):\n%s", diff)
		return
	}
	l.printf("all %d stateful resources of test/testdata/stateful-ids.json are the same as before", len(before))
}

// kept wants orders to be as they were.
func (s *stack) kept(l *log, orders ...string) {
	l.t.Helper()
	for _, pk := range orders {
		if got := valueOf(s.order(l.t, pk, record.StatusItem), record.Status); got != "COMPLETED" {
			l.t.Errorf("order %s has the status %q, want COMPLETED", pk, got)
		}
		if got := valueOf(s.order(l.t, pk, record.BodyItem), record.Body); got != body {
			l.t.Errorf("order %s has the body %q, want what was sent", pk, got)
		}
	}
	l.printf("the orders from before are still there: %d", len(orders))
}

// counted says how many resources of each kind there are.
func counted(resources map[string][]string) string {
	var all []string
	for kind, names := range resources {
		if len(names) > 0 {
			all = append(all, fmt.Sprintf("%s: %d", kind, len(names)))
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
