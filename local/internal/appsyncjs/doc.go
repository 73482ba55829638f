// Package appsyncjs runs the code of AppSync resolvers, pipeline functions and subscription
// handlers: JavaScript as the runtime APPSYNC_JS 1.0.0 takes it.
//
//	program, err := appsyncjs.Compile("order.js", code) // refuses what AppSync refuses, with line and column
//	runtime := appsyncjs.New(appsyncjs.Env{Now: clock, Rand: random, Log: log})
//	result, err := runtime.Call(program, "request", &appsyncjs.Context{Arguments: args})
//
// # How
//
// Code is an ES module. esbuild judges its syntax, goja runs it. goja knows scripts only, so imports and exports are
// taken out, and the rest is parsed as it stands: rules are checked on, and errors point into, the code as it was
// written. A module is a function of what it imports, called again for every call of a handler, unless
// it has no variable that could remember anything.
//
// # The language
//
// "Supported runtime features" of the developer guide is the list; what is not on it is refused when code is compiled:
// async, await, promises, generators, classes, new, this, for (;;), while, do, continue, labels, try, throw, with, regular expression literals,
// ++, --, ~, in, instanceof, recursion, functions as arguments (but for the methods of arrays), as results and under a second name,
// arguments of sort, getters and setters, tagged templates (but for String.raw), writing to ctx or its properties (what they hold can be
// changed), imports other than @aws-appsync/utils and @aws-appsync/utils/dynamodb, default exports and re-exports,
// globals and methods that are not on the list (Date, parseInt, Array.isArray, padStart, toFixed …).
// Beyond the list, there are the methods includes and substring, which AWS's linter does not deny, and toString, which making text of
// a value needs.
// Of methods, the check knows names, not types; the machine has none but those of the list, so that a call of another is an error at the latest when it runs.
// AppSync also checks types as TypeScript does. This runtime does not.
//
// As in AppSync, JSON.parse gives an empty string for what is not JSON, and replace and replaceAll take a Java regular
// expression, although it is written as a string.
//
// # The utilities
//
// All of util, extensions and runtime that the package @aws-appsync/utils 2.1.1 declares, and all of its module dynamodb, except:
//
//   - util.rds, @aws-appsync/utils/rds, @aws-appsync/utils/ai, util.xml, util.transform.toElasticsearchQueryDSL and extensions.evictFromApiCache are refused when code is compiled;
//   - util.matches, replace and replaceAll know the regular expressions that Go and Java share: no look-around, no back-references;
//   - formats of util.time know the letters y u Y M L d D E a H h m s S X x Z V z, in English.
//
// How expressions of filters, conditions and updates are worded follows recordings of AppSync's EvaluateCode. util.matches wants the
// whole text to match, as java.util.regex.Pattern.matches does, and the upper end of util.math.randomWithinRange is never
// drawn: the documentation is open about both. AppSync orders the fields of a filter by a rule of its own; here it is the order in which they are written.
//
// # Limits
//
// Code has at most 32,000 characters. AppSync ends an evaluation that takes too long; here a call may enter functions and go
// round loops a million times in all, and nest calls 500 deep. That bounds time, since nothing else can repeat; it does not bound memory:
// a string that doubles in a loop grows until the process has no more.
//
// There is no clock and no randomness but that of Env.
package appsyncjs
