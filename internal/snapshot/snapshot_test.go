package snapshot_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

func TestEveryEnvironmentHasATemplate(t *testing.T) {
	if got, want := snapshot.Environments(), []string{"dev", "prod", "staging"}; !slices.Equal(got, want) {
		t.Errorf("Environments = %v, want %v", got, want)
	}
	for _, env := range snapshot.Environments() {
		b, err := snapshot.Template(env)
		if err != nil {
			t.Fatal(err)
		}
		var template struct{ Resources map[string]any }
		if err := json.Unmarshal(b, &template); err != nil || len(template.Resources) == 0 {
			t.Errorf("%s: %d resources, %v", env, len(template.Resources), err)
		}
	}
}

func TestAnUnknownEnvironmentIsAnErrorThatNamesTheKnownOnes(t *testing.T) {
	_, err := snapshot.Template("production")
	if err == nil || !strings.Contains(err.Error(), `"production": it must be one of dev, prod, staging`) {
		t.Errorf("error %v", err)
	}
}
