package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinksOfTheDocumentsLeadSomewhere checks the links between files of the repository.
func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	documents, err := filepath.Glob("../*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"../docs/*.md", "../docs/adr/*.md", "../examples/*/*.md"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, more...)
	}
	checked := 0
	for _, document := range documents {
		b, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(b), -1) {
			to, _, _ := strings.Cut(m[1], "#")
			if to == "" || strings.Contains(to, "://") {
				continue
			}
			checked++
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), to)); err != nil {
				t.Errorf("%s: %v", document, err)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d links found", checked)
	}
}

// TestTheReadmeNamesEveryFolder holds its table of the project's structure
// against the folders that there are.
func TestTheReadmeNamesEveryFolder(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "--full-name", "--", ":/").Output()
	if err != nil {
		t.Skip("no git checkout: ", err)
	}
	text, seen := readme(t), map[string]bool{}
	for file := range strings.Lines(string(out)) {
		folders := strings.Split(strings.TrimSpace(file), "/")
		name := folders[0] + "/"
		switch {
		case len(folders) == 1 || strings.HasPrefix(name, "."):
			continue
		case name == "internal/":
			name = folders[1]
		}
		if !seen[name] && !strings.Contains(text, "`"+name) && !strings.Contains(text, "`internal/"+name+"`") {
			t.Errorf("the README's project structure does not name %s", name)
		}
		seen[name] = true
	}
}

// TestTheArchitectureNamesEveryPackageOfLocal holds its list to the folders that there are.
func TestTheArchitectureNamesEveryPackageOfLocal(t *testing.T) {
	text, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^    (local/\S*) +\S`).FindAllSubmatch(text, -1) {
		listed[strings.TrimSuffix(string(m[1]), "/")] = true
	}
	const module = "github.com/orderflow-cdk/orderflow/"
	for _, p := range goList(t, "./local/...") {
		name := strings.TrimPrefix(p, module)
		if !listed[name] {
			t.Errorf("docs/architecture.md does not list %s", name)
		}
		delete(listed, name)
	}
	for name := range listed {
		t.Errorf("docs/architecture.md lists %s, which is no package", name)
	}
}
