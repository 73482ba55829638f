package local

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// RoleCredentials are those of somebody who has assumed a role of the template, by the role's ARN: an
// AWS client with them may do what the role's policies allow. That somebody may assume it is not checked.
func (s *Stack) RoleCredentials(roleARN string) (aws.Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.credentialsOf(roleARN)
	if _, _, ok := s.principalOf(c.AccessKeyID); !ok {
		return aws.Credentials{}, fmt.Errorf("the template has no role %s", roleARN)
	}
	return c, nil
}
