package states

import (
	"slices"
	"strings"
)

// pathState compiles a state in the query language JSONPath.
func (b *graphBuilder) pathState(s *state, o object, outer, scope []string) {
	p := &pathFields{}
	s.paths = p
	allow := func(names ...string) {
		o.allowPaths(append([]string{"Type", "Comment", "QueryLanguage"}, names...)...)
	}
	switch s.typ {
	case taskState:
		allow("Resource", "InputPath", "Parameters", "ResultSelector", "ResultPath", "OutputPath", "Assign", "Next", "End", "Retry", "Catch",
			"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath")
		s.resource = o.resource()
		s.timeout = o.pathQuantity("TimeoutSeconds", 1, longest)
		s.heartbeat = o.pathQuantity("HeartbeatSeconds", 1, longest)
		o.checkHeartbeat(s)
		b.p.tasks = append(b.p.tasks, s)
	case parallelState:
		allow("Branches", "InputPath", "Parameters", "ResultSelector", "ResultPath", "OutputPath", "Assign", "Next", "End", "Retry", "Catch")
		b.branches(s, o, scope)
	case mapState:
		b.pathMap(s, o, scope)
	case passState:
		allow("InputPath", "Parameters", "Result", "ResultPath", "OutputPath", "Assign", "Next", "End")
		if v, ok := o.m["Result"]; ok {
			p.result = &payload{literal: v}
		}
	case waitState:
		allow("Seconds", "Timestamp", "SecondsPath", "TimestampPath", "InputPath", "OutputPath", "Assign", "Next", "End")
		b.pathWait(s, o)
	case choiceState:
		allow("Choices", "Default", "InputPath", "OutputPath", "Assign")
		b.pathRules(s, o, outer)
	case succeedState:
		allow("InputPath", "OutputPath")
	case failState:
		allow("Error", "ErrorPath", "Cause", "CausePath")
		s.errorName, p.errorPath = o.literalOrPath("Error")
		s.cause, p.causePath = o.literalOrPath("Cause")
	}
	p.inputPath, p.outputPath = o.nullable("InputPath"), o.nullable("OutputPath")
	if s.typ != mapState { // whose Parameters are another name of ItemSelector
		p.parameters = o.payload("Parameters")
	}
	p.selector, p.resultPath = o.payload("ResultSelector"), o.resultPath()
	p.assign = o.pathAssign(outer)
	switch s.typ {
	case choiceState, succeedState, failState:
	default:
		b.transition(s, o)
	}
	switch s.typ {
	case taskState, parallelState, mapState:
		b.retriers(s, o)
		b.pathCatchers(s, o, outer)
	}
}

// allowPaths is allow for a JSONPath state.
func (o object) allowPaths(names ...string) {
	for _, k := range sortedKeys(o.m) {
		if slices.Contains(names, k) {
			continue
		}
		switch k {
		case "Arguments", "Output", "Items", "Condition":
			o.fail("%s belongs to the query language JSONata", k)
		case "ItemReader", "ResultWriter", "ItemBatcher", "Label", "ToleratedFailureReader":
			o.fail("%s belongs to the mode DISTRIBUTED, which is not simulated", k)
		case "Credentials":
			o.fail("Credentials is not simulated")
		default:
			o.fail("the field %s is not supported", k)
		}
	}
}

// reference reads a path; only one of the kind that names a single node if so asked.
func (o object) reference(key string, single bool) *reference {
	v, ok := o.m[key]
	if !ok {
		return nil
	}
	text, ok := v.(string)
	if !ok {
		o.fail("%s must be a string", key)
		return nil
	}
	r, err := compileReference(text)
	if err != nil {
		o.fail("%s must be a valid JSONPath: %v", key, err)
		return nil
	}
	if _, ok := r.path.Reference(); single && !ok {
		o.fail("%s must be a reference path, one without @ .. , : ? * and functions, but is %s", key, text)
	}
	return r
}

// nullable reads InputPath or OutputPath, which may be null.
func (o object) nullable(key string) *reference {
	if v, ok := o.m[key]; ok && v == nil {
		return nullReference
	}
	r := o.reference(key, false)
	if r != nil && r.source == "$" {
		return nil
	}
	return r
}

func (o object) payload(key string) *payload {
	m, ok := o.object(key)
	if !ok {
		return nil
	}
	p, err := compilePayload(m.m, key)
	if err != nil {
		o.fail("%v", err)
		return nil
	}
	return p
}

func (o object) resultPath() resultPath {
	v, ok := o.m["ResultPath"]
	if !ok {
		return resultPath{}
	}
	if v == nil {
		return resultPath{discard: true}
	}
	r := o.reference("ResultPath", true)
	if r == nil {
		return resultPath{}
	}
	if r.root != rootInput {
		o.fail("ResultPath must be a path in the state's input but is %s", r.source)
	}
	steps, _ := r.path.Reference()
	return resultPath{steps: steps}
}

// literalOrPath reads key or keyPath, where there may be one of them.
func (o object) literalOrPath(key string) (*template, *reference) {
	v, ok := o.m[key]
	text, isText := v.(string)
	path, hasPath := o.m[key+"Path"]
	switch {
	case ok && hasPath:
		o.fail("it has both %s and %sPath", key, key)
	case ok && !isText:
		o.fail("%s must be a string", key)
	case ok:
		return &template{literal: text}, nil
	case hasPath:
		text, isText := path.(string)
		if !isText {
			o.fail("%sPath must be a string", key)
			return nil, nil
		}
		r, err := compileValue(text)
		if err != nil {
			o.fail("%sPath must be a valid JSONPath or a valid intrinsic function call: %v", key, err)
		}
		return nil, r
	}
	return nil, nil
}

// pathQuantity reads a number, or a path to one from the field with Path.
func (o object) pathQuantity(key string, low, high float64) *quantity {
	_, has := o.m[key]
	_, hasPath := o.m[key+"Path"]
	q := &quantity{field: key, lowest: low, highest: high, fraction: key == "ToleratedFailurePercentage"}
	switch {
	case has && hasPath:
		o.fail("it has both %s and %sPath", key, key)
	case hasPath:
		if q.path = o.reference(key+"Path", true); q.path != nil {
			return q
		}
	case has && q.fraction:
		q.value = o.number(key, low, high, 0)
		return q
	case has:
		q.value = o.whole(key, low, high, 0)
		return q
	}
	return nil
}

func (o object) pathAssign(outer []string) []payloadField {
	assign, ok := o.object("Assign")
	if !ok {
		return nil
	}
	var out []payloadField
	for _, key := range sortedKeys(assign.m) {
		f, err := compileField(assign.m, key, "Assign")
		if err != nil {
			o.fail("%v", err)
			continue
		}
		o.checkVariable(f.name, outer)
		out = append(out, f)
	}
	return out
}

func (b *graphBuilder) pathMap(s *state, o object, scope []string) {
	o.allowPaths("Type", "Comment", "QueryLanguage", "ItemProcessor", "Iterator", "ItemsPath", "ItemSelector", "Parameters", "MaxConcurrency", "MaxConcurrencyPath",
		"ToleratedFailureCount", "ToleratedFailureCountPath", "ToleratedFailurePercentage", "ToleratedFailurePercentagePath",
		"InputPath", "ResultSelector", "ResultPath", "OutputPath", "Assign", "Next", "End", "Retry", "Catch")
	p := s.paths
	p.itemsPath = o.reference("ItemsPath", true)
	selector := "ItemSelector"
	if _, legacy := o.m["Parameters"]; legacy {
		if _, both := o.m[selector]; both {
			o.fail("it has both ItemSelector and Parameters, its former name")
		}
		selector = "Parameters"
	}
	p.itemSelector = o.payload(selector)
	s.maxConcurrency = o.pathQuantity("MaxConcurrency", 0, longest)
	s.toleratedCount = o.pathQuantity("ToleratedFailureCount", 0, longest)
	s.toleratedPercentage = o.pathQuantity("ToleratedFailurePercentage", 0, 100)
	processor := "ItemProcessor"
	if _, legacy := o.m["Iterator"]; legacy {
		if _, both := o.m[processor]; both {
			o.fail("it has both ItemProcessor and Iterator, its former name")
		}
		processor = "Iterator"
	}
	b.processor(s, o, processor, scope)
}

func (b *graphBuilder) pathWait(s *state, o object) {
	n := 0
	for _, key := range []string{"Seconds", "Timestamp", "SecondsPath", "TimestampPath"} {
		if _, ok := o.m[key]; ok {
			n++
		}
	}
	if n != 1 {
		o.fail("it must have exactly one of Seconds, Timestamp, SecondsPath and TimestampPath")
	}
	s.paths.secondsPath, s.paths.timestampPath = o.reference("SecondsPath", true), o.reference("TimestampPath", true)
	if _, ok := o.m["Seconds"]; ok {
		s.seconds = &quantity{field: "Seconds", value: o.whole("Seconds", 0, longest, 0)}
	}
	if _, ok := o.m["Timestamp"]; ok {
		text := o.string("Timestamp")
		if _, err := parseTimestamp(text); err != nil {
			o.fail("Timestamp %q is not of the form 2006-01-02T15:04:05Z", text)
		}
		s.timestamp = &template{literal: text}
	}
}

func (b *graphBuilder) pathRules(s *state, o object, outer []string) {
	rules := o.list("Choices")
	if len(rules) == 0 {
		o.fail("Choices is required and must not be empty")
	}
	for _, rule := range rules {
		for _, key := range []string{"Condition", "Output"} {
			if _, ok := rule.m[key]; ok {
				rule.fail("%s belongs to the query language JSONata", key)
				delete(rule.m, key)
			}
		}
		if _, ok := rule.m["Next"]; !ok {
			rule.fail("Next is required")
		}
		c := choiceRule{next: b.target(rule, "Next"), assign: rule.pathAssign(outer), condition: rule.condition(false)}
		s.paths.rules = append(s.paths.rules, c)
		s.choices = append(s.choices, choice{next: c.next}) // where transitions are looked for
	}
	s.defaultState = b.target(o, "Default")
}

func (b *graphBuilder) pathCatchers(s *state, o object, outer []string) {
	list := o.list("Catch")
	for i, c := range list {
		c.allowPaths("ErrorEquals", "Next", "ResultPath", "Assign", "Comment")
		if _, ok := c.m["Next"]; !ok {
			c.fail("Next is required")
		}
		s.catch = append(s.catch, catcher{
			errors: b.errorEquals(c, i == len(list)-1), next: b.target(c, "Next"),
			resultPath: c.resultPath(), pathAssign: c.pathAssign(outer),
		})
	}
}

// variableName is the variable that a member of Assign is for.
func variableName(key string) string { return strings.TrimSuffix(key, ".$") }
