package dynamodb

// A parsed expression depends on its text alone, so that it can be kept;
// #names and :values are numbered and looked up in a binding.
type expression struct {
	text    string
	cond    *condition     // condition, filter and key condition
	actions []updateAction // update
	paths   []path         // projection
	names   []string       // the distinct #names in order of appearance
	values  []string       // the distinct :values in order of appearance
	// problem is what is wrong with the text itself, after "Invalid …Expression: ".
	problem string
}

type path []pathElem

// pathElem is one step of a document path.
type pathElem struct {
	name  string
	ref   int // index of the #name; -1 if the name stands in the text
	index int // list index; -1 for a name
}

type operandKind uint8

const (
	operandPath operandKind = iota
	operandValue
	operandFunction
)

type operand struct {
	kind operandKind
	path path
	ref  int // index of the :value
	fn   string
	args []operand
}

type condition struct {
	op   string // AND OR NOT, a comparator, BETWEEN, IN, or a function's name
	subs []*condition
	args []operand
}

type updateAction struct {
	section string // SET REMOVE ADD DELETE
	path    path
	value   operand
}
