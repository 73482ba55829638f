package states

// describeStateMachineForExecution tells of the definition and the role with which an execution began.
func (s *Service) describeStateMachineForExecution(b []byte) ([]byte, error) {
	ex, err := s.executionOf(b)
	if err != nil {
		return nil, err
	}
	return appendJSON(nil, map[string]any{
		"stateMachineArn": ex.sm.ARN, "name": ex.sm.Name, "definition": ex.version.definition, "roleArn": ex.role,
		"updateDate": epoch(ex.sm.created),
	}), nil
}
