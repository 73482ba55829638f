package conformance

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// TestSecret is Secrets Manager with a secret, Secret, that is {"user":"ada"}.
func TestSecret(t *testing.T, f Features, open func(testing.TB) World) {
	run(t, f, open, []check{
		{"value", secretValue},
		{"requests refused", secretRefused},
	})
}

func (c *C) value(id, stage string) (*secretsmanager.GetSecretValueOutput, error) {
	in := &secretsmanager.GetSecretValueInput{SecretId: &id}
	if stage != "" {
		in.VersionStage = &stage
	}
	return secretsmanager.NewFromConfig(c.Config).GetSecretValue(c.ctx, in)
}

func secretValue(c *C) {
	out := must(c.value(c.Names["Secret"], ""))
	equal(c, "the value", aws.ToString(out.SecretString), `{"user":"ada"}`)
	equal(c, "the ARN", aws.ToString(out.ARN), c.Names["Secret"])
	equal(c, "the stages", strings.Join(out.VersionStages, " "), "AWSCURRENT")
	if aws.ToString(out.VersionId) == "" || out.CreatedDate == nil {
		c.Errorf("there is no version or no date: %+v", out)
	}
	byName := must(c.value(aws.ToString(out.Name), "AWSCURRENT"))
	equal(c, "by name and stage", aws.ToString(byName.SecretString), `{"user":"ada"}`)
}

func secretRefused(c *C) {
	_, err := c.value("none", "")
	refused(c, err, "ResourceNotFoundException")
	_, err = c.value(c.Names["Secret"], "AWSPENDING")
	refused(c, err, "ResourceNotFoundException")
}
