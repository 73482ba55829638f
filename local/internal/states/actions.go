package states

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// Do implements api.Service for the actions of the API of Step Functions that
// start, stop, watch and call back executions. Any other action fails with a
// plain error, which is not an AWS error.
func (s *Service) Do(c api.Call, done func([]byte, error)) {
	if c.Action == "StartSyncExecution" {
		s.startSyncExecution(c.Input, done)
		return
	}
	action, ok := actions[c.Action]
	if !ok {
		done(nil, fmt.Errorf("states: action %s is not simulated", c.Action))
		return
	}
	done(action(s, c.Input))
}

var actions map[string]func(*Service, []byte) ([]byte, error)

func init() {
	actions = map[string]func(*Service, []byte) ([]byte, error){
		"StartExecution":                   (*Service).startExecution,
		"StopExecution":                    (*Service).stopExecution,
		"RedriveExecution":                 (*Service).redriveExecution,
		"DescribeExecution":                (*Service).describeExecution,
		"DescribeStateMachine":             (*Service).describeStateMachine,
		"DescribeStateMachineForExecution": (*Service).describeStateMachineForExecution,
		"ListExecutions":                   (*Service).listExecutions,
		"ListStateMachines":                (*Service).listStateMachines,
		"GetExecutionHistory":              (*Service).getExecutionHistory,
		"SendTaskSuccess":                  (*Service).sendTaskSuccess,
		"SendTaskFailure":                  (*Service).sendTaskFailure,
		"SendTaskHeartbeat":                (*Service).sendTaskHeartbeat,
	}
}

func decodeInput(b []byte, in any) error {
	if len(b) == 0 {
		b = []byte("{}")
	}
	if err := json.Unmarshal(b, in); err != nil {
		return api.Errorf("SerializationException", "%v", err)
	}
	return nil
}

type startInput struct {
	StateMachineArn string  `json:"stateMachineArn"`
	Name            string  `json:"name"`
	Input           *string `json:"input"`
	TraceHeader     string  `json:"traceHeader"`
}

// prepare checks what both ways of starting have in common and returns the
// state machine, the input's text and its value.
func (s *Service) prepare(b []byte) (sm *StateMachine, in startInput, text string, v any, err error) {
	if err = decodeInput(b, &in); err != nil {
		return
	}
	if sm, err = s.findMachine(in.StateMachineArn); err != nil {
		return
	}
	if in.Name != "" {
		if err = checkName(in.Name); err != nil {
			return
		}
	}
	text = "{}"
	if in.Input != nil {
		text = *in.Input
	}
	if len(text) > maxPayload {
		err = api.Errorf("ValidationException", "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to %d", maxPayload)
		return
	}
	if v, err = decodeJSON([]byte(text)); err != nil {
		what := err.Error()
		if strings.TrimSpace(text) == "" {
			what = "Invalid execution input."
		}
		err = api.Errorf("InvalidExecutionInput", "Invalid State Machine Execution Input: '%s'", what)
	}
	return
}

func (s *Service) findMachine(arn string) (*StateMachine, error) {
	parts := strings.Split(arn, ":")
	if len(parts) < 7 || parts[2] != "states" || parts[5] != "stateMachine" {
		return nil, api.Errorf("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: %s'", arn)
	}
	if len(parts) > 7 {
		return nil, fmt.Errorf("states: versions and aliases of state machines are not simulated: %s", arn)
	}
	sm := s.machines[arn]
	if sm == nil {
		return nil, api.Errorf("StateMachineDoesNotExist", "State Machine Does Not Exist: '%s'", arn)
	}
	return sm, nil
}

// checkName applies the rules for names of executions and state machines.
func checkName(name string) error {
	n := utf8.RuneCountInString(name)
	bad := n == 0 || n > maxNameLength
	for _, c := range name {
		if c <= ' ' || c >= 0x7f && c <= 0x9f || strings.ContainsRune("<>{}[]?*\"#%\\^|~`$&,;:/", c) || c > 0x9f && isSpace(c) {
			bad = true
		}
	}
	if bad {
		return api.Errorf("InvalidName", "Invalid Name: '%s'", name)
	}
	return nil
}

func isSpace(c rune) bool { return strings.TrimSpace(string(c)) == "" }

// startExecution is idempotent for a Standard execution that still runs with
// the same input. A closed execution's name stays taken for 90 days.
func (s *Service) startExecution(b []byte) ([]byte, error) {
	sm, in, text, v, err := s.prepare(b)
	if err != nil {
		return nil, err
	}
	name := in.Name
	if name == "" {
		name = s.newID()
	}
	var ex *Execution
	if sm.Express {
		ex = sm.start(sm.expressARN(name), name, text, v, saveStart)
	} else {
		arn := fmt.Sprintf("arn:aws:states:%s:%s:execution:%s:%s", s.region, s.account, sm.Name, name)
		old := sm.names[name]
		switch {
		case old == nil || old.Status != Running && s.k.Now().Sub(old.Stop) >= nameRetention:
			if old != nil && !old.history.dropped {
				old.dropHistory() // its records have the keys that those of the new one have
			}
			ex = sm.start(arn, name, text, v, saveAll)
		case old.Status == Running && old.Input == text:
			ex = old
		default:
			return nil, api.Errorf("ExecutionAlreadyExists", "Execution Already Exists: '%s'", arn)
		}
	}
	return appendJSON(nil, map[string]any{"executionArn": ex.ARN, "startDate": epoch(ex.Start)}), nil
}

// expressARN names one Express execution; its name need not be unique.
func (sm *StateMachine) expressARN(name string) string {
	return fmt.Sprintf("arn:aws:states:%s:%s:express:%s:%s:%s", sm.s.region, sm.s.account, sm.Name, name, sm.s.newID())
}

// startSyncExecution answers when the Express execution has closed.
func (s *Service) startSyncExecution(b []byte, done func([]byte, error)) {
	sm, in, text, v, err := s.prepare(b)
	if err == nil && !sm.Express {
		err = api.Errorf("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
	}
	if err != nil {
		done(nil, err)
		return
	}
	name := in.Name
	if name == "" {
		name = s.newID()
	}
	ex := sm.start(sm.expressARN(name), name, text, v, saveNothing)
	ex.onClose = append(ex.onClose, func() {
		out := ex.describe()
		delete(out, "redriveCount")
		delete(out, "redriveStatus")
		delete(out, "redriveStatusReason")
		ms := float64((ex.Stop.Sub(ex.Start) + 99*time.Millisecond) / (100 * time.Millisecond) * 100)
		out["billingDetails"] = map[string]any{"billedDurationInMilliseconds": max(100, ms), "billedMemoryUsedInMB": 64.0}
		done(appendJSON(nil, out), nil)
	})
}

func (s *Service) findExecution(arn string) (*Execution, error) {
	parts := strings.Split(arn, ":")
	if len(parts) > 5 && parts[5] == "express" {
		return nil, api.Errorf("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'")
	}
	if len(parts) != 8 || parts[2] != "states" || parts[5] != "execution" {
		return nil, api.Errorf("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: %s'", arn)
	}
	ex := s.byARN[arn]
	if ex == nil {
		return nil, api.Errorf("ExecutionDoesNotExist", "Execution Does Not Exist: '%s'", arn)
	}
	return ex, nil
}

func (s *Service) stopExecution(b []byte) ([]byte, error) {
	var in struct {
		ExecutionArn string `json:"executionArn"`
		Error        string `json:"error"`
		Cause        string `json:"cause"`
	}
	if err := decodeInput(b, &in); err != nil {
		return nil, err
	}
	ex, err := s.findExecution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	if len(in.Error) > maxErrorLength || len(in.Cause) > maxCauseLength {
		return nil, api.Errorf("ValidationException", "error or cause is too long")
	}
	if ex.Status == Running {
		ex.close(Aborted, in.Error, in.Cause, nil, event{kind: executionAborted})
	}
	return appendJSON(nil, map[string]any{"stopDate": epoch(ex.Stop)}), nil
}

// describe is DescribeExecution's answer.
func (ex *Execution) describe() map[string]any {
	included := map[string]any{"included": true}
	out := map[string]any{
		"executionArn": ex.ARN, "stateMachineArn": ex.sm.ARN, "name": ex.Name, "status": string(ex.Status),
		"startDate": epoch(ex.Start), "input": ex.Input, "inputDetails": included,
	}
	ex.describeRedrives(out)
	switch ex.Status {
	case Running:
		return out
	case Succeeded:
		out["output"], out["outputDetails"] = ex.Output, included
	default:
		if ex.Error != "" {
			out["error"] = ex.Error
		}
		if ex.Cause != "" {
			out["cause"] = ex.Cause
		}
	}
	out["stopDate"] = epoch(ex.Stop)
	return out
}

func (s *Service) describeExecution(b []byte) ([]byte, error) {
	ex, err := s.executionOf(b)
	if err != nil {
		return nil, err
	}
	return appendJSON(nil, ex.describe()), nil
}

// executionOf is the execution that an input names, which has nothing else in it.
func (s *Service) executionOf(b []byte) (*Execution, error) {
	var in struct {
		ExecutionArn string `json:"executionArn"`
	}
	if err := decodeInput(b, &in); err != nil {
		return nil, err
	}
	return s.findExecution(in.ExecutionArn)
}

func (s *Service) describeStateMachine(b []byte) ([]byte, error) {
	var in struct {
		StateMachineArn string `json:"stateMachineArn"`
	}
	if err := decodeInput(b, &in); err != nil {
		return nil, err
	}
	sm, err := s.findMachine(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	return appendJSON(nil, map[string]any{
		"stateMachineArn": sm.ARN, "name": sm.Name, "status": "ACTIVE", "definition": sm.version.definition,
		"roleArn": sm.RoleARN, "type": sm.kind(), "creationDate": epoch(sm.created),
	}), nil
}

func (sm *StateMachine) kind() string {
	if sm.Express {
		return "EXPRESS"
	}
	return "STANDARD"
}

func (s *Service) listStateMachines(b []byte) ([]byte, error) {
	var in pageInput
	if err := decodeInput(b, &in); err != nil {
		return nil, err
	}
	from, to, next, err := in.page(len(s.byName))
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, sm := range s.byName[from:to] {
		list = append(list, map[string]any{
			"stateMachineArn": sm.ARN, "name": sm.Name, "type": sm.kind(), "creationDate": epoch(sm.created),
		})
	}
	out := map[string]any{"stateMachines": list}
	if next != "" {
		out["nextToken"] = next
	}
	return appendJSON(nil, out), nil
}

// epoch is a time as the JSON protocol writes it: seconds.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
