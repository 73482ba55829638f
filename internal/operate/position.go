package operate

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// position is which records of a stream a function gave up (Lambda Developer Guide, "Retain discarded records for a
// DynamoDB event source").
type position struct {
	Function   string // its ARN
	Condition  string // RetryAttemptsExhausted, RecordAgeExceeded
	Stream     string
	Shard      string
	Start, End string // sequence numbers
	First      time.Time
	Last       time.Time
	Records    int
}

// function is the name of the function that gave up.
func (p position) function() string {
	if _, name, ok := strings.Cut(p.Function, ":function:"); ok {
		return name
	}
	return p.Function
}

// readPosition reads a message of the queue of what the outbox gave up.
func readPosition(m types.Message) (position, error) {
	var doc struct {
		RequestContext     struct{ FunctionArn, Condition string }
		DDBStreamBatchInfo *struct {
			ShardID                         string
			StartSequenceNumber             string
			EndSequenceNumber               string
			ApproximateArrivalOfFirstRecord time.Time
			ApproximateArrivalOfLastRecord  time.Time
			BatchSize                       int
			StreamArn                       string
		}
	}
	if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &doc); err != nil {
		return position{}, err
	}
	b := doc.DDBStreamBatchInfo
	if b == nil || b.StreamArn == "" || b.ShardID == "" || b.StartSequenceNumber == "" || b.EndSequenceNumber == "" ||
		b.ApproximateArrivalOfFirstRecord.IsZero() || b.ApproximateArrivalOfLastRecord.IsZero() {
		return position{}, errors.New("the message names no records of a stream")
	}
	return position{
		Function: doc.RequestContext.FunctionArn, Condition: doc.RequestContext.Condition, Stream: b.StreamArn, Shard: b.ShardID,
		Start: b.StartSequenceNumber, End: b.EndSequenceNumber, First: b.ApproximateArrivalOfFirstRecord, Last: b.ApproximateArrivalOfLastRecord,
		Records: b.BatchSize,
	}, nil
}
