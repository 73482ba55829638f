package local_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/orderflow-cdk/orderflow/local"
)

func TestReadTemplate(t *testing.T) {
	write := func(folder, name, text string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	assembly := write(t.TempDir(), "manifest.json", `{"version":"54.0.0","artifacts":{
		"B":{"type":"aws:cloudformation:stack","properties":{"templateFile":"b.json"}},
		"A":{"type":"aws:cloudformation:stack","properties":{"templateFile":"a.json"}},
		"A.assets":{"type":"cdk:asset-manifest","properties":{"file":"A.assets.json"}}}}`)
	write(assembly, "a.json", "a's")
	write(assembly, "A.assets.template.json", "no stack's")
	bare := write(t.TempDir(), "A.template.json", "bare")
	broken := write(t.TempDir(), "manifest.json", `{`)
	empty := write(t.TempDir(), "manifest.json", `{"version":"54.0.0"}`)
	nothing := filepath.Join(t.TempDir(), "nothing")

	if names, err := local.Stacks(assembly); err != nil || !slices.Equal(names, []string{"A", "B"}) {
		t.Errorf("stacks: %v, %v", names, err)
	}
	for _, c := range []struct{ folder, stack, want, err string }{
		{assembly, "A", "a's", ""},
		{bare, "A", "bare", ""},
		{assembly, "C", "", assembly + ` has no stack "C": it has A, B`},
		{assembly, "A.assets", "", assembly + ` has no stack "A.assets": it has A, B`},
		{assembly, "B", "", "open " + filepath.Join(assembly, "b.json") + ": no such file or directory"},
		{empty, "A", "", empty + " has no stack"},
		{bare, "B", "", bare + " is no cloud assembly: it has no manifest.json"},
		{nothing, "A", "", nothing + " is no cloud assembly: it has no manifest.json"},
		{broken, "A", "", filepath.Join(broken, "manifest.json") + ": unexpected end of JSON input"},
	} {
		got, err := local.ReadTemplate(c.folder, c.stack)
		if string(got) != c.want || err == nil && c.err != "" || err != nil && err.Error() != c.err {
			t.Errorf("%s of %s: %q, %v; want %q, %s", c.stack, c.folder, got, err, c.want, c.err)
		}
	}
}
