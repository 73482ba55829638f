package openapi_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/internal/referee"
	"github.com/orderflow-cdk/orderflow/internal/servetest"
	"github.com/orderflow-cdk/orderflow/local"
)

// TestSchemathesisFindsNothing: Python's schemathesis makes requests up from the description, good and bad ones, sends them to a stack that
// runs in real time, and holds its answers to the description.
func TestSchemathesisFindsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds; not with -short")
	}
	python := referee.Python(t)
	if err := exec.Command(python, "-c", "import schemathesis").Run(); err != nil {
		t.Skipf("no referee: %s has no schemathesis (pip install schemathesis==4.32.5 installs it)", python)
	}
	s, url := servetest.Start(t, "", func(url string) (*local.Stack, error) {
		return localapp.New("dev", local.Options{Seed: 1, RealTime: true, Endpoint: url})
	})
	token, err := s.IDToken("ada", map[string]any{record.TenantClaim: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	description, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-m", "schemathesis.cli", "run", description, "--url", url, "--header", "Authorization: Bearer "+token,
		"--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance",
		"--phases", "examples,coverage,fuzzing", "--max-examples", "5", "--seed", "1", "--no-color", "--suppress-health-check", "all",
		"--generation-database", "none")
	cmd.Dir = t.TempDir() // where it leaves a cache
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		t.Errorf("%v\n%s", err, text[max(0, len(text)-6000):])
	}
	if want := fmt.Sprintf("Tested: %d\n", len(load(t).operations())); !strings.Contains(text, want) {
		t.Errorf("it does not say %q:\n%s", want, text[max(0, len(text)-3000):])
	}
	t.Log(text[max(0, len(text)-1500):])
}
