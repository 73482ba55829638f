package states

// Machine is a compiled definition.
type Machine struct {
	// Comment is the definition's own.
	Comment string
	// TimeoutSeconds is how long an execution may take; 0 means as long as
	// Step Functions allows.
	TimeoutSeconds float64

	graph graph
	// tasks are all task states in the order of their names, with their paths.
	tasks []*state
}

// States lists the names of all states, nested ones included, in order.
func (m *Machine) States() []string { return m.graph.names(nil) }

// graph is a machine's states, or those of a branch or an item processor.
type graph struct {
	start  *state
	states []*state // in the order of their names
}

func (g *graph) names(out []string) []string {
	for _, s := range g.states {
		out = append(out, s.name)
		for _, b := range s.branches {
			out = b.names(out)
		}
	}
	return out
}

type stateType uint8

const (
	taskState stateType = iota + 1
	choiceState
	waitState
	parallelState
	mapState
	passState
	succeedState
	failState
)

var typeNames = [...]string{
	taskState: "Task", choiceState: "Choice", waitState: "Wait", parallelState: "Parallel",
	mapState: "Map", passState: "Pass", succeedState: "Succeed", failState: "Fail",
}

func (t stateType) String() string { return typeNames[t] }

// state is one state of any type.
type state struct {
	name string
	typ  stateType
	next *state // nil at an end

	paths *pathFields // nil for JSONata, which has the fields below

	arguments *template // Task, Parallel
	output    *template
	assign    []field

	resource  *resource // Task
	timeout   *quantity // Task: TimeoutSeconds
	heartbeat *quantity // Task: HeartbeatSeconds
	retry     []retrier
	catch     []catcher

	choices      []choice // Choice
	defaultState *state

	seconds   *quantity // Wait
	timestamp *template // Wait

	branches []*graph // Parallel; one for a Map

	items               *template // Map
	itemSelector        *template
	maxConcurrency      *quantity
	toleratedCount      *quantity
	toleratedPercentage *quantity

	errorName *template // Fail
	cause     *template
}

// quantity is a number or an expression for one.
type quantity struct {
	value float64
	expr  *expression
	path  *reference // JSONPath: field with Path
	field string
	// lowest and highest are inclusive bounds; whole numbers only.
	lowest, highest float64
	fraction        bool // JSONPath: need not be a whole number
}

type choice struct {
	literal   bool // the condition where expr is nil
	condition *expression
	next      *state
	output    *template
	assign    []field
}

type retrier struct {
	errors      []string
	interval    float64 // seconds
	maxAttempts int
	backoff     float64
	maxDelay    float64 // seconds; 0: none
	fullJitter  bool
}

type catcher struct {
	errors []string
	next   *state
	output *template
	assign []field
	// JSONPath:
	resultPath resultPath
	pathAssign []payloadField
}
