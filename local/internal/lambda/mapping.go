package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/eventpattern"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

// Without a maximum a mapping of a standard queue starts with five batches at a
// time and adds 300 a minute, up to the account's quota; one of a FIFO queue
// runs as many as the queue has groups, up to the same.
const (
	initialConcurrency = 5
	addedPerMinute     = 300
)

// Mapping is an event source mapping that reads a queue. (StreamMapping is one
// that reads a stream.)
//
// The mapping waits with one receive at a time (sqs.Queue.Poll), so nothing
// happens while the queue is empty.
type Mapping struct {
	ID, ARN string

	s        *Service
	f        *Function
	invoked  string // the ARN by which f is: the alias's, if it is one
	declared EventSourceMappingProperties
	q        *sqs.Queue
	needs    []api.Call // what the function's role has to be allowed
	size     int
	window   time.Duration
	limit    int // 0: scales by itself
	partial  bool
	filters  []*eventpattern.QueuePattern
	enabled  bool
	running  int
	busy     time.Time // since when there has always been a batch running
	idle     time.Time // since when there is none
	batch    []sqs.Delivery
	bytes    int // of the event that batch makes
	flushing *sim.Event
	cancel   func() // of the receive under way
	stats    MappingStats
}

// MappingStats counts what a mapping did.
type MappingStats struct {
	// Batches counts those that were handed to the function, Throttled the
	// attempts that it had no concurrency for.
	Batches, Throttled int
	// Messages counts those in batches, Deleted those that were done.
	Messages, Deleted int
	// Filtered counts those that matched no filter: they were deleted unseen.
	Filtered int
	// MaxConcurrent is the most batches at one time.
	MaxConcurrent int
	// ReceiveRequests and DeleteRequests are what SQS bills: calls of ReceiveMessage that got something and of
	// DeleteMessageBatch, each with at most ten messages, and one for each 64 KB.
	ReceiveRequests, DeleteRequests int64
}

// Stats returns the mapping's counters.
func (m *Mapping) Stats() MappingStats { return m.stats }

// CreateEventSourceMapping makes a mapping from a queue to the function that p
// names. It begins to read at once unless p says that it is not enabled.
func (s *Service) CreateEventSourceMapping(id string, p EventSourceMappingProperties, q *sqs.Queue) (*Mapping, error) {
	m, err := s.newMapping(id, p, q)
	if err != nil {
		return nil, fmt.Errorf("lambda: event source mapping %s: %w", id, err)
	}
	s.mappings = append(s.mappings, m)
	return m, m.pump()
}

// Mappings lists the event source mappings in order of creation.
func (s *Service) Mappings() []*Mapping { return s.mappings }

func (s *Service) newMapping(id string, p EventSourceMappingProperties, q *sqs.Queue) (*Mapping, error) {
	if q == nil {
		return nil, fmt.Errorf("the event source %s does not exist", p.EventSourceArn)
	}
	f, invoked, err := s.resolve(p.FunctionName, "")
	if err != nil {
		return nil, err
	}
	m := &Mapping{
		ID: id, ARN: fmt.Sprintf("arn:aws:lambda:%s:%s:event-source-mapping:%s", s.region, s.account, id),
		s: s, f: f, invoked: invoked, declared: p, q: q, enabled: p.Enabled == nil || bool(*p.Enabled),
	}
	m.needs = f.permissionsOfQueue(q.ARN)
	var errs []error
	check := func(n int, err error) int {
		errs = append(errs, err)
		return n
	}
	m.size = check(inRange("BatchSize", p.BatchSize, 10, 1, 10_000))
	window := check(inRange("MaximumBatchingWindowInSeconds", p.MaximumBatchingWindowInSeconds, 0, 0, 300))
	m.window = time.Duration(window) * time.Second
	if p.ScalingConfig != nil && p.ScalingConfig.MaximumConcurrency != nil {
		m.limit = check(inRange("MaximumConcurrency", p.ScalingConfig.MaximumConcurrency, 0, 2, 1000))
	}
	m.partial, err = p.reportsFailures()
	errs = append(errs, err)
	switch {
	case p.EventSourceArn != "" && p.EventSourceArn != q.ARN:
		errs = append(errs, fmt.Errorf("EventSourceArn is %s but the queue is %s", p.EventSourceArn, q.ARN))
	case q.FIFO && m.size > 10:
		errs = append(errs, fmt.Errorf("BatchSize of a FIFO queue must be 1 to 10, got %d", m.size))
	case q.FIFO && m.window > 0:
		errs = append(errs, errors.New("MaximumBatchingWindowInSeconds is not supported for FIFO queues"))
	case m.size > 10 && m.window == 0:
		errs = append(errs, errors.New("InvalidParameterValueException: Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"))
	}
	if q.VisibilityTimeout() < f.timeout {
		errs = append(errs, fmt.Errorf("InvalidParameterValueException: Queue visibility timeout: %d seconds is less than Function timeout: %d seconds",
			int(q.VisibilityTimeout().Seconds()), int(f.timeout.Seconds())))
	}
	m.filters, err = compileFilters(p.FilterCriteria, eventpattern.CompileQueue)
	return m, errors.Join(append(errs, err, p.onlyForStreams())...)
}

// SetEnabled starts or stops a mapping. What it holds already is still handed over.
func (m *Mapping) SetEnabled(on bool) error {
	m.enabled = on
	if !on {
		m.stopReceiving()
	}
	return m.pump()
}

// concurrency is how many batches may run now.
func (m *Mapping) concurrency() int {
	switch {
	case m.limit > 0:
		return m.limit
	case m.q.FIFO:
		return accountConcurrency
	case m.wasIdle():
		return initialConcurrency
	}
	minutes := int(m.s.k.Now().Sub(m.busy) / time.Minute)
	return min(initialConcurrency+addedPerMinute*minutes, accountConcurrency)
}

// wasIdle says whether time has passed without a batch running. That all of
// them ended at this instant is not idleness.
func (m *Mapping) wasIdle() bool {
	return m.running == 0 && (m.busy.IsZero() || m.s.k.Now().After(m.idle))
}

// pump waits for the next messages if there is concurrency for them.
func (m *Mapping) pump() error {
	if !m.enabled || m.cancel != nil || m.running >= m.concurrency() || !m.s.may(m.needs...) {
		return nil
	}
	bytes := m.bytes
	var err error
	m.cancel, err = m.q.Poll(sqs.Request{
		Max:               m.size - len(m.batch),
		VisibilityTimeout: m.q.VisibilityTimeout(),
		Accept: func(next *sqs.Message) bool {
			bytes += recordSize(next)
			return bytes <= maxPayload
		},
	}, m.receive)
	return err
}

func (m *Mapping) stopReceiving() {
	if m.cancel != nil {
		m.cancel()
		m.cancel = nil
	}
}

// again is pump for when the queue has been read before: then it cannot fail.
func (m *Mapping) again() {
	if err := m.pump(); err != nil {
		panic(err)
	}
}

// receive takes messages into the batch. Without a window that makes a batch;
// with one a batch waits until it is full or large enough or the window is over.
func (m *Mapping) receive(got []sqs.Delivery) {
	m.cancel = nil
	m.stats.ReceiveRequests += requests(got, recordSize)
	for i := range got {
		if !m.wants(&got[i]) {
			continue
		}
		size := recordSize(got[i].Message)
		if len(m.batch) > 0 && m.bytes+size > maxPayload {
			m.flush()
		}
		m.batch = append(m.batch, got[i])
		m.bytes += size
	}
	switch {
	case m.window == 0 || len(m.batch) >= m.size:
		m.flush()
	case m.flushing == nil && len(m.batch) > 0:
		m.flushing = m.s.k.After(m.window, func() {
			m.flushing = nil
			m.stopReceiving()
			m.flush()
			m.again()
		})
	}
	m.again()
}

// wants says whether a message matches the filters. One that does not is deleted.
func (m *Mapping) wants(d *sqs.Delivery) bool {
	if len(m.filters) == 0 || slices.ContainsFunc(m.filters, func(f *eventpattern.QueuePattern) bool { return f.Match(d.Body) }) {
		return true
	}
	m.stats.Filtered++
	if err := m.q.Delete(d.ReceiptHandle); err != nil {
		panic(err) // it was received in this event
	}
	return false
}

// flush hands the batch to the function.
func (m *Mapping) flush() {
	if m.flushing != nil {
		m.flushing.Cancel()
		m.flushing = nil
	}
	if len(m.batch) == 0 {
		return
	}
	b := &batch{m: m, messages: m.batch, event: appendEvent(make([]byte, 0, m.bytes), m.batch, m.q.ARN, m.s.region),
		until: m.batch[0].Received().Add(m.q.VisibilityTimeout())}
	m.batch, m.bytes = nil, 0
	if m.wasIdle() {
		m.busy = m.s.k.Now()
	}
	m.running++
	m.stats.MaxConcurrent = max(m.stats.MaxConcurrent, m.running)
	m.stats.Batches++
	m.stats.Messages += len(b.messages)
	m.s.begins(m.f)
	b.try()
}

// batch is messages on their way through the function.
type batch struct {
	m         *Mapping
	messages  []sqs.Delivery
	event     []byte
	until     time.Time // when they become visible again
	throttled int
}

// try invokes the function. If that is throttled it tries again, ever less
// often, until the messages become visible to others.
func (b *batch) try() {
	m := b.m
	trace := ""
	if len(b.messages) == 1 {
		trace = b.messages[0].TraceHeader
	}
	if m.f.start(b.event, m.s.newID(), m.invoked, trace, b.done) == nil {
		return
	}
	m.stats.Throttled++
	wait := min(time.Second<<min(b.throttled, 6), time.Minute)
	b.throttled++
	if m.s.k.Now().Add(wait).Before(b.until) {
		m.s.k.After(wait, b.try)
		return
	}
	m.s.k.At(b.until, b.end)
}

// done deletes what succeeded. The rest stays in flight: it becomes visible
// again when its visibility timeout ends.
func (b *batch) done(r result) {
	var failed []string
	var deleted []sqs.Delivery
	succeeded := false
	if r.err == nil {
		failed, succeeded = b.failures(r.out)
	}
	for i := range b.messages {
		d := &b.messages[i]
		if !succeeded || slices.Contains(failed, d.ID) {
			d.Release()
			continue
		}
		// A FIFO message whose visibility timeout is over cannot be deleted any
		// more: it comes again.
		if b.m.q.Delete(d.ReceiptHandle) == nil {
			b.m.stats.Deleted++
		}
		deleted = append(deleted, *d)
	}
	b.m.stats.DeleteRequests += requests(deleted, func(*sqs.Message) int { return 0 })
	b.end()
}

func (b *batch) end() {
	if b.m.running--; b.m.running == 0 {
		b.m.idle = b.m.s.k.Now()
	}
	b.m.again()
}

// failures reads the function's report of the messages that failed. With
// ok false the whole batch failed.
//
// Source: Lambda Developer Guide, "Reporting batch item failures", success and
// failure conditions: an empty or null report, or none, is success; JSON that
// cannot be read, and an identifier that is null, empty, missing or not of this
// batch, is failure of the whole batch.
func (b *batch) failures(out []byte) (ids []string, ok bool) {
	if !b.m.partial || len(out) == 0 {
		return nil, true
	}
	var report struct {
		Failures []struct {
			ID *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if json.Unmarshal(out, &report) != nil {
		return nil, false
	}
	for _, f := range report.Failures {
		if f.ID == nil || !slices.ContainsFunc(b.messages, func(d sqs.Delivery) bool { return d.ID == *f.ID }) {
			return nil, false
		}
		ids = append(ids, *f.ID)
	}
	return ids, true
}

// billedChunk is how many bytes SQS bills as one request, and messagesPerCall how many messages one call has at most.
const (
	billedChunk     = 64 << 10
	messagesPerCall = 10
)

// requests is what the calls that receive or delete messages cost, in requests.
func requests(messages []sqs.Delivery, size func(*sqs.Message) int) int64 {
	n := int64(0)
	for call := range slices.Chunk(messages, messagesPerCall) {
		bytes := 0
		for i := range call {
			bytes += size(call[i].Message)
		}
		n += int64(max(1, (bytes+billedChunk-1)/billedChunk))
	}
	return n
}

// FIFO says whether the queue is a FIFO queue.
func (m *Mapping) FIFO() bool { return m.q.FIFO }

// QueueARN is the queue's ARN.
func (m *Mapping) QueueARN() string { return m.q.ARN }
