package states

import (
	"encoding/base64"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// tokenPrefix begins every task token, so that what never was one can be told
// from one that is no longer valid.
const tokenPrefix = "AQC"

func (s *Service) newToken() string {
	var b [96]byte
	for i := range b {
		b[i] = byte(s.ids.Uint32())
	}
	return tokenPrefix + base64.StdEncoding.EncodeToString(b[:])
}

// task finds the branch that a token is for.
func (s *Service) task(token string) (*branch, error) {
	if b := s.tokens[token]; b != nil {
		return b, nil
	}
	switch {
	case s.spent[token]:
		return nil, api.Errorf("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
	case !strings.HasPrefix(token, tokenPrefix):
		return nil, api.Errorf("InvalidToken", "Invalid Token: 'Invalid token'")
	}
	return nil, api.Errorf("TaskDoesNotExist", "Task does not exist")
}

func (s *Service) sendTaskSuccess(b []byte) ([]byte, error) {
	var in struct {
		TaskToken string  `json:"taskToken"`
		Output    *string `json:"output"`
	}
	if err := decodeInput(b, &in); err != nil {
		return nil, err
	}
	br, err := s.task(in.TaskToken)
	if err != nil {
		return nil, err
	}
	if in.Output == nil {
		return nil, api.Errorf("ValidationException", "1 validation error detected: Value null at 'output' failed to satisfy constraint: Member must not be null")
	}
	if len(*in.Output) > maxPayload {
		return nil, api.Errorf("ValidationException", "1 validation error detected: Value at 'output' failed to satisfy constraint: Member must have length less than or equal to %d", maxPayload)
	}
	out, err := decodeJSON([]byte(*in.Output))
	if err != nil {
		return nil, api.Errorf("InvalidOutput", "Invalid Output: '%v'", err)
	}
	br.taskSucceeded(out, []byte(*in.Output))
	return []byte("{}"), nil
}

func (s *Service) sendTaskFailure(b []byte) ([]byte, error) {
	var in struct {
		TaskToken string `json:"taskToken"`
		Error     string `json:"error"`
		Cause     string `json:"cause"`
	}
	if err := decodeInput(b, &in); err != nil {
		return nil, err
	}
	br, err := s.task(in.TaskToken)
	if err != nil {
		return nil, err
	}
	if len(in.Error) > maxErrorLength || len(in.Cause) > maxCauseLength {
		return nil, api.Errorf("ValidationException", "error or cause is too long")
	}
	br.taskFailed(&failure{name: in.Error, cause: in.Cause})
	return []byte("{}"), nil
}

func (s *Service) sendTaskHeartbeat(b []byte) ([]byte, error) {
	var in struct {
		TaskToken string `json:"taskToken"`
	}
	if err := decodeInput(b, &in); err != nil {
		return nil, err
	}
	br, err := s.task(in.TaskToken)
	if err != nil {
		return nil, err
	}
	if br.beat > 0 && br.heartbeat != nil {
		br.startHeartbeat()
	}
	return []byte("{}"), nil
}
