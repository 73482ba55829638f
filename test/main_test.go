// Package test holds the tests that synthesize: snapshots, the ledger of
// stateful resources, and what must hold for every template. They share one
// process and run one at a time, since the CDK's bridge to Node is slow to
// start and not safe for concurrent use.
package test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/internal/node"
)

var update = flag.Bool("update", false, "rewrite snapshots and ledger")

func TestMain(m *testing.M) {
	flag.Parse()
	if err := node.Check(context.Background()); err != nil {
		fmt.Println("SKIP: nothing can be synthesized:", err)
		return
	}
	quicken()
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// quicken starts this process anew without the CDK's own validation, which takes
// four fifths of a synthesis. It must be in the environment from the start,
// because the bridge copies that before main. CI has one validated synthesis.
func quicken() {
	const validation = "CDK_VALIDATION"
	if os.Getenv(validation) != "" {
		return
	}
	self, err := os.Executable()
	if err != nil {
		return
	}
	env := append(os.Environ(), validation+"=false", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20")
	// Where this is not to be had, the tests are just slower.
	_ = syscall.Exec(self, os.Args, env)
}
