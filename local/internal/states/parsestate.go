package states

import (
	"fmt"
	"slices"
	"strings"
)

// longest is the longest time in seconds that the States Language can express.
const longest = 99999999

// state compiles one state. outer are the variables of the scopes around this
// one, and scope is what else is out of reach for the scopes within the state:
// those, and what the other states of this scope assign. (What the state
// assigns itself, when it ends, the service lets its branches assign, too.)
func (b *graphBuilder) state(s *state, o object, outer, scope []string) {
	typ := o.string("Type")
	s.typ = stateType(slices.Index(typeNames[:], typ))
	if typ == "" || s.typ <= 0 || int(s.typ) >= len(typeNames) {
		if typ == "" {
			o.fail("Type is required")
		} else {
			o.fail("Type %q does not exist", typ)
		}
		return
	}
	switch language := o.string("QueryLanguage"); {
	case language == "JSONPath" && !b.p.jsonPath:
		o.fail("QueryLanguage cannot be JSONPath if it is JSONata for the whole state machine")
		return
	case language == "JSONPath" || language == "" && b.p.jsonPath:
		b.pathState(s, o, outer, scope)
		return
	case language != "" && language != "JSONata":
		o.fail("QueryLanguage %q is neither JSONata nor JSONPath", language)
		return
	}
	common := []string{"Type", "Comment", "QueryLanguage"}
	allow := func(names ...string) { o.allow(append(common, names...)...) }
	switch s.typ {
	case taskState:
		allow("Resource", "Arguments", "Output", "Assign", "Next", "End", "Retry", "Catch", "TimeoutSeconds", "HeartbeatSeconds")
		b.task(s, o)
	case parallelState:
		allow("Branches", "Arguments", "Output", "Assign", "Next", "End", "Retry", "Catch")
		b.parallel(s, o, scope)
	case mapState:
		allow("ItemProcessor", "Items", "ItemSelector", "MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage",
			"Output", "Assign", "Next", "End", "Retry", "Catch")
		b.mapping(s, o, scope)
	case passState:
		allow("Output", "Assign", "Next", "End")
	case waitState:
		allow("Seconds", "Timestamp", "Output", "Assign", "Next", "End")
		b.wait(s, o)
	case choiceState:
		allow("Choices", "Default", "Output", "Assign")
		b.choice(s, o, outer)
	case succeedState:
		allow("Output")
	case failState:
		allow("Error", "Cause")
		s.errorName, s.cause = o.text("Error"), o.text("Cause")
		o.forbid(s.errorName, "result", "errorOutput")
		o.forbid(s.cause, "result", "errorOutput")
	}
	s.output, s.assign = o.template("Output"), o.assign(outer)
	missing := []string{"errorOutput"}
	if s.typ != taskState && s.typ != parallelState && s.typ != mapState {
		missing = append(missing, "result")
	}
	o.forbid(s.output, missing...)
	o.forbidFields(s.assign, missing...)

	switch s.typ {
	case choiceState, succeedState, failState:
	default:
		b.transition(s, o)
	}
	switch s.typ {
	case taskState, parallelState, mapState:
		b.retriers(s, o)
		b.catchers(s, o, outer)
	}
}

func (b *graphBuilder) transition(s *state, o object) {
	_, hasNext := o.m["Next"]
	end, hasEnd := o.m["End"]
	if _, ok := end.(bool); hasEnd && !ok {
		o.fail("End must be true")
	}
	switch {
	case hasNext && end == true:
		o.fail("it has both Next and End")
	case !hasNext && end != true:
		o.fail("it has neither Next nor \"End\": true")
	}
	s.next = b.target(o, "Next")
}

func (b *graphBuilder) task(s *state, o object) {
	s.resource = o.resource()
	s.arguments = o.template("Arguments")
	o.forbid(s.arguments, "result", "errorOutput")
	s.timeout = o.quantity("TimeoutSeconds", 1, longest)
	s.heartbeat = o.quantity("HeartbeatSeconds", 1, longest)
	o.checkHeartbeat(s)
	b.p.tasks = append(b.p.tasks, s)
}

// resource reads Resource.
func (o object) resource() *resource {
	arn := o.string("Resource")
	if arn == "" {
		o.fail("Resource is required")
		return nil
	}
	r, err := parseResource(arn)
	if err != nil {
		o.fail("%v", err)
	}
	return r
}

func (o object) checkHeartbeat(s *state) {
	if s.heartbeat != nil && s.timeout != nil && s.heartbeat.plain() && s.timeout.plain() && s.heartbeat.value >= s.timeout.value {
		o.fail("HeartbeatSeconds must be smaller than TimeoutSeconds")
	}
}

func (b *graphBuilder) parallel(s *state, o object, scope []string) {
	s.arguments = o.template("Arguments")
	o.forbid(s.arguments, "result", "errorOutput")
	b.branches(s, o, scope)
}

func (b *graphBuilder) branches(s *state, o object, scope []string) {
	branches := o.list("Branches")
	if len(branches) == 0 {
		o.fail("Branches is required and must not be empty")
	}
	for _, branch := range branches {
		branch.allow("Comment", "StartAt", "States")
		s.branches = append(s.branches, b.p.graph(branch, scope))
	}
}

func (b *graphBuilder) mapping(s *state, o object, scope []string) {
	s.items, s.itemSelector = o.template("Items"), o.template("ItemSelector")
	o.forbid(s.items, "result", "errorOutput")
	o.forbid(s.itemSelector, "result", "errorOutput")
	if s.items != nil && s.items.kind == literalTemplate {
		if _, ok := s.items.literal.([]any); !ok {
			o.fail("Items must be an array or a JSONata expression")
		}
	}
	s.maxConcurrency = o.quantity("MaxConcurrency", 0, longest)
	s.toleratedCount = o.quantity("ToleratedFailureCount", 0, longest)
	s.toleratedPercentage = o.quantity("ToleratedFailurePercentage", 0, 100)
	b.processor(s, o, "ItemProcessor", scope)
}

// processor compiles the states of a Map state, which are in the given field.
func (b *graphBuilder) processor(s *state, o object, key string, scope []string) {
	processor, ok := o.object(key)
	if !ok {
		o.fail("%s is required", key)
		return
	}
	processor.where += ": " + key
	processor.allow("Comment", "ProcessorConfig", "StartAt", "States")
	if config, ok := processor.object("ProcessorConfig"); ok {
		config.allow("Mode", "ExecutionType")
		switch mode := config.string("Mode"); mode {
		case "", "INLINE":
			if _, ok := config.m["ExecutionType"]; ok {
				processor.fail("ExecutionType belongs to the mode DISTRIBUTED")
			}
		case "DISTRIBUTED":
			processor.fail("the mode DISTRIBUTED is not simulated")
		default:
			processor.fail("the mode %q does not exist", mode)
		}
	}
	s.branches = []*graph{b.p.graph(processor, scope)}
}

func (b *graphBuilder) wait(s *state, o object) {
	_, hasSeconds := o.m["Seconds"]
	_, hasTimestamp := o.m["Timestamp"]
	if hasSeconds == hasTimestamp {
		o.fail("it must have exactly one of Seconds and Timestamp")
	}
	s.seconds = o.quantity("Seconds", 0, longest)
	s.timestamp = o.text("Timestamp")
	o.forbid(s.timestamp, "result", "errorOutput")
	if t := s.timestamp; t != nil && t.kind == literalTemplate {
		if _, err := parseTimestamp(t.literal.(string)); err != nil {
			o.fail("Timestamp %q is not of the form 2006-01-02T15:04:05Z", t.literal)
		}
	}
}

func (b *graphBuilder) choice(s *state, o object, outer []string) {
	rules := o.list("Choices")
	if len(rules) == 0 {
		o.fail("Choices is required and must not be empty")
	}
	for _, rule := range rules {
		rule.allow("Condition", "Next", "Output", "Assign", "Comment")
		c := choice{next: b.target(rule, "Next"), output: rule.template("Output"), assign: rule.assign(outer)}
		if _, ok := rule.m["Next"]; !ok {
			rule.fail("Next is required")
		}
		rule.forbid(c.output, "result", "errorOutput")
		rule.forbidFields(c.assign, "result", "errorOutput")
		switch condition := rule.m["Condition"].(type) {
		case nil:
			rule.fail("Condition is required")
		case bool:
			c.literal = condition
		case string:
			src, ok, err := expressionSource(condition)
			if err == nil && !ok {
				err = fmt.Errorf("it must be a boolean or a JSONata expression")
			}
			if err == nil {
				c.condition, err = newExpression(src, fmt.Sprintf("Choices[%d]/Condition", len(s.choices)))
			}
			if err != nil {
				rule.fail("Condition: %v", err)
			} else {
				rule.forbid(&template{kind: exprTemplate, expr: c.condition}, "result", "errorOutput")
			}
		default:
			rule.fail("Condition must be a boolean or a JSONata expression")
		}
		s.choices = append(s.choices, c)
	}
	s.defaultState = b.target(o, "Default")
}

func (b *graphBuilder) retriers(s *state, o object) {
	list := o.list("Retry")
	for i, r := range list {
		r.allow("ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment")
		retry := retrier{
			errors:      b.errorEquals(r, i == len(list)-1),
			interval:    r.whole("IntervalSeconds", 1, longest, 1),
			maxAttempts: int(r.whole("MaxAttempts", 0, longest, 3)),
			backoff:     r.number("BackoffRate", 1, longest, 2),
			maxDelay:    r.whole("MaxDelaySeconds", 1, 31622400, 0),
		}
		if _, ok := r.m["MaxDelaySeconds"]; ok && retry.maxDelay <= retry.interval {
			r.fail("MaxDelaySeconds must be greater than IntervalSeconds")
		}
		switch jitter := r.string("JitterStrategy"); jitter {
		case "", "NONE":
		case "FULL":
			retry.fullJitter = true
		default:
			r.fail("JitterStrategy %q is neither FULL nor NONE", jitter)
		}
		s.retry = append(s.retry, retry)
	}
}

func (b *graphBuilder) catchers(s *state, o object, outer []string) {
	list := o.list("Catch")
	for i, c := range list {
		c.allow("ErrorEquals", "Next", "Output", "Assign", "Comment")
		if _, ok := c.m["Next"]; !ok {
			c.fail("Next is required")
		}
		catch := catcher{
			errors: b.errorEquals(c, i == len(list)-1),
			next:   b.target(c, "Next"), output: c.template("Output"), assign: c.assign(outer),
		}
		c.forbid(catch.output, "result")
		c.forbidFields(catch.assign, "result")
		s.catch = append(s.catch, catch)
	}
}

func (b *graphBuilder) errorEquals(o object, last bool) []string {
	list, ok := o.m["ErrorEquals"].([]any)
	if !ok || len(list) == 0 {
		o.fail("ErrorEquals is required and must not be empty")
		return nil
	}
	var out []string
	for _, e := range list {
		name, ok := e.(string)
		if !ok {
			o.fail("ErrorEquals must be an array of strings")
			continue
		}
		if strings.HasPrefix(name, "States.") && !reservedErrors[name] {
			o.fail("ErrorEquals: %q is no error of the States Language", name)
		}
		out = append(out, name)
	}
	if slices.Contains(out, errAll) {
		if len(out) > 1 {
			o.fail("ErrorEquals: States.ALL must stand alone")
		}
		if !last {
			o.fail("ErrorEquals: States.ALL must be in the last entry")
		}
	}
	return out
}

// mentions tells whether an expression reads $states.part.
func mentions(src, part string) bool {
	for {
		_, rest, found := strings.Cut(src, "$states."+part)
		if !found {
			return false
		}
		if rest == "" || !isWord(rest[0]) {
			return true
		}
		src = rest
	}
}
