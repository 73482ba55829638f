// Package aliased looks behind the aliases of functions, for constructs that are given what is
// invoked, and need what it is made of: its timeout, its environment, its place in the tree.
package aliased

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
)

// Function is the function behind an alias or a version, and a function itself. It is nil for one
// that the app does not make, of which nothing is known but its name.
func Function(f awslambda.IFunction) awslambda.Function {
	switch f := f.(type) {
	case awslambda.IAlias:
		return Function(f.Version())
	case awslambda.IVersion:
		return Function(f.Lambda())
	case awslambda.Function:
		return f
	}
	return nil
}

// Timeout is that of the function behind f, which the app must make.
func Timeout(f awslambda.IFunction) time.Duration {
	if t := Function(f).Timeout(); t != nil {
		return time.Duration(*t.ToSeconds(nil)) * time.Second
	}
	return 3 * time.Second // Lambda's default
}

// AddEventSourceMapping has f receive from a source. The mapping is below the function itself, whatever f is.
func AddEventSourceMapping(f awslambda.IFunction, id string, options *awslambda.EventSourceMappingOptions) awslambda.EventSourceMapping {
	function := Function(f)
	mapping := function.AddEventSourceMapping(&id, options)
	if _, itself := f.(awslambda.Function); !itself {
		mapping.Node().DefaultChild().(awslambda.CfnEventSourceMapping).SetFunctionName(f.FunctionArn())
	}
	return mapping
}
