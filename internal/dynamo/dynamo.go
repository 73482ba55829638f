// Package dynamo keeps orders and inventory in DynamoDB tables. Every write is
// conditional, so that doing a thing twice is the same as doing it once.
package dynamo

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// item is an item, or a map within one.
type item = map[string]types.AttributeValue

// Text is a value of the type S.
func Text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// TextOf returns "" for what is no S.
func TextOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// NumberOf returns 0 for what is no integer.
func NumberOf(v types.AttributeValue) int64 {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		i, _ := strconv.ParseInt(n.Value, 10, 64)
		return i
	}
	return 0
}

// Timestamp writes a time as the records hold it: RFC 3339 with milliseconds, in UTC.
func Timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// expiry returns the time-to-live of a record written at now.
func expiry(now time.Time, retention time.Duration) types.AttributeValue {
	return number(now.Add(retention).Unix())
}
