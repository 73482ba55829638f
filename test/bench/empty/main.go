// Command empty is an app without stacks: what a synthesis in Go costs before it
// begins. See ../synth.sh.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	defer jsii.Close()
	awscdk.NewApp(nil).Synth(nil)
}
