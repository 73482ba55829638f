package local_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

func devStack(t *testing.T) *local.Stack {
	t.Helper()
	stack, err := localapp.New("dev", local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stack.Close)
	return stack
}

// The architecture is what integrations, mappings, subscriptions and policies say.
func TestEdgesSayHowTheAppIsConnected(t *testing.T) {
	stack := devStack(t)
	label := map[string]string{}
	for _, r := range stack.Resources() {
		label[r.LogicalID] = r.Label
	}
	var got []string
	for _, e := range stack.Edges() {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s -%s-> %s %s", label[e.From], e.Kind, label[e.To], e.Label)))
	}
	for _, want := range []string{
		"POST /orders -integration-> ApiQueue send",
		"GET /orders/{orderId}/status -integration-> WorkflowTable GetItem",
		"POST /webhooks -integration-> managewebhooks invoke",
		"ApiQueue -deadletter-> ApiDeadLetterQueue",
		"ApiQueue -source-> intake",
		"intake -use-> WorkflowTable PutItem, UpdateItem",
		"intake -use-> WorkflowStateMachine StartExecution",
		"WorkflowStateMachine -use-> charge InvokeFunction",
		"WorkflowTable -source-> notify stream",
		"notify -deadletter-> StatusOutboxFailures",
		"notify -use-> StatusTopic Publish",
		"notify -use-> StatusGraphQL GraphQL",
		"StatusTopic -subscription-> StatusDeliveryQueue sqs",
		"StatusTopic -deadletter-> StatusSubscriptionDeadLetters",
		"StatusGraphQL -data-> WorkflowTable Orders",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("there is no %s in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if i := slices.IndexFunc(got, func(e string) bool { return strings.HasPrefix(e, "intake") && strings.Contains(e, "ApiQueue") }); i >= 0 {
		t.Errorf("what the mapping does is told again as %s", got[i])
	}
}

func TestResourcesHavePhysicalNamesAndLabels(t *testing.T) {
	for _, r := range devStack(t).Resources() {
		switch r.Label {
		case "ApiQueue":
			if r.Name != "orderflow-dev-"+r.LogicalID || r.ARN != "arn:aws:sqs:eu-central-1:123456789012:"+r.Name || !strings.HasSuffix(r.URL, "/123456789012/"+r.Name) {
				t.Errorf("%+v", r)
			}
			return
		}
	}
	t.Error("there is no ApiQueue")
}

// Two functions with the same code have names of their own.
func TestLabelsOfFunctionsTellThemApart(t *testing.T) {
	stack, err := localapp.New("staging", local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	seen := map[string]bool{}
	for _, r := range stack.Resources() {
		if r.Type == "AWS::Lambda::Function" && seen[r.Label] {
			t.Errorf("two functions are called %s", r.Label)
		}
		seen[r.Label] = true
	}
	if !seen["intake"] || !seen["NotifyGraphQLFunction"] && !seen["NotifyFunction"] {
		t.Errorf("%v", seen)
	}
}

// Looking at a message neither receives it nor counts as a receive.
func TestMessagesAreLookedAtWithoutReceivingThem(t *testing.T) {
	stack := devStack(t)
	queue := ""
	for _, r := range stack.Resources() {
		if r.Label == "ApiDeadLetterQueue" {
			queue = r.LogicalID
			for _, in := range []string{
				`{"QueueUrl":%q,"MessageBody":"first","MessageAttributes":{"tenant":{"DataType":"String","StringValue":"acme"},"b":{"DataType":"Binary","BinaryValue":"AQI="}}}`,
				`{"QueueUrl":%q,"MessageBody":"later","DelaySeconds":60}`,
			} {
				if _, err := stack.Call("sqs", "SendMessage", fmt.Appendf(nil, in, r.URL)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := stack.Call("sqs", "ReceiveMessage", fmt.Appendf(nil, `{"QueueUrl":%q,"VisibilityTimeout":30}`, r.URL)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 2 {
		got, counts, err := stack.Messages(queue, 0, 10)
		if err != nil || len(got) != 2 || counts != (local.QueueCounts{Delayed: 1, InFlight: 1}) {
			t.Fatalf("%+v, %+v, %v", got, counts, err)
		}
		if m := got[0]; m.Body != "first" || m.State != "inFlight" || m.ReceiveCount != 1 || m.FirstReceived == nil || m.VisibleAt.Sub(*m.FirstReceived).Seconds() != 30 {
			t.Errorf("%+v", m)
		}
		if a := got[0].Attributes; len(a) != 2 || a[0] != (local.MessageAttribute{Name: "b", Type: "Binary", Value: "0102"}) || a[1].Value != "acme" {
			t.Errorf("attributes %+v", a)
		}
		if m := got[1]; m.State != "delayed" || m.ReceiveCount != 0 || m.FirstReceived != nil {
			t.Errorf("%+v", m)
		}
	}
	if g := stack.Glance(); g.Queues[queue] != (local.QueueCounts{Delayed: 1, InFlight: 1}) || g.Paused {
		t.Errorf("%+v", g)
	}
	if rest, counts, err := stack.Messages(queue, 1, 10); err != nil || len(rest) != 1 || rest[0].Body != "later" || counts.Delayed != 1 {
		t.Errorf("%+v, %v", rest, err)
	}
	if _, _, err := stack.Messages("Nowhere", 0, 1); err == nil {
		t.Error("a queue that the template does not have has messages")
	}
}

// What changes something is not to go around faults, permissions and time.
func TestInspectOnlyReads(t *testing.T) {
	stack := devStack(t)
	if out, err := stack.Inspect("dynamodb", "ListTables", []byte(`{}`)); err != nil || !strings.Contains(string(out), "orderflow-dev-") {
		t.Errorf("%s, %v", out, err)
	}
	for _, call := range [][2]string{{"sqs", "SendMessage"}, {"sqs", "ReceiveMessage"}, {"dynamodb", "PutItem"}, {"nowhere", "ListThings"}} {
		if _, err := stack.Inspect(call[0], call[1], []byte(`{}`)); err == nil {
			t.Errorf("%v was let through", call)
		}
	}
}
