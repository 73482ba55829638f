package test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/client"
	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/local/localtest"
	"github.com/orderflow-cdk/orderflow/webhook"
)

func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// theReadme is the README's snippet.
func theReadme(stack awscdk.Stack, users awscognito.UserPool, intake, reserve, release, ship awslambda.Function, schema string) {
	// begin
	workflow := orderworkflow.New(stack, "Workflow", orderworkflow.Props{
		Initial: "ACCEPTED",
		Steps: []orderworkflow.Step{
			{Name: "Reserve", Status: "RESERVED", Run: orderworkflow.Function(reserve),
				Compensation: orderworkflow.Function(release), Rejections: []string{"OutOfStock"}},
			{Name: "Ship", Status: "COMPLETED", Run: orderworkflow.Function(ship),
				Compensation: orderworkflow.NoCompensation},
		},
	})
	api := asyncapi.New(stack, "Orders", asyncapi.Props{
		Authorizer: asyncapi.CognitoUserPool(users, "custom:tenant"),
		Model:      asyncapi.JSONSchema(schema),
		Consumer:   intake,
	})
	statusnotifier.New(stack, "Status", statusnotifier.Props{API: api, Table: workflow.Table})
	// end
}

func TestTheReadmesSnippetIsTheOneThatIsSynthesized(t *testing.T) {
	source, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var code []string
	for line := range strings.Lines(between(t, string(source), "	// begin\n", "	// end\n")) {
		code = append(code, strings.TrimPrefix(line, "\t"))
	}
	if got, want := between(t, readme(t), "```go\n", "```"), strings.Join(code, ""); got != want {
		t.Errorf("the README's snippet differs from theReadme:\n%s", got)
	}
	template := synth(t, func(stack awscdk.Stack) {
		function := func(name string) awslambda.Function {
			return gofunction.New(stack, name, gofunction.Props{Name: strings.ToLower(name), AssetDir: bootstraps(t) + "/arm64/intake"}).Function
		}
		users := awscognito.NewUserPool(stack, jsii.String("Users"), nil)
		theReadme(stack, users, function("Intake"), function("Reserve"), function("Release"), function("Ship"), `{"type":"object"}`)
	})
	if n := len(template.resources("AWS::StepFunctions::StateMachine", "AWS::SQS::Queue", "AWS::ApiGateway::Method")); n != 7 {
		t.Errorf("%d state machines, queues and methods, want 1, 2 and 4", n)
	}
}

// The README's other snippets, which only have to compile.
var (
	_ = func(ctx context.Context, apiURL, graphQLURL, cart string, order any, source func(context.Context) (string, error)) error {
		// begin
		c, err := client.New(apiURL, client.Options{Authorize: client.IDToken(source), GraphQLURL: graphQLURL})
		if err != nil {
			return err
		}
		accepted, err := c.Submit(ctx, order, client.SubmitOptions{IdempotencyKey: cart})
		if err != nil {
			return err
		}
		for e, err := range c.Watch(ctx, accepted.OrderID, client.WatchOptions{}) {
			if err != nil {
				return err
			}
			fmt.Println(e.Sequence, e.Status)
		}
		// end
		return nil
	}
	_ = func(book func(context.Context, event.Event) error) error {
		// begin
		receiver, err := webhook.New(webhook.Options{Secrets: []string{os.Getenv("WEBHOOK_SECRET")}})
		if err != nil {
			return err
		}
		http.Handle("/orders", receiver.Handler(func(ctx context.Context, e event.Event) error {
			return book(ctx, e) // an error: the sender repeats
		}))
		// end
		return nil
	}
	_ = func(t *testing.T, functions map[string]local.NewFunction, order any) {
		// begin
		stack := localtest.Start(t, localtest.Assembly(t, "cdk.out", "shop-dev"), local.Options{Functions: functions})
		ada := stack.SignedIn("ada", localtest.M{"custom:tenant": "acme"})
		stack.Inject(local.Fault{Target: "charge", Kind: local.CrashAfter, Times: 1})
		status := ada.Do("POST", "/orders", order).Want(202).Header.Get("Location")
		stack.Eventually(func() bool { return ada.Do("GET", status, nil).Text("status") == "COMPLETED" }, time.Hour)
		// end
	}
)

func TestTheReadmesOtherSnippetsAreCodeThatCompiles(t *testing.T) {
	source, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for line := range strings.Lines(string(source)) {
		code.WriteString(strings.TrimPrefix(line, "\t\t"))
	}
	blocks := strings.Split(readme(t), "```go\n")[1:]
	if len(blocks) != 4 {
		t.Fatalf("%d snippets, want 4", len(blocks))
	}
	for _, block := range blocks[1:] {
		if block, _, _ = strings.Cut(block, "```"); !strings.Contains(code.String(), "// begin\n"+block+"// end\n") {
			t.Errorf("this snippet of the README is not in this file:\n%s", block)
		}
	}
}

// TestTheReadmesDemoPrintsWhatItSays runs the README's first command. Lines of
// the README must be among what it prints, in that order.
func TestTheReadmesDemoPrintsWhatItSays(t *testing.T) {
	block := between(t, readme(t), "$ go run ./cmd/orderflow demo\n", "```")
	cmd := exec.Command("go", "run", "./cmd/orderflow", "demo")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var printed []string
	for line := range strings.Lines(string(out)) {
		printed = append(printed, strings.TrimRight(line, " \n"))
	}
	for line := range strings.Lines(block) {
		if line = strings.TrimRight(line, " \n"); line == "…" {
			continue
		}
		at := slices.Index(printed, line)
		if at < 0 {
			t.Fatalf("the demo does not print (any more, or at this place):\n%s\n\nit prints:\n%s", line, out)
		}
		printed = printed[at+1:]
	}
}
