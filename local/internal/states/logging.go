package states

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// LoggingConfiguration says what a state machine writes to a log group.
type LoggingConfiguration struct {
	// Level is ALL, ERROR, FATAL or OFF, the default.
	Level string
	// IncludeExecutionData is whether inputs, outputs and causes are part of it; default false.
	IncludeExecutionData cfn.Bool
	// Destinations is one log group.
	Destinations []LogDestination
}

// LogDestination is where the events of a state machine go.
type LogDestination struct {
	CloudWatchLogsLogGroup *struct{ LogGroupArn string }
}

// check is whether a state machine may have the configuration.
func (c *LoggingConfiguration) check() error {
	if c == nil {
		return nil
	}
	switch c.Level {
	case "", "OFF":
		return nil
	case "ALL", "ERROR", "FATAL":
	default:
		return fmt.Errorf("LoggingConfiguration: Level %q is none of ALL, ERROR, FATAL, OFF", c.Level)
	}
	if len(c.Destinations) != 1 || c.Destinations[0].CloudWatchLogsLogGroup == nil {
		return errors.New("LoggingConfiguration: exactly one destination with a CloudWatchLogsLogGroup is required")
	}
	return nil
}

// LogGroup is the ARN of the log group that the state machine writes to; empty if it writes to none.
func (sm *StateMachine) LogGroup() string {
	c := sm.logging
	if c == nil || c.Level == "" || c.Level == "OFF" {
		return ""
	}
	return c.Destinations[0].CloudWatchLogsLogGroup.LogGroupArn
}

// logged reports whether events of a type are logged.
//
// Source: Step Functions Developer Guide, "Log levels for Step Functions execution events".
func (c *LoggingConfiguration) logged(typ string) bool {
	switch c.Level {
	case "ALL":
		return true
	case "ERROR":
		for _, suffix := range []string{"Failed", "TimedOut", "Aborted"} {
			if strings.HasSuffix(typ, suffix) {
				return true
			}
		}
		return typ == "FailStateEntered"
	case "FATAL":
		return typ == "ExecutionFailed" || typ == "ExecutionTimedOut" || typ == "ExecutionAborted"
	}
	return false
}

// fine reports whether an event is of a kind that no level but ALL logs. Most are.
func (e *event) fine() bool {
	switch e.kind {
	case executionStarted, executionSucceeded, stateExited, fanStarted, fanSucceeded, iterationStarted, iterationSucceeded,
		taskScheduled, taskStarted, taskSubmitted, taskSucceeded:
		return true
	case stateEntered:
		return e.state.typ != failState
	}
	return false
}

// logEvent hands an event to Service.Log. It is made into text when somebody reads it, unless it holds data of
// the execution, which would have to be kept until then.
func (ex *Execution) logEvent(e event, id int32) {
	c := ex.sm.logging
	if c.Level != "ALL" {
		if e.fine() {
			return
		}
		if typ, _, _ := ex.details(&e, false); !c.logged(typ) {
			return
		}
	}
	at := ex.sm.s.k.Now().UnixMilli()
	if c.IncludeExecutionData {
		line := ex.logLine(&e, id, at, true)
		ex.sm.s.Log(ex.sm, func() string { return line })
		return
	}
	switch d := e.data.(type) {
	case *scheduled:
		e.data = &scheduled{timeout: d.timeout, heartbeat: d.heartbeat}
	case *failure:
	default:
		e.data = nil
	}
	e.text = nil
	if len(e.assigned) > 0 {
		e.assigned = map[string]any{"": "{}"}
	}
	ex.sm.s.Log(ex.sm, func() string { return ex.logLine(&e, id, at, false) })
}

func (ex *Execution) logLine(e *event, id int32, at int64, data bool) string {
	typ, _, details := ex.details(e, data)
	if !data {
		delete(details, "parameters")
	}
	line := struct {
		ID        string          `json:"id"`
		Type      string          `json:"type"`
		Details   json.RawMessage `json:"details"`
		Redrives  string          `json:"redrive_count"`
		Previous  string          `json:"previous_event_id"`
		Timestamp string          `json:"event_timestamp"`
		Execution string          `json:"execution_arn"`
	}{
		ID: strconv.Itoa(int(id)), Type: typ, Details: json.RawMessage("{}"), Redrives: strconv.Itoa(ex.Redrives),
		Previous: strconv.Itoa(int(e.prev)), Timestamp: strconv.FormatInt(at, 10), Execution: ex.ARN,
	}
	if details != nil {
		line.Details = appendJSON(nil, details)
	}
	b, err := json.Marshal(line)
	if err != nil {
		panic(err) // texts, and JSON that was made here
	}
	return string(b)
}
