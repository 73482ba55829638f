package states

// eventJSON is an event as GetExecutionHistory shows it.
func (ex *Execution) eventJSON(i int, data bool) map[string]any {
	e := &ex.history.events[i]
	typ, key, details := ex.details(e, data)
	out := map[string]any{
		"id": float64(i + 1), "previousEventId": float64(e.prev), "type": typ,
		"timestamp": epoch(ex.Start.Add(e.at)),
	}
	if details != nil {
		out[key] = details
	}
	return out
}

// details returns an event's type, and the name and the content of its details.
func (ex *Execution) details(e *event, data bool) (typ, key string, details map[string]any) {
	var kind string
	if e.state != nil {
		kind = e.state.typ.String()
	}
	switch e.kind {
	case executionStarted:
		return "ExecutionStarted", "executionStartedEventDetails", with(ex.payload("input", ex.Input, data), "roleArn", ex.role)
	case executionSucceeded:
		return "ExecutionSucceeded", "executionSucceededEventDetails", ex.payload("output", ex.Output, data)
	case executionFailed:
		return "ExecutionFailed", "executionFailedEventDetails", failureDetails(e.data, data)
	case executionTimedOut:
		return "ExecutionTimedOut", "executionTimedOutEventDetails", failureDetails(e.data, data)
	case executionAborted:
		return "ExecutionAborted", "executionAbortedEventDetails", failureDetails(e.data, data)
	case executionRedriven:
		return "ExecutionRedriven", "executionRedrivenEventDetails", map[string]any{"redriveCount": float64(e.index)}
	case stateEntered:
		return kind + "StateEntered", "stateEnteredEventDetails", with(ex.payload("input", e.payload(), data), "name", e.state.name)
	case stateExited:
		d := with(ex.payload("output", e.payload(), data), "name", e.state.name)
		if len(e.assigned) > 0 {
			vars := map[string]any{}
			for k, v := range e.variables() {
				vars[k] = jsonText(v)
			}
			if data {
				d["assignedVariables"] = vars
			}
			d["assignedVariablesDetails"] = map[string]any{"truncated": false}
		}
		return kind + "StateExited", "stateExitedEventDetails", d
	case stateAborted:
		return kind + "StateAborted", "", nil
	case fanStarted:
		if e.state.typ == mapState {
			return "MapStateStarted", "mapStateStartedEventDetails", map[string]any{"length": float64(e.index)}
		}
		return "ParallelStateStarted", "", nil
	case fanSucceeded:
		return kind + "StateSucceeded", "", nil
	case fanFailed:
		return kind + "StateFailed", "", nil
	case iterationStarted:
		return "MapIterationStarted", "mapIterationStartedEventDetails", e.iteration()
	case iterationSucceeded:
		return "MapIterationSucceeded", "mapIterationSucceededEventDetails", e.iteration()
	case iterationFailed:
		return "MapIterationFailed", "mapIterationFailedEventDetails", e.iteration()
	case iterationAborted:
		return "MapIterationAborted", "mapIterationAbortedEventDetails", e.iteration()
	case evaluationFailed:
		f := e.data.(*failure)
		d := with(failureDetails(f, data), "state", e.state.name)
		if f.location != "" {
			d["location"] = f.location
		}
		return "EvaluationFailed", "evaluationFailedEventDetails", d
	}
	return ex.taskDetails(e, data)
}

// taskDetails are those of the events of a Task state. A state whose resource
// is a function has event types of its own.
func (ex *Execution) taskDetails(e *event, data bool) (typ, key string, details map[string]any) {
	r := e.state.resource
	function := r.functionARN != ""
	switch e.kind {
	case taskScheduled:
		s := e.data.(*scheduled)
		var d map[string]any
		if function {
			typ, key = "LambdaFunctionScheduled", "lambdaFunctionScheduledEventDetails"
			d = with(ex.payload("input", e.payload(), data), "resource", r.arn)
		} else {
			typ, key = "TaskScheduled", "taskScheduledEventDetails"
			d = map[string]any{"parameters": e.payload(), "region": ex.sm.s.region, "resource": r.name, "resourceType": r.resourceType}
		}
		if s.timeout > 0 {
			d["timeoutInSeconds"] = s.timeout
		}
		if s.heartbeat > 0 {
			d["heartbeatInSeconds"] = s.heartbeat
		}
		return typ, key, d
	case taskStarted:
		if function {
			return "LambdaFunctionStarted", "", nil
		}
		return "TaskStarted", "taskStartedEventDetails", r.details(nil)
	case taskSubmitted:
		return "TaskSubmitted", "taskSubmittedEventDetails", r.details(ex.payload("output", e.payload(), data))
	case taskSucceeded:
		d := ex.payload("output", e.payload(), data)
		if function {
			return "LambdaFunctionSucceeded", "lambdaFunctionSucceededEventDetails", d
		}
		return "TaskSucceeded", "taskSucceededEventDetails", r.details(d)
	case taskTimedOut:
		if function {
			return "LambdaFunctionTimedOut", "lambdaFunctionTimedOutEventDetails", failureDetails(e.data, data)
		}
		return "TaskTimedOut", "taskTimedOutEventDetails", r.details(failureDetails(e.data, data))
	default: // taskFailed
		if function {
			return "LambdaFunctionFailed", "lambdaFunctionFailedEventDetails", failureDetails(e.data, data)
		}
		return "TaskFailed", "taskFailedEventDetails", r.details(failureDetails(e.data, data))
	}
}

func (e *event) iteration() map[string]any {
	return map[string]any{"index": float64(e.index), "name": e.state.name}
}

func (r *resource) details(d map[string]any) map[string]any {
	if d == nil {
		d = map[string]any{}
	}
	d["resource"], d["resourceType"] = r.name, r.resourceType
	return d
}

func (ex *Execution) payload(name, text string, data bool) map[string]any {
	d := map[string]any{name + "Details": map[string]any{"truncated": false}}
	if data {
		d[name] = text
	}
	return d
}

func failureDetails(v any, data bool) map[string]any {
	d := map[string]any{}
	f, _ := v.(*failure)
	if f == nil || !data {
		return d
	}
	if f.name != "" {
		d["error"] = f.name
	}
	if f.cause != "" {
		d["cause"] = f.cause
	}
	return d
}

func with(d map[string]any, key, value string) map[string]any {
	d[key] = value
	return d
}
