package sqs

import (
	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// Error codes of the JSON protocol that occur in more than one place.
const (
	codeInvalidParameter = "InvalidParameterValueException"
	codeMissingParameter = "MissingRequiredParameterException"
	codeNoQueue          = "QueueDoesNotExist"
	codeNotFound         = "ResourceNotFoundException"
	codeInvalidAttrName  = "InvalidAttributeName"
	codeInvalidAttrValue = "InvalidAttributeValue"
)

// queryCodes are the codes of the query protocol that are spelled otherwise
// than those of the JSON protocol.
var queryCodes = map[string]string{
	codeInvalidParameter:           "InvalidParameterValue",
	codeMissingParameter:           "MissingParameter",
	codeNoQueue:                    "AWS.SimpleQueueService.NonExistentQueue",
	"QueueNameExists":              "QueueAlreadyExists",
	"QueueDeletedRecently":         "AWS.SimpleQueueService.QueueDeletedRecently",
	"UnsupportedOperation":         "AWS.SimpleQueueService.UnsupportedOperation",
	"EmptyBatchRequest":            "AWS.SimpleQueueService.EmptyBatchRequest",
	"TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
	"BatchEntryIdsNotDistinct":     "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
	"BatchRequestTooLong":          "AWS.SimpleQueueService.BatchRequestTooLong",
	"InvalidBatchEntryId":          "AWS.SimpleQueueService.InvalidBatchEntryId",
	"MessageNotInflight":           "AWS.SimpleQueueService.MessageNotInflight",
	"PurgeQueueInProgress":         "AWS.SimpleQueueService.PurgeQueueInProgress",
	"UnknownOperationException":    "InvalidAction",
	"AccessDeniedException":        "AccessDenied",
	"ThrottlingException":          "RequestThrottled",
	"InternalFailure":              "InternalFailure",
}

// QueryCode is the query protocol's spelling of an error code of the JSON
// protocol. It is also what the JSON protocol sends in its header
// x-amzn-query-error ("<QueryCode>;Sender"), and what a failed entry of a
// batch carries as its Code.
func QueryCode(code string) string {
	if q, ok := queryCodes[code]; ok {
		return q
	}
	return code
}

// TypePrefix is what stands before an error code in the __type member of the
// JSON protocol. The codes that the service's model does not name come from
// the framework below it.
func TypePrefix(code string) string {
	switch code {
	case codeInvalidParameter, codeMissingParameter, "UnknownOperationException",
		"SerializationException", "AccessDeniedException", "ThrottlingException":
		return "com.amazon.coral.service#"
	}
	return "com.amazonaws.sqs#"
}

func errInvalid(format string, args ...any) *api.Error {
	return api.Errorf(codeInvalidParameter, format, args...)
}

func errMissing(parameter string) *api.Error {
	return api.Errorf(codeMissingParameter, "The request must contain the parameter %s.", parameter)
}

func errNoQueue() *api.Error {
	return api.Errorf(codeNoQueue, "The specified queue does not exist.")
}

func errNotFound(format string, args ...any) *api.Error {
	e := api.Errorf(codeNotFound, format, args...)
	e.Status = 404
	return e
}
