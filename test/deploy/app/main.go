// Command app is the CDK app of infra for an emulator on this machine: the stack of one environment, with
// functions for this machine's processor. It is what the test next to it deploys, in variants that follow each other.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
	"github.com/orderflow-cdk/orderflow/infra/app"
	"github.com/orderflow-cdk/orderflow/internal/node"
)

func main() {
	name := flag.String("environment", "dev", "environment to make the stack of")
	assets := flag.String("assets", "dist", "folder of the functions, as build-functions writes it")
	variant := flag.String("variant", "first", "first; changed; or failing, the first one with a queue that cannot be made")
	flag.Parse()
	if err := run(*name, *assets, *variant); err != nil {
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(1)
	}
}

func run(name, assets, variant string) error {
	if err := node.Check(context.Background()); err != nil {
		return err
	}
	defer jsii.Close()
	environments := app.Environments()
	i := slices.IndexFunc(environments, func(e app.Environment) bool { return e.Name == name })
	if i < 0 {
		return fmt.Errorf("there is no environment %q", name)
	}
	env := environments[i]
	switch runtime.GOARCH {
	case "amd64":
		env.Architecture = gofunction.X8664
	case "arm64":
		env.Architecture = gofunction.ARM64
	default:
		return fmt.Errorf("Lambda has no functions for %s", runtime.GOARCH)
	}
	switch variant {
	case "first", "failing":
	case "changed":
		change(&env)
	default:
		return fmt.Errorf("there is no variant %q", variant)
	}

	a, err := app.New(app.Options{Environments: []app.Environment{env}, Assets: assets})
	if err != nil {
		return err
	}
	stack := awscdk.Stack_Of(a.Node().FindChild(jsii.String("orderflow-" + name)))
	if err := leaveOut(stack, os.Stderr); err != nil {
		return err
	}
	if variant == "failing" {
		// SQS allows 12 hours (CreateQueue, VisibilityTimeout). It is made after the functions, so that there is
		// something to take back.
		queue := awssqs.NewCfnQueue(stack, jsii.String("Failing"), &awssqs.CfnQueueProps{VisibilityTimeout: jsii.Number(43201)})
		for _, id := range []string{"Intake", "Reserve", "Notify"} {
			queue.Node().AddDependency(stack.Node().FindChild(jsii.String(id)))
		}
	}
	a.Synth(nil)
	return nil
}

// change alters what a team alters: it reaches every function, every log group, two of the tables, the state machine,
// the mapping of the queue, the gateway's stage. All of it can be done in place.
func change(env *app.Environment) {
	env.LogLevel = gofunction.Info
	env.LogRetention = awslogs.RetentionDays_TWO_WEEKS
	env.WorkflowLog = orderworkflow.LogErrors
	env.RecordRetention += 10
	env.PointInTimeRecovery = true
	env.Throttle.Rate *= 2
	env.Throttle.Burst *= 2
	env.Concurrency += 2
	env.WebhookConcurrency += 2
}
