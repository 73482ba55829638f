package vtl

// expr is anything that has a value.
type expr interface {
	value(e *exec) (any, error)
	// truth is the expression as a condition. Velocity 1.7 gives literals and
	// arithmetic no truth of their own: #if(1) and #if("x") are false.
	truth(e *exec) (bool, error)
}

// stmt is anything that renders.
type stmt interface {
	render(e *exec) error
}

type textStmt string

type ifStmt struct {
	branches []branch
}

type branch struct {
	cond expr // nil for #else
	body []stmt
}

type setStmt struct {
	left *reference
	sym  int // what a plain #set($x = …) assigns
	// odd marks #set(${x} = …) and #set($!x = …): Velocity 1.7 assigns to
	// variables named "{" and "!x", which nothing can read.
	odd   bool
	right expr
}

type foreachStmt struct {
	sym  int
	list expr
	body []stmt
	pos  int
}

type breakStmt struct {
	scope expr // nil: the nearest
	pos   int
}

type stopStmt struct{}

type defineStmt struct {
	sym  int
	body []stmt
	name string
}

type evaluateStmt struct {
	arg expr
	pos int
}

// callStmt is #name(…): a macro's call, or text if there is no such macro when
// it is rendered.
type callStmt struct {
	name string
	args []expr
	// literals are the arguments as written.
	literals []string
	body     []stmt // of #@name(…) … #end
	hasBody  bool
	text     string
	badArg   string
	pos      int
}

type macro struct {
	name   string
	params []param
	body   []stmt
}

type param struct {
	sym  int
	name string
}

type (
	stringLit struct{ s string }
	// interpolated is a double-quoted string with references in it.
	interpolated struct {
		body     []stmt
		dropLast bool
	}
	constant struct{ v any }
	boolLit  bool
	rangeLit struct {
		from, to expr
		pos      int
	}
	listLit struct{ items []expr }
	mapLit  struct{ keys, values []expr }
	// group is an expression in parentheses, or a whole condition.
	group   struct{ x expr }
	notExpr struct{ x expr }
	andExpr struct{ x, y expr }
	orExpr  struct{ x, y expr }
	compare struct {
		op   kind
		x, y expr
	}
	arith struct {
		op           kind
		x, y         expr
		xText, yText string
		pos          int
	}
)

// reference is $x.y(z)[0] in all its spellings.
type reference struct {
	sym  int
	name string
	// runt is an identifier without $ (an argument without quotes); it has no value.
	runt bool
	// inert is $\!x: never a value.
	inert   bool
	escaped bool
	quiet   bool
	prefix  string // half of the backslashes before it
	more    string // other text the scanner took in before $
	null    string // what a null prints as
	literal string
	steps   []step
	pos     int
}

type stepKind uint8

const (
	propertyStep stepKind = iota
	methodStep
	indexStep
)

type step struct {
	kind stepKind
	name string
	args []expr
	pos  int
}
