package bootstrap

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
)

func TestAWSConfig(t *testing.T) {
	env := map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "SECRET", "AWS_SESSION_TOKEN": "TOKEN",
	}
	getenv := func(name string) string { return env[name] }
	cfg, err := awsConfig(getenv)
	if err != nil {
		t.Fatal(err)
	}
	got, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"AKID", "SECRET", "TOKEN"}, []string{got.AccessKeyID, got.SecretAccessKey, got.SessionToken}); diff != "" {
		t.Errorf("credentials (-want +got)\n%s", diff)
	}
	if cfg.Region != "eu-central-1" || cfg.BaseEndpoint != nil {
		t.Errorf("region %s, endpoint %v", cfg.Region, cfg.BaseEndpoint)
	}

	env["AWS_ENDPOINT_URL"] = "http://127.0.0.1:4566"
	if cfg, err = awsConfig(getenv); err != nil || aws.ToString(cfg.BaseEndpoint) != "http://127.0.0.1:4566" {
		t.Errorf("endpoint %v, %v", cfg.BaseEndpoint, err)
	}

	delete(env, "AWS_REGION")
	delete(env, "AWS_SECRET_ACCESS_KEY")
	const want = "AWS_REGION, AWS_SECRET_ACCESS_KEY not set, as Lambda sets it"
	if _, err := awsConfig(getenv); err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
