package states

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// pageInput is what all listing actions have in common. A token of ours is
// how many entries came before.
type pageInput struct {
	MaxResults int    `json:"maxResults"`
	NextToken  string `json:"nextToken"`
}

func (in pageInput) page(n int) (from, to int, next string, err error) {
	size := in.MaxResults
	switch {
	case size < 0 || size > 1000:
		return 0, 0, "", api.Errorf("ValidationException", "maxResults must be from 0 to 1000")
	case size == 0:
		size = 100
	}
	if in.NextToken != "" {
		if from, err = strconv.Atoi(in.NextToken); err != nil || from < 0 || from > n {
			return 0, 0, "", api.Errorf("InvalidToken", "Invalid Token: '%s'", in.NextToken)
		}
	}
	to = min(n, from+size)
	if to < n {
		next = strconv.Itoa(to)
	}
	return from, to, next, nil
}

// listExecutions lists the latest first.
func (s *Service) listExecutions(b []byte) ([]byte, error) {
	var in struct {
		pageInput
		StateMachineArn string `json:"stateMachineArn"`
		StatusFilter    Status `json:"statusFilter"`
	}
	if err := decodeInput(b, &in); err != nil {
		return nil, err
	}
	sm, err := s.findMachine(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	if sm.Express {
		return nil, api.Errorf("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
	}
	var found []*Execution
	for i := len(sm.executions) - 1; i >= 0; i-- {
		if ex := sm.executions[i]; in.StatusFilter == "" || ex.Status == in.StatusFilter {
			found = append(found, ex)
		}
	}
	from, to, next, err := in.page(len(found))
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, ex := range found[from:to] {
		e := map[string]any{
			"executionArn": ex.ARN, "stateMachineArn": sm.ARN, "name": ex.Name, "status": string(ex.Status),
			"startDate": epoch(ex.Start), "redriveCount": float64(ex.Redrives),
		}
		if ex.Status != Running {
			e["stopDate"] = epoch(ex.Stop)
		}
		if ex.Redrives > 0 {
			e["redriveDate"] = epoch(ex.Redriven)
		}
		list = append(list, e)
	}
	out := map[string]any{"executions": list}
	if next != "" {
		out["nextToken"] = next
	}
	return appendJSON(nil, out), nil
}

func (s *Service) getExecutionHistory(b []byte) ([]byte, error) {
	in := struct {
		pageInput
		ExecutionArn         string `json:"executionArn"`
		ReverseOrder         bool   `json:"reverseOrder"`
		IncludeExecutionData *bool  `json:"includeExecutionData"`
	}{}
	if err := decodeInput(b, &in); err != nil {
		return nil, err
	}
	ex, err := s.findExecution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	if ex.history.dropped {
		return nil, &api.Error{Code: "InternalFailure", Status: 501, Message: "the history of " + ex.Name +
			" was not kept: the local stack keeps those of the " + strconv.Itoa(s.KeepHistories) + " executions that closed last"}
	}
	events := ex.history.events
	from, to, next, err := in.page(len(events))
	if err != nil {
		return nil, err
	}
	list := []any{}
	for i := from; i < to; i++ {
		n := i
		if in.ReverseOrder {
			n = len(events) - 1 - i
		}
		list = append(list, ex.eventJSON(n, in.IncludeExecutionData == nil || *in.IncludeExecutionData))
	}
	out := map[string]any{"events": list}
	if next != "" {
		out["nextToken"] = next
	}
	return appendJSON(nil, out), nil
}

// HistoryEvent is one event of an execution's history.
type HistoryEvent struct {
	ID, PreviousEventID int
	// Type is AWS's name of it: "TaskStateEntered".
	Type string
	At   time.Time
	// State is the name of the state that it is about, if any.
	State string
	// Details is the event's details object as GetExecutionHistory shows it,
	// nil where there is none.
	Details json.RawMessage
}

// History returns an execution's events; false if they were not kept.
func (ex *Execution) History() ([]HistoryEvent, bool) {
	if ex.history.dropped {
		return nil, false
	}
	out := make([]HistoryEvent, len(ex.history.events))
	for i := range ex.history.events {
		e := &ex.history.events[i]
		typ, _, details := ex.details(e, true)
		out[i] = HistoryEvent{ID: i + 1, PreviousEventID: int(e.prev), Type: typ, At: ex.Start.Add(e.at)}
		if e.state != nil {
			out[i].State = e.state.name
		}
		if details != nil {
			out[i].Details = appendJSON(nil, details)
		}
	}
	return out, true
}

// Execution returns a Standard execution by its ARN; nil if there is none.
func (s *Service) Execution(arn string) *Execution { return s.byARN[arn] }

// Executions lists a Standard state machine's executions in order of their start.
func (sm *StateMachine) Executions() []*Execution { return sm.executions }
