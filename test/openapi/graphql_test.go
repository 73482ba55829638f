package openapi_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

// TestTheGraphQLSchemaIsThatOfTheTemplates: of every environment, behind what AppSync itself declares.
func TestTheGraphQLSchemaIsThatOfTheTemplates(t *testing.T) {
	document, err := os.ReadFile("../../docs/schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	for _, environment := range snapshot.Environments() {
		text, err := snapshot.Template(environment)
		if err != nil {
			t.Fatal(err)
		}
		var template struct{ Resources map[string]resource }
		if err := json.Unmarshal(text, &template); err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, r := range template.Resources {
			if r.Type != "AWS::AppSync::GraphQLSchema" {
				continue
			}
			found++
			var p struct{ Definition string }
			if err := json.Unmarshal(r.Properties, &p); err != nil {
				t.Fatal(err)
			}
			deployed := strings.TrimSpace(p.Definition)
			if !strings.HasSuffix(strings.TrimSpace(string(document)), deployed) {
				_, described, _ := strings.Cut(string(document), "on FIELD_DEFINITION\n\n#")
				t.Errorf("docs/schema.graphql does not end in the schema of %s (-template +document):\n%s", environment, cmp.Diff(deployed, "#"+strings.TrimSpace(described)))
			}
		}
		if found != 1 {
			t.Errorf("%s has %d GraphQL schemas, want 1", environment, found)
		}
	}
}

// TestTheGraphQLSchemaHasTheEvent: a client sees the same event over the websocket as anywhere else.
func TestTheGraphQLSchemaHasTheEvent(t *testing.T) {
	document, err := os.ReadFile("../../docs/schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(document)})
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Required   []string
		Properties map[string]any
	}
	if err := json.Unmarshal([]byte(event.Schema()), &e); err != nil {
		t.Fatal(err)
	}
	required := map[string]bool{}
	for _, name := range e.Required {
		required[name] = true
	}
	for _, typ := range []string{"OrderStatusEvent", "OrderStatusEventInput"} {
		got, want := map[string]bool{}, map[string]bool{}
		for _, f := range schema.Types[typ].Fields {
			got[f.Name] = f.Type.NonNull
		}
		for name := range e.Properties {
			want[name] = required[name]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: members of the event (-) and of the type (+), true where they are always there:\n%s", typ, diff)
		}
	}
}
