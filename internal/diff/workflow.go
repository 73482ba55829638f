package diff

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// workflows tells of changed steps of state machines.
func (d *stackDiff) workflows() {
	d.both(func(o, n *resource) {
		f := Finding{Kind: Workflow, Level: Medium}
		var lines []string
		for _, name := range []string{"DefinitionString", "Definition"} {
			changes := d.tell(n.id, "Properties", name)
			if len(changes) == 0 {
				continue
			}
			old, ok := definition(o.properties[name])
			new, ok2 := definition(n.properties[name])
			if !ok || !ok2 {
				d.tellAll(n, Finding{Kind: Workflow, Level: High}, changes)
				continue
			}
			said := compareMachines(old, new)
			if len(said) == 0 {
				f.Level = Info
				said = []string{"the definition is written differently and says the same"}
			}
			lines = append(lines, said...)
		}
		for _, c := range d.tell(n.id, "Properties", "DefinitionSubstitutions") {
			lines = append(lines, fmt.Sprintf("%s: %s → %s", c.at(), short(c.old), short(c.new)))
		}
		if len(lines) == 0 {
			return
		}
		f.Title, f.Details = titled(lines, "changes of its steps")
		d.find(n, f)
	}, "AWS::StepFunctions::StateMachine")
}

// definition is a state machine's, from a text or as an object.
func definition(v any) (map[string]any, bool) {
	if m, ok := v.(map[string]any); ok && !intrinsic(m) {
		return m, true
	}
	s, ok := stringOf(v)
	if !ok {
		return nil, false
	}
	var m map[string]any
	return m, json.Unmarshal([]byte(s), &m) == nil
}

// compareMachines says in sentences what changes in a state machine.
func compareMachines(old, new map[string]any) []string {
	var lines []string
	before, after := map[string]map[string]any{}, map[string]map[string]any{}
	collectStates(before, "", old)
	collectStates(after, "", new)
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if after[name] == nil {
			lines = append(lines, fmt.Sprintf("%s is removed: it was a %v", stateName(name), before[name]["Type"]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] == nil {
			lines = append(lines, fmt.Sprintf("%s is new: a %v", stateName(name), after[name]["Type"]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] != nil {
			for _, said := range compareStates(before[name], after[name]) {
				lines = append(lines, stateName(name)+": "+said)
			}
		}
	}
	return lines
}

// collectStates finds the states of a machine by their paths, those of branches too. The machine itself is "".
func collectStates(into map[string]map[string]any, path string, machine map[string]any) {
	into[path] = without(machine, "States")
	states, _ := machine["States"].(map[string]any)
	for name, v := range states {
		state, ok := v.(map[string]any)
		if !ok {
			continue
		}
		at := name
		if path != "" {
			at = path + " / " + name
		}
		into[at] = without(state, "Branches", "ItemProcessor", "Iterator")
		branches, _ := state["Branches"].([]any)
		for i, b := range branches {
			if branch, ok := b.(map[string]any); ok {
				collectStates(into, fmt.Sprintf("%s / branch %d", at, i+1), branch)
			}
		}
		for _, name := range []string{"ItemProcessor", "Iterator"} {
			if inner, ok := state[name].(map[string]any); ok {
				collectStates(into, at+" / each item", inner)
			}
		}
	}
}

func without(m map[string]any, names ...string) map[string]any {
	out := maps.Clone(m)
	for _, name := range names {
		delete(out, name)
	}
	return out
}

func stateName(path string) string {
	if path == "" {
		return "the machine"
	}
	return path
}

// compareStates says in sentences what changes in a state.
func compareStates(old, new map[string]any) []string {
	lines := compareCases("retry", "Retry", old, new)
	lines = append(lines, compareCases("catch", "Catch", old, new)...)
	rest := compare(nil, nil, without(old, "Retry", "Catch"), without(new, "Retry", "Catch"))
	for _, c := range rest {
		switch name := c.path[0]; {
		case name == "TimeoutSeconds" || name == "HeartbeatSeconds":
			lines = append(lines, fmt.Sprintf("%s %s → %s", strings.ToLower(strings.TrimSuffix(name, "Seconds")), seconds(c.old), seconds(c.new)))
		case name == "Next" && len(c.path) == 1:
			lines = append(lines, fmt.Sprintf("goes on with %s, before with %s", short(c.new), short(c.old)))
		case name == "StartAt" && len(c.path) == 1:
			lines = append(lines, fmt.Sprintf("starts at %s, before at %s", short(c.new), short(c.old)))
		default:
			lines = append(lines, fmt.Sprintf("%s: %s → %s", c.at(), short(c.old), short(c.new)))
		}
	}
	return lines
}

func seconds(v any) string {
	if _, ok := v.(float64); ok {
		return short(v) + " s"
	}
	if v == nil {
		return "none"
	}
	return short(v)
}

// retryDefaults are those of the States Language ("Errors", Retriers).
var retryDefaults = map[string]string{"MaxAttempts": "3", "IntervalSeconds": "1", "BackoffRate": "2"}

// compareCases says what changes in retriers or catchers, which are known by the errors that they are for.
func compareCases(verb, member string, old, new map[string]any) []string {
	before, order := casesOf(old[member])
	after, newOrder := casesOf(new[member])
	var lines []string
	for _, errors := range order {
		if after[errors] == nil {
			lines = append(lines, fmt.Sprintf("%s of %s is removed", verb, errors))
		}
	}
	for _, errors := range newOrder {
		if before[errors] == nil {
			lines = append(lines, fmt.Sprintf("%s of %s is new: %s", verb, errors, short(without(after[errors], "ErrorEquals"))))
			continue
		}
		for _, c := range compare(nil, nil, before[errors], after[errors]) {
			was, is := orDefault(verb, c.path[0], c.old), orDefault(verb, c.path[0], c.new)
			of := ""
			if len(order) > 1 || len(newOrder) > 1 {
				of = " of " + errors
			}
			lines = append(lines, fmt.Sprintf("%s%s %s %s → %s", verb, of, c.at(), was, is))
		}
	}
	if len(lines) == 0 && !slices.Equal(order, newOrder) {
		lines = append(lines, fmt.Sprintf("order of %s: %s → %s (the first that fits counts)", verb, strings.Join(order, "; "), strings.Join(newOrder, "; ")))
	}
	return lines
}

func orDefault(verb, name string, v any) string {
	if d := retryDefaults[name]; v == nil && d != "" && verb == "retry" {
		return d + " (the default)"
	}
	return short(v)
}

// casesOf are retriers or catchers by the errors that they are for, and these in their order.
func casesOf(v any) (map[string]map[string]any, []string) {
	out := map[string]map[string]any{}
	var order []string
	for _, raw := range listOf(v) {
		one, ok := raw.(map[string]any)
		if !ok {
			one = map[string]any{"is": raw}
		}
		errors := strings.Join(textsOf(one["ErrorEquals"]), ", ")
		if out[errors] != nil {
			errors += fmt.Sprintf(" (%d)", len(order)+1) // the same errors once more
		}
		out[errors] = one
		order = append(order, errors)
	}
	return out, order
}
