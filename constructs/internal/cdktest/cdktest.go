// Package cdktest reads synthesized templates in the tests of the constructs.
//
// There is one jsii kernel in a process and it is not safe for concurrent use:
// tests that use this package must not run in parallel, and their TestMain
// calls [Main], which ends the kernel.
package cdktest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/internal/node"
)

// Main runs the tests and then ends the kernel, which would leave its files
// behind otherwise. Without a Node.js that the CDK can run in, it says so and
// skips the package.
func Main(m *testing.M) {
	if err := node.Check(context.Background()); err != nil {
		fmt.Println("SKIP: nothing can be synthesized:", err)
		return
	}
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// Stack is a new stack named "Stack" in an app of its own.
func Stack() awscdk.Stack {
	return awscdk.NewStack(awscdk.NewApp(nil), jsii.String("Stack"), nil)
}

// Template is a synthesized template.
type Template struct {
	Resources map[string]Resource
	Outputs   map[string]any
}

// Resource is one of a template's resources.
type Resource struct {
	ID             string `json:"-"`
	Type           string
	DeletionPolicy string
	DependsOn      []string
	Properties     map[string]any
}

// Synth synthesizes the stack.
func Synth(t testing.TB, stack awscdk.Stack) Template {
	t.Helper()
	b, err := json.Marshal(*assertions.Template_FromStack(stack, nil).ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	var template Template
	if err := json.Unmarshal(b, &template); err != nil {
		t.Fatal(err)
	}
	for id, r := range template.Resources {
		r.ID = id
		template.Resources[id] = r
	}
	return template
}

// Warnings are the texts of the warnings that synthesis attaches to stack.
func Warnings(stack awscdk.Stack) []string {
	var texts []string
	for _, w := range *assertions.Annotations_FromStack(stack).FindWarning(jsii.String("*"), assertions.Match_AnyValue()) {
		//lint:ignore SA1019 the assertions of this version know no other
		texts = append(texts, fmt.Sprint(w.Entry.Data)) //nolint:staticcheck // see above
	}
	return texts
}

// All are the resources of a type whose ids begin with prefix, sorted by id.
func (t Template) All(typ, prefix string) []Resource {
	var found []Resource
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		if r := t.Resources[id]; r.Type == typ && strings.HasPrefix(id, prefix) {
			found = append(found, r)
		}
	}
	return found
}

// One is the only resource of a type whose id begins with prefix.
func (t Template) One(tb testing.TB, typ, prefix string) Resource {
	tb.Helper()
	found := t.All(typ, prefix)
	if len(found) != 1 {
		tb.Fatalf("got %d resources of type %s with prefix %q, want 1", len(found), typ, prefix)
	}
	return found[0]
}

// Get is the value at a path of member names and indexes below the resource's
// properties; nil if there is none.
func (r Resource) Get(path ...any) any { return Get(r.Properties, path...) }

// Text is Get as one text, with Fn::Join resolved and references in braces.
func (r Resource) Text(path ...any) string { return Text(r.Get(path...)) }

// Get is the value at a path of member names and indexes; nil if there is none.
func Get(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

// Text is v as one text: Fn::Join is joined, {"Ref":"X"} is {X}, and
// {"Fn::GetAtt":["X","Arn"]} is {X.Arn}; what else is no string is JSON.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case map[string]any:
		if join, ok := v["Fn::Join"].([]any); ok {
			var parts []string
			for _, part := range join[1].([]any) {
				parts = append(parts, Text(part))
			}
			return strings.Join(parts, Text(join[0]))
		}
		if ref, ok := v["Ref"].(string); ok {
			return "{" + ref + "}"
		}
		if att, ok := v["Fn::GetAtt"].([]any); ok {
			return fmt.Sprintf("{%v.%v}", att[0], att[1])
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
