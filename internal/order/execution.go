package order

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
)

var executionNames = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// ExecutionName is the name of the workflow's execution of an order: its id
// where that is a name that needs no escaping anywhere (an execution's name has at
// most 80 characters: Step Functions API, StartExecution), and else a hash of its key.
func ExecutionName(key, orderID string) string {
	if executionNames.MatchString(orderID) {
		return orderID
	}
	sum := sha256.Sum256([]byte(key))
	return "h-" + hex.EncodeToString(sum[:])
}
