package states

import "bytes"

// MachineOfToken is the ARN of the state machine that a task's token is of, on which SendTaskSuccess,
// SendTaskFailure and SendTaskHeartbeat have to be allowed, also when nobody waits for it any more; empty if it is of none.
func (s *Service) MachineOfToken(token string) string {
	if b := s.tokens[token]; b != nil {
		return b.ex.sm.ARN
	}
	if mark, ok := s.issued(token); ok {
		for _, sm := range s.byName {
			if bytes.Equal(sm.mark(), mark) {
				return sm.ARN
			}
		}
	}
	return ""
}
