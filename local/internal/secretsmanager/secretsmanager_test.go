package secretsmanager_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/secretsmanager"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:pay"

func get(t *testing.T, p secretsmanager.Properties, id, action string) (string, error) {
	t.Helper()
	s := secretsmanager.NewService(sim.New(time.Unix(0, 0), 1))
	if err := s.Create(arn, "pay", p); err != nil {
		t.Fatal(err)
	}
	var (
		value string
		err   error
	)
	s.Do(api.Call{Action: action, Input: []byte(`{"SecretId":"` + id + `"}`)}, func(out []byte, e error) {
		var doc struct{ SecretString string }
		if e == nil {
			e = json.Unmarshal(out, &doc)
		}
		value, err = doc.SecretString, e
	})
	return value, err
}

func TestGetSecretValue(t *testing.T) {
	fixed := secretsmanager.Properties{SecretString: "s3cret"}
	for _, id := range []string{arn, "pay"} {
		if v, err := get(t, fixed, id, "GetSecretValue"); err != nil || v != "s3cret" {
			t.Errorf("GetSecretValue %s = %q, %v", id, v, err)
		}
	}
	if _, err := get(t, fixed, "other", "GetSecretValue"); err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
		t.Errorf("an unknown secret: %v", err)
	}
	if _, err := get(t, fixed, arn, "PutSecretValue"); err == nil || !strings.Contains(err.Error(), "not simulated") {
		t.Errorf("an action that is not simulated: %v", err)
	}
}

func TestGenerateSecretString(t *testing.T) {
	v, err := get(t, secretsmanager.Properties{GenerateSecretString: &secretsmanager.Generate{
		ExcludePunctuation: true, ExcludeLowercase: true, ExcludeCharacters: "O0", PasswordLength: 200,
	}}, arn, "GetSecretValue")
	if err != nil || len(v) != 200 || strings.Trim(v, "ABCDEFGHIJKLMNPQRSTUVWXYZ123456789") != "" {
		t.Errorf("generated %q, %v", v, err)
	}
	v, err = get(t, secretsmanager.Properties{GenerateSecretString: &secretsmanager.Generate{
		SecretStringTemplate: `{"user":"x"}`, GenerateStringKey: "key",
	}}, arn, "GetSecretValue")
	var doc map[string]string
	if err != nil || json.Unmarshal([]byte(v), &doc) != nil || doc["user"] != "x" || len(doc["key"]) != 32 {
		t.Errorf("generated from a template: %q, %v", v, err)
	}
}
