package dynamo

import (
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// retryConflicts makes a client's retryer also retry a transaction that was
// cancelled only because another one was changing the same item, or for want
// of throughput: two orders for one popular SKU are no failure of either.
func retryConflicts(o *dynamodb.Options) {
	if o.Retryer != nil {
		o.Retryer = conflictRetryer{o.Retryer}
	}
}

type conflictRetryer struct{ aws.Retryer }

// IsErrorRetryable implements aws.Retryer.
func (r conflictRetryer) IsErrorRetryable(err error) bool {
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		return transient(cancelled.CancellationReasons)
	}
	return r.Retryer.IsErrorRetryable(err)
}

func transient(reasons []types.CancellationReason) bool {
	passing := []string{"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
	some := false
	for _, r := range reasons {
		switch code := aws.ToString(r.Code); {
		case code == "" || code == "None":
		case slices.Contains(passing, code):
			some = true
		default:
			return false
		}
	}
	return some
}
