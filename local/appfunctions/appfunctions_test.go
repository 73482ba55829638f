package appfunctions_test

import (
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/snapshot"
	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/local/appfunctions"
)

// The reference app's template runs with them, and lacks the one that is left out.
func TestAllIsWhatATemplateWants(t *testing.T) {
	template, err := snapshot.Template("dev")
	if err != nil {
		t.Fatal(err)
	}
	functions := appfunctions.All()
	stack, err := local.New(template, local.Options{Functions: functions})
	if err != nil {
		t.Fatal(err)
	}
	stack.Close()
	for _, name := range []string{"notify", "deliverwebhook", "managewebhooks"} {
		if functions[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	delete(functions, "notify")
	if _, err := local.New(template, local.Options{Functions: functions}); err == nil {
		t.Error("a stack without notify is made all the same")
	}
	if appfunctions.All()["notify"] == nil {
		t.Error("the map is shared")
	}
}
