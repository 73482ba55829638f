package openapi_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/orderflow-cdk/orderflow/event"
	"github.com/orderflow-cdk/orderflow/internal/order"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

// checker validates requests and answers against the description. Members of answers that it does not have are errors.
func checker(t testing.TB) validator.Validator {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(d, config.WithFormatAssertions(), config.WithoutSecurityValidation())
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheDescriptionIsOpenAPI(t *testing.T) {
	ok, errs := checker(t).ValidateDocument()
	if !ok {
		for _, err := range errs {
			t.Error(err)
		}
	}
}

// TestBodiesAreThoseOfTheModels: what the gateway validates, word by word.
func TestBodiesAreThoseOfTheModels(t *testing.T) {
	d := load(t)
	models := map[string]any{}
	text, err := snapshot.Template("prod")
	if err != nil {
		t.Fatal(err)
	}
	var template struct{ Resources map[string]resource }
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	for _, r := range template.Resources {
		if r.Type == "AWS::ApiGateway::Model" {
			var p struct{ Schema map[string]any }
			if err := json.Unmarshal(r.Properties, &p); err != nil {
				t.Fatal(err)
			}
			delete(p.Schema, "$schema") // draft 4; none of what it has is different in 2020-12
			name := "NewWebhook"
			if p.Schema["title"] == "Order" {
				name = "Order"
			}
			models[name] = p.Schema
		}
	}
	want := map[string]any{"Order": d.schema("Order"), "NewWebhook": d.schema("NewWebhook")}
	if diff := cmp.Diff(models, want); diff != "" {
		t.Errorf("models of the template (-) and of the description (+):\n%s", diff)
	}
	for operation, name := range map[string]string{"POST /orders": "Order", "POST /webhooks": "NewWebhook"} {
		if diff := cmp.Diff(d.schema(name), d.at(d.operations()[operation], "requestBody", "content", "application/json", "schema")); diff != "" {
			t.Errorf("%s does not take a %s:\n%s", operation, name, diff)
		}
	}
}

func TestEventsAreThoseOfTheirSchema(t *testing.T) {
	d := load(t)
	var want map[string]any
	if err := json.Unmarshal([]byte(event.Schema()), &want); err != nil {
		t.Fatal(err)
	}
	delete(want, "$schema")
	delete(want, "$id")
	if diff := cmp.Diff(want, d.schema("Event")); diff != "" {
		t.Errorf("the event's schema (-) and the description's (+):\n%s", diff)
	}
}

func TestStatusesAreThoseOfTheDomain(t *testing.T) {
	var want []any
	for _, s := range order.Statuses() {
		want = append(want, string(s))
	}
	if diff := cmp.Diff(want, load(t).schema("Status")["enum"]); diff != "" {
		t.Errorf("the domain's statuses (-) and the description's (+):\n%s", diff)
	}
}

// TestExamplesAreWhatTheyAreExamplesOf.
func TestExamplesAreWhatTheyAreExamplesOf(t *testing.T) {
	d := load(t)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("openapi.json", map[string]any(d)); err != nil {
		t.Fatal(err)
	}
	found := 0
	var walk func(v any, pointer string)
	walk = func(v any, pointer string) {
		m, ok := v.(map[string]any)
		if !ok {
			for i, each := range list(v) {
				walk(each, pointer+"/"+string(rune('0'+i)))
			}
			return
		}
		if m["schema"] != nil {
			values := []any{}
			if e, ok := m["example"]; ok {
				values = append(values, e)
			}
			examples, _ := m["examples"].(map[string]any)
			for _, name := range slices.Sorted(maps.Keys(examples)) {
				values = append(values, examples[name].(map[string]any)["value"])
			}
			if len(values) > 0 {
				schema, err := c.Compile("openapi.json#" + pointer + "/schema")
				if err != nil {
					t.Fatalf("%s: %v", pointer, err)
				}
				for _, value := range values {
					found++
					if err := schema.Validate(value); err != nil {
						t.Errorf("%s: %v", pointer, err)
					}
				}
			}
		}
		for name, each := range m {
			walk(each, pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
		}
	}
	walk(map[string]any(d), "")
	if found < 15 {
		t.Errorf("only %d examples found", found)
	}
}
