package test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/infra/app"
)

func TestSnapshotsOfTheApp(t *testing.T) {
	for _, env := range app.Environments() {
		name := "orderflow-" + env.Name
		t.Run(env.Name, func(t *testing.T) {
			compare(t, filepath.Join("..", "internal", "snapshot", name+".template.json"), stacks(t)[name])
		})
	}
}

func TestSnapshotsOfScenarios(t *testing.T) {
	all := scenarios(t)
	for _, name := range built.names {
		t.Run(name, func(t *testing.T) {
			compare(t, filepath.Join("testdata", filename(name)), all[name].stacks[testStack])
		})
	}
}

func filename(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c == ' ' {
			b[i] = '-'
		}
	}
	return string(b) + ".json"
}

func compare(t *testing.T, file string, got template) {
	t.Helper()
	text := got.text(t)
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (write it with: go test ./test -update)", err)
	}
	if diff := cmp.Diff(parse(t, b), got); diff != "" {
		t.Errorf("%s is not what is synthesized now; if that is meant, run go test ./test -update:\n%s", file, diff)
	} else if string(b) != string(text) {
		t.Errorf("%s says the same as what is synthesized now, but in another form; run go test ./test -update", file)
	}
}
