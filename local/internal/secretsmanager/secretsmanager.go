// Package secretsmanager is AWS Secrets Manager as far as a function needs it:
// GetSecretValue of the secrets that a template declares.
package secretsmanager

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// Properties are those of AWS::SecretsManager::Secret.
type Properties struct {
	Name                 string
	Description          string `local:"declared"`
	SecretString         string
	GenerateSecretString *Generate
	KmsKeyId             string `local:"declared"`
	Tags                 any    `local:"declared"`
}

// Generate is how CloudFormation makes up a secret.
type Generate struct {
	ExcludeCharacters       string
	ExcludeLowercase        cfn.Bool
	ExcludeNumbers          cfn.Bool
	ExcludePunctuation      cfn.Bool
	ExcludeUppercase        cfn.Bool
	IncludeSpace            cfn.Bool
	RequireEachIncludedType cfn.Bool `local:"declared"`
	PasswordLength          cfn.Int
	SecretStringTemplate    string
	GenerateStringKey       string
}

// Service holds the secrets of one stack.
type Service struct {
	kernel  *sim.Kernel
	secrets map[string]*secret // by ARN and by name
}

type secret struct {
	arn, name, value string
	generate         *Generate // nil: the template gives the value
	created          time.Time
}

// NewService returns a service without secrets.
func NewService(k *sim.Kernel) *Service {
	return &Service{kernel: k, secrets: map[string]*secret{}}
}

// Create adds a secret, which is found by its ARN and by its name.
func (s *Service) Create(arn, name string, p Properties) error {
	if p.Name != "" {
		name = p.Name
	}
	value := p.SecretString
	if g := p.GenerateSecretString; g != nil {
		generated, err := g.value(s.kernel.Rand())
		if err != nil {
			return err
		}
		value = generated
	}
	sec := &secret{arn: arn, name: name, value: value, generate: p.GenerateSecretString, created: s.kernel.Now()}
	s.secrets[arn], s.secrets[name] = sec, sec
	return nil
}

// value follows the defaults of GetRandomPassword: 32 characters of all classes.
func (g *Generate) value(r *rand.Rand) (string, error) {
	alphabet := ""
	for _, class := range []struct {
		excluded cfn.Bool
		chars    string
	}{
		{g.ExcludeLowercase, "abcdefghijklmnopqrstuvwxyz"},
		{g.ExcludeUppercase, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
		{g.ExcludeNumbers, "0123456789"},
		{g.ExcludePunctuation, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
		{!g.IncludeSpace, " "},
	} {
		if !class.excluded {
			alphabet += class.chars
		}
	}
	alphabet = strings.Map(func(c rune) rune {
		if strings.ContainsRune(g.ExcludeCharacters, c) {
			return -1
		}
		return c
	}, alphabet)
	if alphabet == "" {
		return "", fmt.Errorf("GenerateSecretString excludes every character")
	}
	length := int(g.PasswordLength)
	if length == 0 {
		length = 32
	}
	password := make([]byte, length)
	for i := range password {
		password[i] = alphabet[r.IntN(len(alphabet))]
	}
	if g.SecretStringTemplate == "" {
		return string(password), nil
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(g.SecretStringTemplate), &doc); err != nil {
		return "", fmt.Errorf("SecretStringTemplate: %w", err)
	}
	doc[g.GenerateStringKey] = string(password)
	b, err := json.Marshal(doc)
	return string(b), err
}

// A secret has one version.
const (
	onlyVersion  = "00000000-0000-4000-8000-000000000001"
	currentStage = "AWSCURRENT"
)

// Do implements api.Service.
func (s *Service) Do(c api.Call, done func([]byte, error)) { done(s.do(c)) }

func (s *Service) do(c api.Call) ([]byte, error) {
	switch c.Action {
	case "GetSecretValue":
	case "DescribeSecret":
		return s.describeSecret(c)
	case "ListSecrets":
		return s.listSecrets(c)
	default:
		return nil, &api.Error{Code: "InvalidRequestException", Status: 501, Message: "not simulated: secretsmanager:" + c.Action}
	}
	var in struct{ SecretId, VersionId, VersionStage string }
	if err := json.Unmarshal(c.Input, &in); err != nil {
		return nil, api.Errorf("InvalidRequestException", "%v", err)
	}
	sec, ok := s.secrets[in.SecretId]
	if !ok {
		return nil, api.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	if in.VersionStage != "" && in.VersionStage != currentStage {
		return nil, api.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: %s", in.VersionStage)
	}
	if in.VersionId != "" && in.VersionId != onlyVersion {
		return nil, api.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: %s", in.VersionId)
	}
	return json.Marshal(map[string]any{
		"ARN": sec.arn, "Name": sec.name, "SecretString": sec.value,
		"CreatedDate": float64(sec.created.UnixMilli()) / 1000,
		"VersionId":   onlyVersion, "VersionStages": []string{currentStage},
	})
}
