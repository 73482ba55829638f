package operate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/orderflow-cdk/orderflow/internal/handler"
	"github.com/orderflow-cdk/orderflow/internal/publish"
)

// Redrive is how dead letters are moved back.
type Redrive struct {
	Filter
	// Rate is how many to move a second: 1 to 500; 0: as SQS sees fit.
	Rate int
	// Progress is told how many were moved, and how many there are as far as that is known. Default: nobody is.
	Progress func(moved, all int)
}

// Moved is what became of dead letters.
type Moved struct {
	// Moved counts those that are back. By is how: "task", a task of SQS for the whole queue, "messages", one by one, or "topic", published anew.
	Moved int    `json:"moved"`
	By    string `json:"by,omitempty"`
	// Destination is where they went: the ARN of a queue or a topic; "" if each went to the queue that it came from.
	Destination string `json:"destination,omitempty"`
	// Joined says that somebody had started the task before.
	Joined bool `json:"joined,omitempty"`
	// Status is that of the task in the end; Failure is why it failed.
	Status  string `json:"status,omitempty"`
	Failure string `json:"failure,omitempty"`
	// Kept says why some of the letters stay: message ids and reasons.
	Kept []Kept `json:"kept,omitempty"`
	// Partly says that there may be more: not all could be looked at in time.
	Partly bool `json:"partly,omitempty"`
}

// Kept is a letter that was left where it is.
type Kept struct {
	MessageID string `json:"messageId"`
	Why       string `json:"why"`
}

// Done reports whether nothing is left of what was to be moved.
func (m Moved) Done() bool {
	return len(m.Kept) == 0 && !m.Partly && (m.Status == "" || m.Status == completed)
}

// completed is the status of a task that moved all.
const completed = "COMPLETED"

// ErrPositions says that the outbox's failures are no messages to be moved: Replay tells the events that they stand for.
var ErrPositions = errors.New("what is in outbox are positions in the stream, and no queue's messages: orderflow replay tells the events again")

// Redrive moves dead letters back. All of a queue are moved by SQS itself; some, and those of subscriptions, one by one: a copy is sent before the
// letter is deleted, so that whoever is interrupted leaves a letter that is moved twice, and none that is lost.
//
// IAM, on the dead-letter queue: sqs:StartMessageMoveTask, ListMessageMoveTasks, ReceiveMessage, DeleteMessage, GetQueueAttributes, and for some of the letters
// ChangeMessageVisibility; on the queue where they go sqs:SendMessage. For subscriptions sns:Publish on the topic instead.
func (s *Stack) Redrive(ctx context.Context, q *Queue, r Redrive) (Moved, error) {
	if r.Progress == nil {
		r.Progress = func(int, int) {}
	}
	switch {
	case q.Name == Outbox:
		return Moved{}, ErrPositions
	case q.Name == Subscriptions:
		return s.publishAnew(ctx, q, r)
	case len(q.Sources) == 0:
		return Moved{}, fmt.Errorf("no queue has %s as its dead-letter queue: where its messages belong is not known", q.Name)
	case !r.All():
		return s.moveSome(ctx, q, r)
	}
	return s.moveAll(ctx, q, r)
}

// destination is where a queue's letters go. It is named if there is only one queue that they can have come from, since of letters that a function, and
// not SQS, has sent there SQS does not know it (SQS API reference, StartMessageMoveTask).
func (q *Queue) destination() string {
	if len(q.Sources) == 1 {
		return q.Sources[0]
	}
	return ""
}

const (
	// taskPoll is how often a task is asked how far it is.
	taskPoll = time.Second
	// listedWithin is after how many times it must have been the latest.
	listedWithin = 30
)

// moveAll has SQS move all that is in the queue.
func (s *Stack) moveAll(ctx context.Context, q *Queue, r Redrive) (Moved, error) {
	m := Moved{By: "task", Destination: q.destination()}
	task, err := s.task(ctx, q)
	if err != nil {
		return m, err
	}
	var before int64 // the start of the task before, which may be listed for a moment longer
	if task != nil {
		before = task.StartedTimestamp
	}
	if m.Joined = task != nil && aws.ToString(task.Status) == "RUNNING"; !m.Joined {
		in := &sqs.StartMessageMoveTaskInput{SourceArn: &q.arn}
		if m.Destination != "" {
			in.DestinationArn = &m.Destination
		}
		if r.Rate > 0 {
			in.MaxNumberOfMessagesPerSecond = aws.Int32(int32(r.Rate))
		}
		_, err := s.queues.StartMessageMoveTask(ctx, in)
		if alreadyRunning(err) {
			m.Joined = true
		} else if err != nil {
			return m, fmt.Errorf("queue %s: %w", q.Name, err)
		}
	}
	for polls := 0; ; polls++ {
		task, err := s.task(ctx, q)
		if err != nil {
			return m, err
		}
		if task == nil || polls < listedWithin && !m.Joined && task.StartedTimestamp == before { // not listed yet
			task = &types.ListMessageMoveTasksResultEntry{Status: aws.String("RUNNING")}
		}
		m.Moved, m.Status, m.Failure = int(task.ApproximateNumberOfMessagesMoved), aws.ToString(task.Status), aws.ToString(task.FailureReason)
		if m.Joined && task.DestinationArn != nil {
			m.Destination = *task.DestinationArn
		}
		r.Progress(m.Moved, max(int(aws.ToInt64(task.ApproximateNumberOfMessagesToMove)), m.Moved))
		if m.Status != "RUNNING" && m.Status != "CANCELLING" {
			return m, nil
		}
		if err := s.wait(ctx, taskPoll); err != nil {
			return m, fmt.Errorf("the move of %s goes on in SQS: %w", q.Name, err)
		}
	}
}

// alreadyRunning reports whether a task was refused since there is one.
func alreadyRunning(err error) bool {
	e := smithy.APIError(nil)
	return errors.As(err, &e) && strings.Contains(e.ErrorMessage(), "already a task running")
}

// task is the queue's latest task; nil if there was none.
func (s *Stack) task(ctx context.Context, q *Queue) (*types.ListMessageMoveTasksResultEntry, error) {
	out, err := s.queues.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &q.arn, MaxResults: aws.Int32(1)})
	if err != nil {
		return nil, fmt.Errorf("queue %s: %w", q.Name, err)
	}
	if len(out.Results) == 0 {
		return nil, nil
	}
	return &out.Results[0], nil
}

// moveSome moves the letters that the filter takes.
func (s *Stack) moveSome(ctx context.Context, q *Queue, r Redrive) (Moved, error) {
	m := Moved{By: "messages", Destination: q.destination()}
	if m.Destination == "" {
		return m, fmt.Errorf("several queues have %s as their dead-letter queue: only all of it can be moved", q.Name)
	}
	name := m.Destination[strings.LastIndexByte(m.Destination, ':')+1:]
	to, err := s.queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return m, fmt.Errorf("queue %s: %w", name, err)
	}
	err = s.pick(ctx, q, r, &m, func(l Letter) error {
		in := &sqs.SendMessageInput{QueueUrl: to.QueueUrl, MessageBody: l.message.Body, MessageAttributes: l.message.MessageAttributes}
		attribute := func(name string) *string {
			if v, ok := l.message.Attributes[name]; ok {
				return &v
			}
			return nil
		}
		in.MessageGroupId = attribute("MessageGroupId")
		if strings.HasSuffix(name, ".fifo") {
			in.MessageDeduplicationId = attribute("MessageDeduplicationId")
		}
		_, err := s.queues.SendMessage(ctx, in)
		return err
	})
	return m, err
}

// publishAnew publishes the events that were not delivered to a subscriber. The others get them again, under the same id.
func (s *Stack) publishAnew(ctx context.Context, q *Queue, r Redrive) (Moved, error) {
	m := Moved{By: "topic"}
	topics, err := s.need("StatusTopicArn")
	if err != nil {
		return m, err
	}
	m.Destination = topics[0]
	topic := &publish.Topic{Client: sns.NewFromConfig(s.cfg), ARN: topics[0]}
	err = s.pick(ctx, q, r, &m, func(l Letter) error {
		e, text, err := eventOf(l.message)
		if err != nil {
			return &notMovable{err.Error()}
		}
		return topic.Publish(ctx, []*publish.Message{{Event: e, JSON: text, Group: handler.DeliveryGroup(e.Tenant)}})[0]
	})
	return m, err
}

// notMovable is why a letter stays where it is, however often somebody tries.
type notMovable struct{ why string }

func (e *notMovable) Error() string { return e.why }

// pick has send send the letters that the filter takes, one after the other, and then deletes each.
func (s *Stack) pick(ctx context.Context, q *Queue, r Redrive, m *Moved, send func(Letter) error) error {
	all, err := s.each(ctx, q.URL, pickTime, func(message types.Message) (gone, more bool, err error) {
		l := readLetter(message)
		if !r.takes(l) {
			return false, true, nil
		}
		err = send(l)
		if stays := (*notMovable)(nil); errors.As(err, &stays) {
			m.Kept = append(m.Kept, Kept{l.MessageID, stays.why})
			return false, true, nil
		}
		if err != nil {
			return false, false, fmt.Errorf("message %s stays in %s: %w", l.MessageID, q.Name, err)
		}
		// From here on it is in both queues.
		if _, err := s.queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.URL, ReceiptHandle: message.ReceiptHandle}); err != nil {
			return false, false, fmt.Errorf("message %s was moved and is still in %s as well, which does no harm: %w", l.MessageID, q.Name, err)
		}
		m.Moved++
		r.Progress(m.Moved, max(q.Waiting, m.Moved))
		if r.Rate > 0 {
			err = s.wait(ctx, time.Second/time.Duration(r.Rate))
		}
		return true, err == nil, err
	})
	m.Partly = err == nil && !all
	return err
}
