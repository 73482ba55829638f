// Package bench holds benchmarks beside something else. See docs/performance.md.
package bench

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/internal/node"
)

// BenchmarkBridge is one call from Go to the library in Node and back, of which
// the synthesis of an environment makes some 250.
func BenchmarkBridge(b *testing.B) {
	if err := node.Check(b.Context()); err != nil {
		b.Skip(err)
	}
	defer jsii.Close()
	queue := awssqs.NewQueue(awscdk.NewStack(nil, nil, nil), jsii.String("Queue"), nil)
	for b.Loop() {
		queue.QueueArn()
	}
}
