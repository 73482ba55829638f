// Package localcdk takes a stack of the CDK to package local, for tests that make their
// template themselves. It is a package of its own since it imports the CDK, and needs Node.js.
//
//	func TestMain(m *testing.M) { localcdk.Main(m) }
//
//	func TestShop(t *testing.T) {
//		app := awscdk.NewApp(nil)
//		shop := newShop(app, localcdk.Bootstraps(t, "intake", "charge"))
//		stack := localtest.Start(t, localcdk.Template(shop), local.Options{Functions: functions})
//		…
//	}
//
// The CDK has one bridge to Node.js in a process, which is not safe for concurrent use: tests that
// synthesize must not run in parallel. A synthesis is four times as fast with CDK_VALIDATION=false in
// the environment from the start.
package localcdk

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/internal/node"
)

// Template synthesizes a stack. It panics as the CDK does if that fails. Nothing can be
// added to the stack's app afterwards.
func Template(stack awscdk.Stack) []byte {
	template, err := json.Marshal(*assertions.Template_FromStack(stack, nil).ToJSON())
	if err != nil {
		panic(fmt.Sprintf("localcdk: %v", err))
	}
	return template
}

// Main runs a package's tests and then ends the CDK's bridge to Node.js, which leaves files behind
// otherwise. Where there is no Node.js that the CDK can run in, it says so and skips the
// package: else the CDK would panic, or hang. It does not return.
func Main(m *testing.M) {
	if err := node.Check(context.Background()); err != nil {
		fmt.Println("SKIP: nothing can be synthesized:", err)
		os.Exit(0)
	}
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// Bootstraps makes a folder with <architecture>/<name>/bootstrap for each function, as
// build-functions writes it, for a synthesis of what is not going to be deployed: they say so and fail.
func Bootstraps(t testing.TB, names ...string) string {
	t.Helper()
	const text = "#!/bin/sh\necho 'this function was not built' >&2\nexit 1\n"
	root := t.TempDir()
	for _, architecture := range []string{"arm64", "x86_64"} {
		for _, name := range names {
			dir := filepath.Join(root, architecture, name)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte(text), 0o755); err != nil { //nolint:gosec // it is executable
				t.Fatal(err)
			}
		}
	}
	return root
}
