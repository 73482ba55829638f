package sqs

// LetGo makes receivable what event source mappings hold: the one thing that is
// not the same after a restart.
func (s *Service) LetGo() {
	for _, q := range s.queues {
		for _, m := range q.inOrder() {
			if m.held && m.visibleAt.After(q.k.Now()) {
				m.visibleAt = q.k.Now()
				q.pending.fix(m.index)
			}
		}
	}
}
