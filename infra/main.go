// Command infra is the CDK app: it writes the cloud assembly of all
// environments. Start it through the CDK's command line (see cdk.json).
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/infra/app"
	"github.com/orderflow-cdk/orderflow/internal/node"
)

func main() {
	if err := node.Check(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "infra:", err)
		os.Exit(1)
	}
	defer jsii.Close()
	app.New(app.Options{}).Synth(nil)
}
