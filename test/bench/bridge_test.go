// Package bench holds benchmarks beside something else. See docs/performance.md.
package bench

import (
	"os/exec"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// BenchmarkBridge is one call from Go to the library in Node and back, of which
// the synthesis of an environment makes some 250.
func BenchmarkBridge(b *testing.B) {
	if _, err := exec.LookPath("node"); err != nil {
		b.Skip("the CDK needs node: ", err)
	}
	defer jsii.Close()
	queue := awssqs.NewQueue(awscdk.NewStack(nil, nil, nil), jsii.String("Queue"), nil)
	for b.Loop() {
		queue.QueueArn()
	}
}
