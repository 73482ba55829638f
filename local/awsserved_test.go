package local_test

import (
	"os"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local"
	"github.com/orderflow-cdk/orderflow/local/internal/awsapi"
)

// What the endpoint lets through is what the services have, and what the page about it says.
func TestWhatIsServedIsSimulatedAndDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/aws-clients.md")
	if err != nil {
		t.Fatal(err)
	}
	stack := start(t, local.Options{})
	for _, s := range awsapi.Services {
		row := "| " + s.Title + " | " + strings.Join(s.Actions, ", ") + " | " + s.Resources + " |\n"
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/aws-clients.md lacks the row\n%s", row)
		}
		for _, action := range s.Actions {
			_, err := stack.Call(s.Name, action, []byte("{}"))
			if err != nil && (strings.Contains(err.Error(), "not simulated") || awsapi.Known(err).HTTPStatus() >= 500) {
				t.Errorf("%s %s: %v", s.Name, action, err)
			}
		}
	}
}
