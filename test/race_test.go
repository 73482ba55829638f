package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPackagesWithGoroutinesAreTestedForRaces holds the Makefile's RACE to the code: whatever package
// starts a goroutine or has a lock, and has tests, is among them.
func TestPackagesWithGoroutinesAreTestedForRaces(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, m := range regexp.MustCompile(`(?m)^RACE := ((?:.*\\\n)*.*)`).FindAllSubmatch(makefile, -1) {
		listed = append(listed, strings.Fields(strings.ReplaceAll(string(m[1]), "\\\n", " "))...)
	}
	found := 0
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == "examples" || strings.HasPrefix(d.Name(), ".") && path != ".."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		why := concurrent(t, path)
		if why == "" {
			return nil
		}
		found++
		if tests, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*_test.go")); len(tests) == 0 {
			return nil // tested through those that use it
		}
		folder, _ := filepath.Rel("..", filepath.Dir(path))
		for _, pattern := range listed {
			parent, all := strings.CutSuffix(pattern, "/...")
			if "./"+folder == parent || all && strings.HasPrefix("./"+folder, parent+"/") {
				return nil
			}
		}
		t.Errorf("%s has %s, and its package is not in RACE of the Makefile", path, why)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 10 {
		t.Errorf("only %d files with goroutines or locks were found", found)
	}
}

// concurrent tells what of a file can race, "" for nothing.
func concurrent(t *testing.T, path string) (why string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			why = "a go statement"
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "sync" && slices.Contains([]string{"Mutex", "RWMutex", "WaitGroup", "Cond"}, n.Sel.Name) {
				why = "sync." + n.Sel.Name
			}
		}
		return why == ""
	})
	return why
}
