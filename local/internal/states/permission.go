package states

// MachineOfToken is the ARN of the state machine that waits for a task's token, on which SendTaskSuccess,
// SendTaskFailure and SendTaskHeartbeat have to be allowed; empty if none does.
func (s *Service) MachineOfToken(token string) string {
	if b := s.tokens[token]; b != nil {
		return b.ex.sm.ARN
	}
	return ""
}
