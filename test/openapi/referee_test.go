package openapi_test

import (
	"os/exec"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// TestAnotherValidatorTakesTheDescription: Python's openapi-spec-validator, which has the schema of OpenAPI 3.1.
func TestAnotherValidatorTakesTheDescription(t *testing.T) {
	python := referee.Python(t)
	if err := exec.Command(python, "-c", "import openapi_spec_validator").Run(); err != nil {
		t.Skipf("no referee: %s has no openapi_spec_validator (pip install openapi-spec-validator==0.9.0 installs it)", python)
	}
	if out, err := exec.Command(python, "-m", "openapi_spec_validator", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
