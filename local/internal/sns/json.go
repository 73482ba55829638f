package sns

import (
	"errors"
	"strconv"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// pageSize is how many items a list action returns at once. Source: SNS API
// Reference, ListSubscriptionsByTopic.
const pageSize = 100

// page cuts out of all the page that a token asks for; next is empty after the last.
func page[T any](all []T, tok string) (items []T, next string, err error) {
	from := 0
	if tok != "" {
		if from, err = strconv.Atoi(tok); err != nil || from < 0 || from > len(all) {
			return nil, "", errInvalid("NextToken Reason: invalid token")
		}
	}
	to := min(from+pageSize, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}

// errorText is the message of an AWS error, or the whole text of another.
func errorText(err error) string {
	var e *api.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}
