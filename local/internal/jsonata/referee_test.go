package jsonata_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// The referee is the npm package jsonata 2.0.6, the version that AWS names, in
// node. It is looked for in $ORDERFLOW_REFEREES/node_modules, by default in
// test/referees of this repository:
//
//	cd test/referees && npm install
//
// One start of node judges all cases.

// question is one expression with the variables that it sees.
type question struct {
	Expr string         `json:"expr"`
	Vars map[string]any `json:"vars"`
}

// outcome is what became of one: a value, nothing, or an error.
type outcome struct {
	Value     any    `json:"value,omitempty"`
	Undefined bool   `json:"undefined,omitempty"`
	Error     string `json:"error,omitempty"`
}

func (o outcome) String() string {
	switch {
	case o.Error != "":
		return "error (" + o.Error + ")"
	case o.Undefined:
		return "undefined"
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(o.Value); err != nil {
		return fmt.Sprintf("%v (%v)", o.Value, err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// asked asks jsonata about all questions, or skips the test: the stored outcomes
// are checked by TestCases.
func asked(t *testing.T, questions []question) []outcome {
	t.Helper()
	dir := filepath.Join(referee.Node(t, "jsonata"), "node_modules", "jsonata")
	b, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var pkg struct{ Version string }
	if err := json.Unmarshal(b, &pkg); err != nil {
		t.Fatal(err)
	}
	if pkg.Version != "2.0.6" {
		t.Fatalf("the referee must be jsonata 2.0.6, found %s", pkg.Version)
	}
	in, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", filepath.Join("testdata", "referee.js"), dir)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	cmd.Stdin = bytes.NewReader(in)
	out := referee.Run(t, cmd)
	var answers []outcome
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatalf("the referee's answer: %v\n%.500s", err, out)
	}
	if len(answers) != len(questions) {
		t.Fatalf("the referee answered %d of %d questions", len(answers), len(questions))
	}
	return answers
}
