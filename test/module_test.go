package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// theirs is somebody else's app; between the marks is what a construct costs them.
const theirs = `package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("theirs"), nil)
	// begin
	asyncapi.New(stack, "Orders", asyncapi.Props{
		Authorizer: asyncapi.IAM(asyncapi.TenantAccount),
	})
	// end
	app.Synth(nil)
}
`

// TestAnotherModuleAddsAConstruct compiles and runs an app outside this module.
func TestAnotherModuleAddsAConstruct(t *testing.T) {
	if testing.Short() {
		t.Skip("links another CDK app, which takes seconds; not with -short")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("main.go", theirs)
	write("go.mod", theirModule(t, root))
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write("go.sum", string(sums))

	added := strings.Count(between(t, theirs, "// begin\n", "\t// end"), "\n") + 1 // and the import
	if added > 15 {
		t.Errorf("adding the construct takes %d lines, want at most 15", added)
	}

	cmd := exec.Command("go", "run", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "CDK_OUTDIR="+filepath.Join(dir, "cdk.out"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "cdk.out", "theirs.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	template := parse(t, b)
	for _, typ := range []string{"AWS::SQS::Queue", "AWS::ApiGateway::RestApi"} {
		if len(template.resources(typ)) == 0 {
			t.Errorf("the other module's stack has no %s", typ)
		}
	}
}

func between(t *testing.T, s, begin, end string) string {
	t.Helper()
	_, rest, ok := strings.Cut(s, begin)
	inside, _, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("there is no %q … %q", begin, end)
	}
	return inside
}

// theirModule is a go.mod that requires this module where it lies, and what it
// requires at the same versions.
func theirModule(t *testing.T, root string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	const path = "github.com/orderflow-cdk/orderflow"
	text := regexp.MustCompile(`(?m)^module .*$`).ReplaceAllString(string(b), "module example.com/theirs")
	return text + "\nrequire " + path + " v0.0.0\n\nreplace " + path + " => " + root + "\n"
}
