package local

import (
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/states"
)

// Glance is what a stack holds at one moment, cheap enough to be asked for several times a second.
type Glance struct {
	// Now is the stack's time; Paused says that it stands still.
	Now    time.Time `json:"now"`
	Paused bool      `json:"paused"`
	// Next is when something happens next, housekeeping left out; nil if nothing is going to.
	Next *time.Time `json:"next,omitempty"`
	// Queues counts messages by the queue's logical id, Running the executions under way
	// and Items the items of tables.
	Queues  map[string]QueueCounts `json:"queues"`
	Running map[string]int         `json:"running"`
	Items   map[string]int         `json:"items"`
}

// glanceAt is how many executions of a state machine Glance looks at, from the latest: a few milliseconds.
const glanceAt = 20_000

// Glance returns what the stack holds now.
func (s *Stack) Glance() Glance {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := Glance{
		Now: s.kernel.Now(), Paused: !s.clock.paused.IsZero(),
		Queues: map[string]QueueCounts{}, Running: map[string]int{}, Items: map[string]int{},
	}
	if s.opts.RealTime {
		g.Now = s.clock.now()
	}
	if next, ok := s.kernel.NextForeground(); ok {
		g.Next = &next
	}
	for _, id := range s.names.template.LogicalIDs() {
		switch typ, _ := s.names.template.Type(id); typ {
		case "AWS::SQS::Queue":
			if q := s.queues.Queue(s.names.physical(id)); q != nil {
				ready, delayed, inFlight := q.Len()
				g.Queues[id] = QueueCounts{ready, delayed, inFlight}
			}
		case "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable":
			if t := s.tables.Table(s.names.physical(id)); t != nil {
				g.Items[id] = t.Len()
			}
		case "AWS::StepFunctions::StateMachine":
			arn, err := s.names.ref(id, typ)
			if err != nil {
				continue
			}
			if sm := s.machines.StateMachine(arn); sm != nil {
				g.Running[id] = running(sm.Executions())
			}
		}
	}
	return g
}

func running(all []*states.Execution) (n int) {
	for _, ex := range all[max(0, len(all)-glanceAt):] {
		if ex.Status == states.Running {
			n++
		}
	}
	return n
}
