package sns

import (
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// The codes and messages are those of the service's own answers, as far as a
// public suite of recorded answers has them; the rest follows their style.
const (
	codeInvalidParameter = "InvalidParameter"
	codeInvalidValue     = "ParameterValueInvalid"
	codeNotFound         = "NotFound"
)

// errInvalid is InvalidParameter, whose message always begins alike.
func errInvalid(format string, args ...any) *api.Error {
	return api.Errorf(codeInvalidParameter, "Invalid parameter: "+format, args...)
}

func errValue(format string, args ...any) *api.Error {
	return api.Errorf(codeInvalidValue, format, args...)
}

func errNotFound(what string) *api.Error {
	return &api.Error{Code: codeNotFound, Message: what + " does not exist", Status: 404}
}

// checkARN holds that an ARN has six parts at least.
func checkARN(parameter, arn string) error {
	if n := strings.Count(arn, ":") + 1; n < 6 {
		return errInvalid("%s Reason: An ARN must have at least 6 elements, not %d", parameter, n)
	}
	return nil
}

// find returns the topic that a call names.
func (s *Service) find(arn string) (*Topic, error) {
	if t := s.byARN[arn]; t != nil {
		return t, nil
	}
	if err := checkARN("TopicArn", arn); err != nil {
		return nil, err
	}
	if part := strings.SplitN(arn, ":", 6); part[2] != "sns" || part[3] != s.region {
		return nil, errInvalid("TopicArn")
	}
	return nil, errNotFound("Topic")
}
