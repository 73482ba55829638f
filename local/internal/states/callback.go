package states

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// tokenPrefix begins every task token, so that what never was one can be told
// from one that is no longer valid.
const tokenPrefix = "AQC"

// A token is nonceSize bytes, of which the first tell the state machine and the others are random, and
// their authentication code: so the service knows its own tokens without keeping those of tasks that ended.
const nonceSize, machineSize = 64, 8

func (s *Service) newToken(sm *StateMachine) string {
	var b [nonceSize + sha256.Size]byte
	for i := range nonceSize {
		b[i] = byte(s.ids.Uint32())
	}
	copy(b[:machineSize], sm.mark())
	copy(b[nonceSize:], s.authenticate(b[:nonceSize]))
	return tokenPrefix + base64.StdEncoding.EncodeToString(b[:])
}

// mark tells a state machine from others in a token.
func (sm *StateMachine) mark() []byte {
	sum := sha256.Sum256([]byte(sm.ARN))
	return sum[:machineSize]
}

func (s *Service) authenticate(nonce []byte) []byte {
	mac := hmac.New(sha256.New, s.tokenKey)
	mac.Write(nonce)
	return mac.Sum(nil)
}

// issued says whether a token is one of the service's, and returns its state machine's mark.
func (s *Service) issued(token string) (mark []byte, ok bool) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(token, tokenPrefix))
	if err != nil || len(b) != nonceSize+sha256.Size || !hmac.Equal(b[nonceSize:], s.authenticate(b[:nonceSize])) {
		return nil, false
	}
	return b[:machineSize], true
}

// task finds the branch that a token is for.
func (s *Service) task(token string) (*branch, error) {
	if b := s.tokens[token]; b != nil {
		return b, nil
	}
	if !strings.HasPrefix(token, tokenPrefix) {
		return nil, api.Errorf("InvalidToken", "Invalid Token: 'Invalid token'")
	}
	if _, ok := s.issued(token); ok { // the task timed out or has ended otherwise
		return nil, api.Errorf("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
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
		br.startHeartbeat(s.k.Now().Add(br.beat))
	}
	return []byte("{}"), nil
}
