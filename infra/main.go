// Command infra is the CDK app: it writes the cloud assembly of all
// environments. Start it through the CDK's command line (see cdk.json).
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/infra/app"
	"github.com/orderflow-cdk/orderflow/internal/node"
)

func main() {
	if err := synth(); err != nil {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintln(os.Stderr, "infra:", strings.TrimSuffix(line, "\n"))
		}
		os.Exit(1)
	}
}

func synth() error {
	if err := node.Check(context.Background()); err != nil {
		return err
	}
	defer jsii.Close()
	a, err := app.New(app.Options{})
	if err != nil {
		return err
	}
	a.Synth(nil)
	return nil
}
