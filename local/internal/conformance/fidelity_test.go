package conformance_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	testName = regexp.MustCompile(`\b([a-z]+)\.(Test\w+)`)
	rowLabel = regexp.MustCompile(`^(AWS::.*?)(?:  +(.*))?$`)
)

// ownTests is what a row says whose tests are of nobody else.
const ownTests = "by our own tests only"

// TestFidelity: every type that package local's documentation says to be simulated is one of which it says what
// checks it, and that is true: the test exists, and is a suite of this package or one with a referee, or said
// to be neither.
func TestFidelity(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	simulated := table(t, file.Doc.Text(), "# What is simulated")
	checked := table(t, file.Doc.Text(), "# What checks it")
	for typ, what := range simulated {
		switch tests, ok := checked[typ]; {
		case ok == strings.HasPrefix(what, "declared"):
			t.Errorf("%s is %q and checked by %q: what is only declared is not checked, all else is", typ, what, tests)
		case ok:
			checkRow(t, typ, tests)
		}
	}
	all := ""
	for typ, tests := range checked {
		all += tests + " "
		if _, ok := simulated[typ]; !ok {
			t.Errorf("%s is checked, but not in the table of what is simulated", typ)
		}
	}
	for name := range suites {
		if !strings.Contains(all, "conformance.Test"+name) {
			t.Errorf("the suite %s checks nothing in the table", name)
		}
	}
}

func checkRow(t *testing.T, typ, row string) {
	t.Helper()
	// What comes after that is ours.
	outside, own, _ := strings.Cut(row, ownTests)
	for part, others := range map[string]bool{outside: true, own: false} {
		for _, m := range testName.FindAllStringSubmatch(part, -1) {
			file := fileOf(t, m[1], m[2])
			switch {
			case file == "":
				t.Errorf("%s: there is no %s", typ, m[0])
			case others && m[1] != "conformance" && !strings.HasPrefix(file, "referee"):
				t.Errorf("%s: %s in %s has no referee; say %q", typ, m[0], file, ownTests)
			}
		}
	}
	if !testName.MatchString(row) {
		t.Errorf("%s: %q names no test", typ, row)
	}
}

// fileOf is the file in which a test is, "" if there is none. Its package is below local/internal, or below the module's internal.
func fileOf(t *testing.T, pkg, test string) string {
	t.Helper()
	var files []string
	for _, folder := range []string{"../", "../../../internal/"} {
		found, err := filepath.Glob(folder + pkg + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, name := range files {
		if pkg != "conformance" && !strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(f.Decls, func(d ast.Decl) bool {
			function, ok := d.(*ast.FuncDecl)
			return ok && function.Recv == nil && function.Name.Name == test
		}) {
			return filepath.Base(name)
		}
	}
	return ""
}

// table is the indented table of a section, by its first column.
func table(t *testing.T, doc, heading string) map[string]string {
	t.Helper()
	_, section, ok := strings.Cut(doc, heading+"\n")
	if !ok {
		t.Fatalf("there is no section %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n# ")
	rows := map[string]string{}
	last := ""
	for line := range strings.Lines(section) {
		line, indented := strings.CutPrefix(strings.TrimRight(line, "\n"), "\t")
		switch m := rowLabel.FindStringSubmatch(line); {
		case !indented:
		case m != nil:
			last = m[1]
			rows[last] = m[2]
		case last != "":
			rows[last] += " " + strings.TrimSpace(line)
		}
	}
	if len(rows) < 5 {
		t.Fatalf("the table of %q has only %v", heading, rows)
	}
	return rows
}
