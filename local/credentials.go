package local

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// RootCredentials are those of the account itself, for people and their AWS clients: they may
// do everything that no policy denies.
func (s *Stack) RootCredentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: s.accessKey("AKIA", rootCaller), SecretAccessKey: s.secretKey(rootCaller), Source: "local"}
}

// Region is the region that the stack runs in.
func (s *Stack) Region() string { return s.opts.Region }

// rootCaller stands for the account where a role's ARN would be.
const rootCaller = "root"

// credentialsOf are those of a role of the template, as a service or a function that has the
// role gets them. They are the same in every run of a stack.
func (s *Stack) credentialsOf(roleARN string) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: s.accessKey("ASIA", roleARN), SecretAccessKey: s.secretKey(roleARN),
		SessionToken: base64.StdEncoding.EncodeToString([]byte("local:" + roleARN)), Source: "local",
	}
}

// principalOf is whose an access key is: a role's ARN, a user's, or "" for the account itself.
func (s *Stack) principalOf(accessKey string) (caller, secret string, ok bool) {
	if id, ok := s.opts.Identities[accessKey]; ok {
		return id.withDefaults(accessKey, s.opts.AccountID).UserARN, id.SecretAccessKey, true
	}
	if assumed, ok := s.endpoint.sessions[accessKey]; ok && s.Now().Before(assumed.expires) {
		return assumed.role, assumed.credentials.SecretAccessKey, true
	}
	p, ok := s.principals()[accessKey]
	return p.caller, p.secret, ok
}

// principal is whose an access key is, and what belongs to it.
type principal struct {
	caller, secret, token string
}

// principals are the account itself and the roles of the template, by access key.
func (s *Stack) principals() map[string]principal {
	if s.keys != nil {
		return s.keys
	}
	root := s.RootCredentials()
	s.keys = map[string]principal{root.AccessKeyID: {secret: root.SecretAccessKey}}
	for _, id := range s.names.template.LogicalIDs() {
		if typ, _ := s.names.template.Type(id); typ != "AWS::IAM::Role" {
			continue
		}
		if arn, err := s.names.getAtt(id, "AWS::IAM::Role", "Arn"); err == nil {
			c := s.credentialsOf(arn)
			s.keys[c.AccessKeyID] = principal{arn, c.SecretAccessKey, c.SessionToken}
		}
	}
	return s.keys
}

// accessKey is an access key id as AWS writes them: a prefix of four letters and 16 characters of base 32.
func (s *Stack) accessKey(prefix, of string) string {
	sum := sha256.Sum256([]byte("id\n" + s.opts.AccountID + "\n" + s.opts.Name + "\n" + of))
	return prefix + base32.StdEncoding.EncodeToString(sum[:10])
}

func (s *Stack) secretKey(of string) string {
	sum := sha256.Sum256([]byte("secret\n" + s.opts.AccountID + "\n" + s.opts.Name + "\n" + of))
	return base64.StdEncoding.EncodeToString(sum[:30])
}
