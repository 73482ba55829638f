package sqs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

// withDeadLetters returns a queue whose n messages are all in its dead-letter queue.
func withDeadLetters(t *testing.T, n int) (f *fixture, dlq *sqs.Queue) {
	f = newFixture(t, "q", sqs.QueueProperties{VisibilityTimeout: num(1), RedrivePolicy: &sqs.RedrivePolicy{
		DeadLetterTargetArn: "arn:aws:sqs:eu-central-1:111122223333:dlq", MaxReceiveCount: 1,
	}})
	dlq = f.create("dlq", sqs.QueueProperties{})
	for i := range n {
		f.send(fmt.Sprint(i))
	}
	for range 2 {
		for len(f.receive(m{})) > 0 {
		}
		f.k.Advance(time.Second)
	}
	if ready, _, _ := dlq.Len(); ready != n {
		t.Fatalf("%d in the dead-letter queue", ready)
	}
	return f, dlq
}

func (f *fixture) tasks(dlq *sqs.Queue) m {
	f.Helper()
	return f.call("ListMessageMoveTasks", m{"SourceArn": dlq.ARN})["Results"].([]any)[0].(m)
}

func TestMoveBack(t *testing.T) {
	f, dlq := withDeadLetters(t, 3)
	if got := f.call("ListDeadLetterSourceQueues", m{"QueueUrl": dlq.URL}); !cmp.Equal(got, m{"queueUrls": []any{f.q.URL}}) {
		t.Error(got)
	}
	f.call("StartMessageMoveTask", m{"SourceArn": dlq.ARN})
	f.k.Advance(0)
	got := f.receive(m{"AttributeNames": []string{"ApproximateReceiveCount", "SentTimestamp"}})
	if diff := cmp.Diff([]string{"0", "1", "2"}, bodies(got)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(m{"ApproximateReceiveCount": "1", "SentTimestamp": fmt.Sprint(f.k.Now().UnixMilli())}, got[0]["Attributes"].(m)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(m{
		"Status": "COMPLETED", "SourceArn": dlq.ARN, "StartedTimestamp": float64(f.k.Now().UnixMilli()),
		"ApproximateNumberOfMessagesMoved": 3.0, "ApproximateNumberOfMessagesToMove": 3.0,
	}, f.tasks(dlq)); diff != "" {
		t.Error(diff)
	}
}

func TestMoveAtARateAndCancel(t *testing.T) {
	f, dlq := withDeadLetters(t, 10)
	other := f.create("other", sqs.QueueProperties{})
	in := m{"SourceArn": dlq.ARN, "DestinationArn": other.ARN, "MaxNumberOfMessagesPerSecond": 2}
	handle := f.call("StartMessageMoveTask", in)["TaskHandle"]
	_, err := f.try("StartMessageMoveTask", in)
	wantError(t, err, "InvalidParameterValueException", "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	f.k.Advance(1500 * time.Millisecond)
	if got := f.tasks(dlq); got["Status"] != "RUNNING" || got["TaskHandle"] != handle {
		t.Error(got)
	}
	if got := f.call("CancelMessageMoveTask", m{"TaskHandle": handle}); got["ApproximateNumberOfMessagesMoved"] != 4.0 {
		t.Error(got)
	}
	f.k.Advance(time.Minute)
	if n, _, _ := other.Len(); n != 4 {
		t.Errorf("%d moved", n)
	}
	if got := f.tasks(dlq); got["Status"] != "CANCELLED" || got["TaskHandle"] != nil {
		t.Error(got)
	}
	f.wantIdle()
}

func TestMoveOfAMessageThatDidNotFail(t *testing.T) {
	f, dlq := withDeadLetters(t, 0)
	f.call("SendMessage", m{"QueueUrl": dlq.URL, "MessageBody": "a"})
	f.call("StartMessageMoveTask", m{"SourceArn": dlq.ARN})
	f.k.Advance(0)
	if got := f.tasks(dlq); got["Status"] != "FAILED" || got["FailureReason"] != "CouldNotDetermineMessageSource" {
		t.Error(got)
	}
}
