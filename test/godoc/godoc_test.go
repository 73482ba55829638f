// Package godoc_test holds what pkg.go.dev shows of this module to a few rules: everything exported is explained, links lead
// somewhere, and each construct has an example that runs.
package godoc_test

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// library is a package that others may import, with the files of its tests.
type library struct {
	path string // from the module's root
	*doc.Package
}

// libraries are the packages outside of internal folders that are no commands, and all others whose names only this module sees.
func libraries(t *testing.T, internal bool) (all []library) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		switch name := d.Name(); {
		case path == root:
			return nil
		case strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "examples" || name == "cdk.out" || name == "dist":
			return filepath.SkipDir
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if inside := strings.Contains("/"+relative+"/", "/internal/"); inside && !internal {
			return nil
		}
		if p := load(t, relative); p != nil {
			all = append(all, library{relative, p})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func load(t *testing.T, path string) *doc.Package {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, path, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	name := ""
	for _, n := range names {
		f, err := parser.ParseFile(fset, n, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(n, "_test.go") {
			name = f.Name.Name
		}
		files = append(files, f)
	}
	if name == "" || name == "main" {
		return nil
	}
	p, err := doc.NewFromFiles(fset, files, "github.com/orderflow-cdk/orderflow/"+filepath.ToSlash(path))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return p
}

// TestEverythingExportedIsExplained, by a comment of its own or of its group.
func TestEverythingExportedIsExplained(t *testing.T) {
	found := 0
	for _, p := range libraries(t, true) {
		missing := func(name, text string) {
			found++
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s: %s has no comment", p.path, name)
			}
		}
		if p.Doc == "" {
			t.Errorf("%s: the package has no comment", p.path)
		}
		funcs := func(of string, all []*doc.Func) {
			for _, f := range all {
				missing(of+f.Name, f.Doc)
			}
		}
		values := func(all []*doc.Value) {
			for _, v := range all {
				grouped(v, missing)
			}
		}
		funcs("", p.Funcs)
		values(p.Consts)
		values(p.Vars)
		for _, typ := range p.Types {
			missing(typ.Name, typ.Doc)
			funcs("", typ.Funcs)
			for _, m := range typ.Methods {
				if standard[m.Name] == "" && m.Level == 0 {
					missing(typ.Name+"."+m.Name, m.Doc)
				}
			}
			values(typ.Consts)
			values(typ.Vars)
		}
	}
	if found < 500 {
		t.Errorf("only %d exported names found", found)
	}
}

// standard are methods whose meaning an interface of the standard library says.
var standard = map[string]string{
	"Error": "error", "Unwrap": "errors", "Is": "errors", "As": "errors", "String": "fmt.Stringer", "Len": "sort.Interface", "Less": "sort.Interface",
	"Swap": "sort.Interface", "Push": "heap.Interface", "Pop": "heap.Interface", "Write": "io.Writer",
}

// grouped looks at each exported name of a declaration, which its group's comment explains too.
func grouped(v *doc.Value, missing func(name, text string)) {
	for _, spec := range v.Decl.Specs {
		s, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		for _, n := range s.Names {
			if n.IsExported() {
				missing(n.Name, v.Doc+s.Doc.Text()+s.Comment.Text())
			}
		}
	}
}

// linkLike is what is left as text of a link that leads nowhere.
var linkLike = regexp.MustCompile(`\[(?:[a-z]\w*\.)?[A-Z]\w*(?:\.[A-Z]\w*)?\]`)

// TestLinksInCommentsResolve: to names of the package, or of packages that it imports.
func TestLinksInCommentsResolve(t *testing.T) {
	checked := 0
	for _, p := range libraries(t, false) {
		texts := map[string]string{"package comment": p.Doc}
		for _, f := range p.Funcs {
			texts[f.Name] = f.Doc
		}
		for _, typ := range p.Types {
			texts[typ.Name] = typ.Doc
			for _, f := range append(typ.Funcs, typ.Methods...) {
				texts[typ.Name+"."+f.Name] = f.Doc
			}
		}
		for name, text := range texts {
			checked++
			for _, block := range p.Parser().Parse(text).Content {
				if _, code := block.(*comment.Code); code {
					continue
				}
				plain := string(new(comment.Printer).Text(&comment.Doc{Content: []comment.Block{unlinked(block)}}))
				if dangling := linkLike.FindString(plain); dangling != "" {
					t.Errorf("%s: %s: %s leads nowhere", p.path, name, dangling)
				}
			}
		}
	}
	if checked < 200 {
		t.Errorf("only %d comments found", checked)
	}
}

// unlinked is a block without the links that were resolved.
func unlinked(block comment.Block) comment.Block {
	p, ok := block.(*comment.Paragraph)
	if !ok {
		return block
	}
	var kept []comment.Text
	for _, t := range p.Text {
		if _, link := t.(*comment.DocLink); !link {
			kept = append(kept, t)
		}
	}
	return &comment.Paragraph{Text: kept}
}

// TestEveryConstructHasExamplesThatRun: of the package, with the output that is checked.
func TestEveryConstructHasExamplesThatRun(t *testing.T) {
	constructs := 0
	for _, p := range libraries(t, false) {
		folder, name := filepath.Split(p.path)
		if folder != "constructs/" || name == "record" {
			continue
		}
		constructs++
		all := append([]*doc.Example{}, p.Examples...)
		for _, typ := range p.Types {
			all = append(all, typ.Examples...)
			for _, f := range append(typ.Funcs, typ.Methods...) {
				all = append(all, f.Examples...)
			}
		}
		ofPackage := false
		for _, e := range all {
			ofPackage = ofPackage || e.Name == ""
			if e.Output == "" && !e.EmptyOutput {
				t.Errorf("%s: Example%s is compiled and not run: it has no Output", p.path, e.Name)
			}
		}
		if !ofPackage || len(all) < 2 {
			t.Errorf("%s has %d examples, want one of the package and one more", p.path, len(all))
		}
	}
	if constructs < 5 {
		t.Errorf("only %d constructs found", constructs)
	}
}
