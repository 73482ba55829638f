// Package logs is Amazon CloudWatch Logs as far as somebody who looks for a line needs it: the log
// groups of a template, what the other services write to them, and the actions that read them.
//
//	simulated: AWS::Logs::LogGroup (LogGroupName, RetentionInDays); DescribeLogGroups, DescribeLogStreams,
//	           FilterLogEvents, GetLogEvents
//	refused:   filter patterns in space-delimited form ([…]) and regular expressions (%…%)
//
// A group keeps the latest MaxEvents events, and none for longer than its retention. Groups that are not in the
// template come into being with the first event, as those of functions do.
package logs
