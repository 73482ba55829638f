package sqs

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// moveTask moves the messages of a dead-letter queue back ("redrive").
//
// Moved messages are new messages: new id, new enqueue time, no receives. A
// rate of n moves up to n messages once a second; without a rate everything
// that is there moves at once, where AWS picks a rate of its own.
type moveTask struct {
	number              int // place in the order of tasks
	id                  string
	source, destination *Queue // destination is nil: back to where each came from
	perSecond           int
	toMove, moved       int
	started             time.Time
	status, reason      string
	next                time.Time // when it goes on
}

func (s *Service) startMessageMoveTask(c api.Call) ([]byte, error) {
	var in struct {
		SourceArn, DestinationArn    string
		MaxNumberOfMessagesPerSecond *int
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	source, err := s.taskQueue("SourceArn", in.SourceArn)
	if err != nil {
		return nil, err
	}
	t := &moveTask{id: s.newID(), source: source, started: s.k.Now(), status: "RUNNING"}
	if len(s.sourcesOf(source)) == 0 {
		return nil, errInvalid("Source queue must be configured as a Dead Letter Queue.")
	}
	if in.DestinationArn != "" {
		if t.destination, err = s.taskQueue("DestinationArn", in.DestinationArn); err != nil {
			return nil, err
		}
		if t.destination == source {
			return nil, errInvalid("Source queue and destination queue must not be the same.")
		}
		if t.destination.FIFO != source.FIFO {
			return nil, errInvalid("Source queue and destination queue must be of the same type.")
		}
	}
	if n := in.MaxNumberOfMessagesPerSecond; n != nil {
		if *n < 1 || *n > 500 {
			return nil, errInvalid("Value %d for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 and 500, if provided.", *n)
		}
		t.perSecond = *n
	}
	for _, other := range s.tasks {
		if other.source == source && other.status == "RUNNING" {
			return nil, errInvalid("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		}
	}
	t.toMove, _, _ = source.Len()
	if n := len(s.tasks); n > 0 {
		t.number = s.tasks[n-1].number + 1
	}
	s.tasks = append(s.tasks, t)
	s.moveAt(t, s.k.Now())
	return json.Marshal(struct{ TaskHandle string }{t.handle()})
}

func (s *Service) taskQueue(parameter, arn string) (*Queue, error) {
	if arn == "" {
		return nil, errMissing(parameter)
	}
	if q := s.byARN[arn]; q != nil {
		return q, nil
	}
	return nil, errNotFound("The resource that you specified for the %s parameter doesn't exist.", parameter)
}

// moveAt goes on with a task at the given time.
func (s *Service) moveAt(t *moveTask, at time.Time) {
	t.next = at
	t.changed(s)
	s.k.At(at, func() { s.move(t) })
}

// move moves one second's worth of messages and schedules the rest.
func (s *Service) move(t *moveTask) {
	if t.status != "RUNNING" {
		return
	}
	defer t.changed(s)
	t.source.settle()
	for n := 0; t.perSecond == 0 || n < t.perSecond; n++ {
		g := t.source.choose()
		if g == nil {
			t.status = "COMPLETED"
			return
		}
		m := g.ready.top()
		if t.source.expired(m) {
			n--
			continue
		}
		to := t.destination
		if to == nil {
			to = s.byARN[m.DeadLetterSource]
		}
		if to == nil {
			t.status, t.reason = "FAILED", "CouldNotDetermineMessageSource"
			return
		}
		t.source.drop(m)
		now := s.k.Now()
		fresh := &Message{
			ID: s.newID(), Body: m.Body, MD5OfBody: m.MD5OfBody,
			Attributes: m.Attributes, MD5OfAttributes: m.MD5OfAttributes,
			TraceHeader: m.TraceHeader, MD5OfSystem: m.MD5OfSystem,
			SenderID: m.SenderID, GroupID: m.GroupID, DedupID: m.DedupID,
			Sent: now.Truncate(time.Millisecond), retained: now, size: m.size,
		}
		if to.FIFO {
			fresh.SequenceNumber = to.nextSequence()
		}
		to.add(fresh, 0)
		t.moved++
	}
	s.moveAt(t, s.k.Now().Add(time.Second))
}

type taskHandle struct {
	TaskID    string `json:"taskId"`
	SourceArn string `json:"sourceArn"`
}

func (t *moveTask) handle() string {
	b, err := json.Marshal(taskHandle{t.id, t.source.ARN})
	if err != nil {
		panic(err) // two strings
	}
	return base64.StdEncoding.EncodeToString(b)
}

func (s *Service) listMessageMoveTasks(c api.Call) ([]byte, error) {
	var in struct {
		SourceArn  string
		MaxResults *int
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	source, err := s.taskQueue("SourceArn", in.SourceArn)
	if err != nil {
		return nil, err
	}
	limit := 1
	if n := in.MaxResults; n != nil {
		if *n < 1 || *n > 10 {
			return nil, errInvalid("Value %d for parameter MaxResults is invalid. Reason: Must be between 1 and 10, if provided.", *n)
		}
		limit = *n
	}
	type result struct {
		ApproximateNumberOfMessagesMoved  int
		ApproximateNumberOfMessagesToMove int
		DestinationArn                    string `json:",omitempty"`
		FailureReason                     string `json:",omitempty"`
		MaxNumberOfMessagesPerSecond      int    `json:",omitempty"`
		SourceArn                         string
		StartedTimestamp                  int64
		Status                            string
		TaskHandle                        string `json:",omitempty"`
	}
	out := struct {
		Results []result `json:"Results,omitempty"`
	}{}
	for _, t := range slices.Backward(s.tasks) {
		if t.source != source || len(out.Results) == limit {
			continue
		}
		r := result{
			ApproximateNumberOfMessagesMoved: t.moved, ApproximateNumberOfMessagesToMove: t.toMove,
			FailureReason: t.reason, MaxNumberOfMessagesPerSecond: t.perSecond,
			SourceArn: source.ARN, StartedTimestamp: t.started.UnixMilli(), Status: t.status,
		}
		if t.destination != nil {
			r.DestinationArn = t.destination.ARN
		}
		if t.status == "RUNNING" {
			r.TaskHandle = t.handle()
		}
		out.Results = append(out.Results, r)
	}
	return json.Marshal(out)
}

func (s *Service) cancelMessageMoveTask(c api.Call) ([]byte, error) {
	var in struct{ TaskHandle string }
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	if in.TaskHandle == "" {
		return nil, errMissing("TaskHandle")
	}
	var h taskHandle
	raw, err := base64.StdEncoding.DecodeString(in.TaskHandle)
	if err != nil || json.Unmarshal(raw, &h) != nil || h.TaskID == "" {
		return nil, errInvalid("Value for parameter TaskHandle is invalid.")
	}
	if _, err := s.taskQueue("SourceArn", h.SourceArn); err != nil {
		return nil, err
	}
	for _, t := range s.tasks {
		if t.id != h.TaskID || t.source.ARN != h.SourceArn {
			continue
		}
		if t.status != "RUNNING" {
			return nil, errInvalid("Only active tasks can be cancelled.")
		}
		t.status = "CANCELLED"
		t.changed(s)
		return json.Marshal(struct{ ApproximateNumberOfMessagesMoved int }{t.moved})
	}
	return nil, errNotFound("Task does not exist.")
}
