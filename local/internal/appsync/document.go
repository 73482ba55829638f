package appsync

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// document is a parsed and validated query text.
type document struct {
	*ast.QueryDocument
	errs []*graphError
	// conditional: @skip or @include makes what is selected depend on variables.
	conditional bool
	fields      map[collectKey][]*field // what is selected, unless conditional
}

// maxDocuments bounds the cache: clients have a fixed set of queries, and
// one that writes values into their text should not fill the memory.
const maxDocuments = 1000

// document parses a query. An error means that it is none.
func (a *API) document(query string) (*document, error) {
	if d, ok := a.documents[query]; ok {
		return d, nil
	}
	parsed, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		return nil, err
	}
	if len(parsed.Operations) == 0 {
		return nil, errors.New("the document has no operation")
	}
	d := &document{QueryDocument: parsed, conditional: strings.Contains(query, "@"), fields: map[collectKey][]*field{}}
	for _, e := range validator.ValidateWithRules(a.schema.Schema, parsed, queryRules) {
		d.errs = append(d.errs, validationError(e))
	}
	if !a.introspection && len(d.errs) == 0 && asksSchema(parsed) {
		d.errs = []*graphError{{message: "Introspection is disabled for this API"}}
	}
	if len(a.documents) >= maxDocuments {
		clear(a.documents)
	}
	a.documents[query] = d
	return d, nil
}

// queryRules are GraphQL's, without a limit that only gqlparser has, and with the
// literals of AppSync's scalars.
var queryRules = func() *rules.Rules {
	r := rules.NewDefaultRules()
	r.RemoveRule(rules.MaxIntrospectionDepth.Name)
	r.AddRule("AppSyncScalars", func(observers *core.Events, addError core.AddErrFunc) {
		observers.OnValue(func(_ *core.Walker, v *ast.Value) {
			if v.Definition == nil || v.Definition.Kind != ast.Scalar || !strings.HasPrefix(v.Definition.Name, "AWS") {
				return
			}
			switch v.Kind {
			case ast.Variable, ast.NullValue, ast.ListValue:
				return
			}
			if _, ok := parseScalar(v.Definition.Name, literalJSON(v)); !ok {
				addError(core.Message("%s is not a valid %s", v.String(), v.Definition.Name), core.At(v.Position))
			}
		})
	})
	return r
}()

// literalJSON is a scalar literal as JSON.
func literalJSON(v *ast.Value) []byte {
	switch v.Kind {
	case ast.StringValue, ast.BlockValue, ast.EnumValue:
		return quote(v.Raw)
	case ast.IntValue, ast.FloatValue, ast.BooleanValue:
		return []byte(v.Raw)
	}
	return nullJSON
}

// validationType is AppSync's name of what a rule finds.
var validationType = map[string]string{
	"AppSyncScalars":               "WrongType",
	"FieldsOnCorrectType":          "FieldUndefined",
	"FragmentsOnCompositeTypes":    "InlineFragmentTypeConditionInvalid",
	"KnownArgumentNames":           "UnknownArgument",
	"KnownDirectives":              "UnknownDirective",
	"KnownFragmentNames":           "UndefinedFragment",
	"KnownTypeNames":               "UnknownType",
	"LoneAnonymousOperation":       "LoneAnonymousOperationViolation",
	"NoFragmentCycles":             "FragmentCycle",
	"NoUndefinedVariables":         "UndefinedVariable",
	"NoUnusedFragments":            "UnusedFragment",
	"NoUnusedVariables":            "UnusedVariable",
	"OverlappingFieldsCanBeMerged": "FieldsConflict",
	"PossibleFragmentSpreads":      "InvalidFragmentType",
	"ProvidedRequiredArguments":    "MissingFieldArgument",
	"ScalarLeafs":                  "SubSelectionRequired",
	"UniqueOperationNames":         "DuplicateOperationName",
	"UniqueFragmentNames":          "DuplicateFragmentName",
	"UniqueVariableNames":          "DuplicateVariableName",
	"UniqueArgumentNames":          "DuplicateArgumentNames",
	"UniqueDirectivesPerLocation":  "DuplicateDirectiveName",
	"ValuesOfCorrectType":          "WrongType",
	"VariablesAreInputTypes":       "NonInputTypeOnVariable",
	"VariablesInAllowedPosition":   "VariableTypeMismatch",
	"SingleFieldSubscriptions":     "SubscriptionMultipleRootFields",
	"KnownRootType":                "UnknownOperation",
	"UniqueInputFieldNames":        "UniqueObjectFieldName",
}

var undefinedField = regexp.MustCompile(`^Cannot query field "(\w+)" on type "(\w+)"`)

// validationError is a rule's finding in AppSync's form. The words after the
// type are AppSync's for an undefined field, else gqlparser's.
func validationError(e *gqlerror.Error) *graphError {
	typ := validationType[e.Rule]
	if typ == "" {
		typ = e.Rule
	}
	message := e.Message
	if m := undefinedField.FindStringSubmatch(message); m != nil {
		message = fmt.Sprintf("Field '%s' in type '%s' is undefined @ '%s'", m[1], m[2], m[1])
	}
	out := &graphError{message: "Validation error of type " + typ + ": " + message}
	for _, l := range e.Locations {
		out.at = append(out.at, &ast.Position{Line: l.Line, Column: l.Column})
	}
	return out
}

// operation is the operation of a name, or the only one.
func (d *document) operation(name string) (*ast.OperationDefinition, error) {
	if name == "" {
		if len(d.Operations) > 1 {
			return nil, refusalf("Must provide operation name if query contains multiple operations.")
		}
		return d.Operations[0], nil
	}
	if op := d.Operations.ForName(name); op != nil {
		return op, nil
	}
	return nil, refusalf("Unknown operation named '%s'.", name)
}

func asksSchema(d *ast.QueryDocument) bool {
	for _, op := range d.Operations {
		for _, s := range op.SelectionSet {
			if f, ok := s.(*ast.Field); ok && (f.Name == "__schema" || f.Name == "__type") {
				return true
			}
		}
	}
	return false
}

// depth is how deep a selection goes: 1 for fields without selections.
func depth(set ast.SelectionSet) int {
	deepest := 0
	for _, s := range set {
		d := 0
		switch s := s.(type) {
		case *ast.Field:
			d = 1 + depth(s.SelectionSet)
		case *ast.InlineFragment:
			d = depth(s.SelectionSet)
		case *ast.FragmentSpread:
			d = depth(s.Definition.SelectionSet)
		}
		deepest = max(deepest, d)
	}
	return deepest
}
