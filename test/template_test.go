package test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/infra/app"
	"github.com/orderflow-cdk/orderflow/internal/handler"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

// template is a CloudFormation template.
type template map[string]any

// resource is one resource of a template.
type resource struct {
	ID, Type   string
	Properties map[string]any
	All        map[string]any
}

// resources returns those of some types, or all, sorted by logical id.
func (t template) resources(types ...string) []resource {
	var out []resource
	for id, r := range t["Resources"].(map[string]any) {
		all := r.(map[string]any)
		typ := all["Type"].(string)
		if len(types) > 0 && !slices.Contains(types, typ) {
			continue
		}
		properties, _ := all["Properties"].(map[string]any)
		out = append(out, resource{ID: id, Type: typ, Properties: properties, All: all})
	}
	slices.SortFunc(out, func(a, b resource) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	return out
}

// target returns the resource that a Ref or Fn::GetAtt points to.
func (t template) target(v any) (resource, bool) {
	m, _ := v.(map[string]any)
	id, _ := m["Ref"].(string)
	if att, ok := m["Fn::GetAtt"].([]any); ok {
		id, _ = att[0].(string)
	}
	for _, r := range t.resources() {
		if r.ID == id {
			return r, true
		}
	}
	return resource{}, false
}

// function returns the function that a name or an ARN points to, by an alias or not.
func (t template) function(v any) (resource, bool) {
	r, ok := t.target(v)
	// The CDK takes an alias's ARN apart and puts it together again.
	for _, within := range []string{"Fn::Join", "Fn::Select", "Fn::Split"} {
		for _, part := range list(at(v, within)) {
			for _, inner := range list(part) {
				if !ok {
					r, ok = t.function(inner)
				}
			}
		}
	}
	if ok && (r.Type == "AWS::Lambda::Alias" || r.Type == "AWS::Lambda::Version") {
		return t.function(r.Properties["FunctionName"])
	}
	return r, ok && r.Type == "AWS::Lambda::Function"
}

func (r resource) int(name string) int {
	n, _ := r.Properties[name].(json.Number)
	i, _ := n.Int64()
	return int(i)
}

// at walks down nested objects.
func at(v any, path ...string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// parse reads a template whose code does not matter.
func parse(t testing.TB, b []byte) template {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(snapshot.Normalize(b)))
	dec.UseNumber()
	var out template
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// text is a template with sorted keys.
func (t template) text(tb testing.TB) []byte {
	tb.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(t); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// bootstraps returns a folder like build-functions makes it, but with nothing
// in the executables.
func bootstraps(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, arch := range []string{"arm64", "x86_64"} {
		for _, f := range handler.Functions() {
			folder := filepath.Join(dir, arch, f.Name)
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "bootstrap"), []byte("#!/bin/sh\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// flags are the feature flags that the command line would read.
func flags(t testing.TB) map[string]any {
	t.Helper()
	b, err := os.ReadFile("../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	var config struct{ Context map[string]any }
	if err := json.Unmarshal(b, &config); err != nil {
		t.Fatal(err)
	}
	return config.Context
}

// synthesis is what came of an app with one or more stacks.
type synthesis struct {
	texts    map[string][]byte
	stacks   map[string]template
	findings map[string][]finding         // of cdk-nag, by the stack
	paths    map[string]map[string]string // of resources, by the stack and the logical id
	manifest []byte
}

// synthesize synthesizes an app into outdir, by a.Synth or by nag, which has cdk-nag look at it.
func synthesize(t testing.TB, a awscdk.App, by func(awscdk.App), outdir string, names ...string) *synthesis {
	t.Helper()
	by(a)
	out := &synthesis{texts: map[string][]byte{}, stacks: map[string]template{}, findings: map[string][]finding{}, paths: map[string]map[string]string{}}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(outdir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	out.manifest = read("manifest.json")
	for _, name := range names {
		out.texts[name] = read(name + ".template.json")
		out.stacks[name] = parse(t, out.texts[name])
		out.findings[name], out.paths[name] = findings(t, out.manifest, name, read)
	}
	return out
}

var synthesized struct {
	once sync.Once
	*synthesis
}

// stacks returns the app's templates by stack name.
func stacks(t testing.TB) map[string]template {
	t.Helper()
	synthesized.once.Do(func() {
		dir := t.TempDir()
		a, err := app.New(app.Options{Assets: bootstraps(t), Context: flags(t), Outdir: dir})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, env := range app.Environments() {
			names = append(names, "orderflow-"+env.Name)
		}
		synthesized.synthesis = synthesize(t, a, nag, dir, names...)
	})
	if synthesized.synthesis == nil {
		t.Fatal("the app could not be synthesized: see the first test that failed")
	}
	return synthesized.stacks
}

func plainly(a awscdk.App) { a.Synth(nil) }

// synth returns the template of a stack that holds what build adds.
func synth(t testing.TB, build func(awscdk.Stack)) template {
	t.Helper()
	return synthesizeStack(t, plainly, build).stacks[testStack]
}

// synthText returns it as the CDK writes it, with the hashes of the code.
func synthText(t testing.TB, build func(awscdk.Stack)) []byte {
	t.Helper()
	return synthesizeStack(t, plainly, build).texts[testStack]
}

const testStack = "test"

func synthesizeStack(t testing.TB, by func(awscdk.App), build func(awscdk.Stack)) *synthesis {
	t.Helper()
	context := flags(t)
	dir := t.TempDir()
	a := awscdk.NewApp(&awscdk.AppProps{Context: &context, Outdir: jsii.String(dir), AnalyticsReporting: jsii.Bool(false)})
	build(awscdk.NewStack(a, jsii.String(testStack), nil))
	return synthesize(t, a, by, dir, testStack)
}

// each runs check on every stack of the app.
func each(t *testing.T, check func(*testing.T, template)) {
	t.Helper()
	all := stacks(t)
	for _, env := range app.Environments() {
		t.Run(env.Name, func(t *testing.T) { check(t, all["orderflow-"+env.Name]) })
	}
}
