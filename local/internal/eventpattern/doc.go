// Package eventpattern compiles and matches the filters of event source mappings
// and of SNS subscriptions.
//
//	CompileLambda ─► Pattern.Match(record)          FilterCriteria of a stream
//	CompileQueue  ─► QueuePattern.Match(body)       FilterCriteria of a queue
//	CompileSNS    ─► Policy.MatchAttributes(…)      FilterPolicyScope MessageAttributes
//	                 Policy.MatchBody(body)         FilterPolicyScope MessageBody
//
// Both dialects are one language in AWS: that of its rule engine, Event Ruler.
// What is written here follows the two services' documentation; where that is
// silent, what Event Ruler does (see referee_test.go): names are joined by
// dots, an array matches if one of its elements does, and names below the same
// array must be found in the same element.
//
// Each dialect accepts what its documentation lists:
//
//	                          Lambda   SNS
//	"text" 7 true null           x      x
//	prefix, suffix               x      x
//	equals-ignore-case           x      x
//	anything-but, scalars        x      x
//	anything-but, prefix         x      x
//	anything-but, suffix         x
//	numeric, exists, $or         x      x
//	cidr                                x
//	wildcard
//
// Everything else is an error when a filter is compiled.
//
// # What differs from the real services
//
//   - Numbers are compared as float64; SNS documents five decimal places.
//   - equals-ignore-case compares character by character: ß is not SS.
//   - A name that a pattern has twice, and an $or that is no use of the operator, are refused.
//   - The quotas of 200 filter policies a topic and of five filters a mapping
//     are up to the caller.
package eventpattern
