package dynamo

var RetryConflicts = retryConflicts
