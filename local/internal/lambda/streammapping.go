package lambda

import (
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/dynamodb"
	"github.com/orderflow-cdk/orderflow/local/internal/eventpattern"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

const (
	// pollDelay is how long after a change its record reaches a mapping. It stands
	// for the mapping's poll of the shard and is no measurement: the service
	// documents a base rate of four polls a second.
	pollDelay = 10 * time.Millisecond
	// retention is how long a stream keeps a record.
	retention = 24 * time.Hour
	// A batch that failed, or that the function had no concurrency for, is tried
	// again after firstBackoff, then after twice as long, up to maxBackoff. The
	// service says that it backs off exponentially, not how long.
	firstBackoff = time.Second
	maxBackoff   = time.Minute
)

// StreamSource is the stream of a table; *dynamodb.Table is one.
type StreamSource interface {
	// StreamARN is "" if the table has no stream.
	StreamARN() string
	// OnStreamRecord calls f with each record, in order, when it is made.
	OnStreamRecord(f func(dynamodb.StreamRecord))
	// StreamRecords returns the records that the stream holds after a sequence number.
	StreamRecords(after string, limit int) []dynamodb.StreamRecord
	// NewStreamReader has the stream hold what the reader has not read.
	NewStreamReader() *dynamodb.StreamReader
}

// StreamMapping is an event source mapping that reads the stream of a table. The
// stream is one shard, which the mapping reads in as many lanes as it may run
// batches at the same time; all records of an item are in one lane.
type StreamMapping struct {
	ID, ARN string

	s         *Service
	f         *Function
	invoked   string // the ARN by which f is: the alias's, if it is one
	declared  EventSourceMappingProperties
	stream    string // ARN
	source    StreamSource
	reader    *dynamodb.StreamReader
	latest    string // sequence number of the last record that arrived
	horizon   bool   // a new mapping begins with what the stream holds
	earlier   []positions
	shard     string
	size      int
	window    time.Duration
	partial   bool
	bisect    bool
	retries   int           // negative: no limit
	maxAge    time.Duration // negative: no limit
	onFailure string        // ARN
	needs     []api.Call    // what the function's role has to be allowed
	filters   []*eventpattern.Pattern
	enabled   bool
	running   int
	lanes     []*lane
	text      []byte // of the last record
	stats     StreamMappingStats
}

// StreamMappingStats counts what a stream mapping did.
type StreamMappingStats struct {
	// Records counts those of the stream, Filtered those that matched no filter.
	Records, Filtered int
	// Batches counts invocations, Retries those with records that had been handed
	// over before, Throttled the attempts that the function had no concurrency for.
	Batches, Retries, Throttled int
	// Splits counts batches that were split because they failed.
	Splits int
	// Succeeded counts records that were done, Failed those that were given up
	// because of their age or of too many attempts, Trimmed those that the stream
	// had lost before the mapping was done with them.
	Succeeded, Failed, Trimmed int
	// MaxConcurrent is the most batches at one time.
	MaxConcurrent int
	// IteratorAge is the age of the last record of a batch when it was handed over:
	// the latest and the greatest so far.
	IteratorAge, MaxIteratorAge time.Duration
}

// Stats returns the mapping's counters.
func (m *StreamMapping) Stats() StreamMappingStats { return m.stats }

// Pending is how many records wait or are on their way.
func (m *StreamMapping) Pending() int {
	n := 0
	for _, l := range m.lanes {
		n += len(l.queue) - l.head
		for _, b := range l.work {
			n += len(b.records)
		}
	}
	return n
}

// CreateStreamMapping makes a mapping from the stream of a table to the function
// that p names. It gets what changes from now on: with either starting position,
// since the stream is new.
func (s *Service) CreateStreamMapping(id string, p EventSourceMappingProperties, t StreamSource) (*StreamMapping, error) {
	m, err := s.newStreamMapping(id, p, t)
	if err != nil {
		return nil, fmt.Errorf("lambda: event source mapping %s: %w", id, err)
	}
	s.streams = append(s.streams, m)
	m.reader = t.NewStreamReader()
	t.OnStreamRecord(m.arrived)
	return m, nil
}

// shardOf is the id of the only shard of a stream.
func (s *Service) shardOf(stream string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(stream)) // never fails
	return fmt.Sprintf("shardId-%020d-%08x", s.started.UnixMilli(), h.Sum32())
}

// StreamMappings lists the mappings of streams in order of creation.
func (s *Service) StreamMappings() []*StreamMapping { return s.streams }

func (s *Service) newStreamMapping(id string, p EventSourceMappingProperties, t StreamSource) (*StreamMapping, error) {
	if t == nil {
		return nil, fmt.Errorf("the event source %s does not exist", p.EventSourceArn)
	}
	f, invoked, err := s.resolve(p.FunctionName, "")
	if err != nil {
		return nil, err
	}
	m := &StreamMapping{
		ID: id, ARN: fmt.Sprintf("arn:aws:lambda:%s:%s:event-source-mapping:%s", s.region, s.account, id),
		s: s, f: f, invoked: invoked, declared: p, stream: t.StreamARN(), source: t, horizon: p.StartingPosition == "TRIM_HORIZON", enabled: p.Enabled == nil || bool(*p.Enabled),
		bisect: p.BisectBatchOnFunctionError != nil && bool(*p.BisectBatchOnFunctionError),
	}
	m.shard = s.shardOf(m.stream)
	m.needs = f.permissionsOfStream(m.stream)
	var errs []error
	check := func(n int, err error) int {
		errs = append(errs, err)
		return n
	}
	m.size = check(inRange("BatchSize", p.BatchSize, 100, 1, 10_000))
	m.window = time.Duration(check(inRange("MaximumBatchingWindowInSeconds", p.MaximumBatchingWindowInSeconds, 0, 0, 300))) * time.Second
	m.lanes = make([]*lane, check(inRange("ParallelizationFactor", p.ParallelizationFactor, 1, 1, 10)))
	for i := range m.lanes {
		m.lanes[i] = &lane{m: m}
	}
	m.retries = check(inRange("MaximumRetryAttempts", p.MaximumRetryAttempts, -1, -1, 10_000))
	age := check(inRange("MaximumRecordAgeInSeconds", p.MaximumRecordAgeInSeconds, -1, -1, 604_800))
	if age >= 0 && age < 60 {
		errs = append(errs, fmt.Errorf("MaximumRecordAgeInSeconds must be -1 or 60 to 604800, got %d", age))
	}
	m.maxAge = time.Duration(age) * time.Second
	m.partial, err = p.reportsFailures()
	errs = append(errs, err)
	m.filters, err = compileFilters(p.FilterCriteria, eventpattern.CompileLambda)
	errs = append(errs, err)
	switch p.StartingPosition {
	case "TRIM_HORIZON", "LATEST":
	case "":
		errs = append(errs, errors.New("InvalidParameterValueException: 1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."))
	default:
		errs = append(errs, fmt.Errorf("StartingPosition of a table's stream must be TRIM_HORIZON or LATEST, got %s", p.StartingPosition))
	}
	if p.ScalingConfig != nil {
		errs = append(errs, errors.New("InvalidParameterValueException: ScalingConfig is only for queues, not for streams"))
	}
	if p.TumblingWindowInSeconds != nil && *p.TumblingWindowInSeconds != 0 {
		errs = append(errs, errors.New("TumblingWindowInSeconds is not simulated"))
	}
	if d := p.DestinationConfig; d != nil {
		if d.OnSuccess != nil {
			errs = append(errs, errors.New("InvalidParameterValueException: an event source mapping has no destination OnSuccess"))
		}
		if d.OnFailure != nil {
			m.onFailure = d.OnFailure.Destination
		}
	}
	switch {
	case m.stream == "":
		errs = append(errs, fmt.Errorf("the table of %s has no stream", p.EventSourceArn))
	case p.EventSourceArn != "" && p.EventSourceArn != m.stream:
		errs = append(errs, fmt.Errorf("EventSourceArn is %s but the stream is %s", p.EventSourceArn, m.stream))
	}
	return m, errors.Join(errs...)
}

// SetEnabled starts or stops a mapping. A batch that has failed before is
// repeated only while it is enabled; when it is again, it goes on where it was.
func (m *StreamMapping) SetEnabled(on bool) {
	m.enabled = on
	for _, l := range m.lanes {
		l.arm()
	}
}

// streamRecord is a record as a mapping keeps it.
type streamRecord struct {
	json     []byte
	sequence string
	before   string // the sequence number of the stream's record before it
	created  time.Time
}

// arrived takes a record of the stream. It is written as JSON here, once.
func (m *StreamMapping) arrived(r dynamodb.StreamRecord) {
	before := m.latest
	m.latest = r.SequenceNumber
	m.stats.Records++
	m.text = r.AppendJSON(m.text[:0])
	if len(m.filters) > 0 && !slices.ContainsFunc(m.filters, func(p *eventpattern.Pattern) bool { return p.Match(m.text) }) {
		m.stats.Filtered++
		m.read()
		return
	}
	l := m.lanes[laneOf(&r, len(m.lanes))]
	l.push(streamRecord{json: slices.Clone(m.text), sequence: r.SequenceNumber, before: before, created: r.Created})
}

// laneOf chooses one of n lanes for a record, by its item.
func laneOf(r *dynamodb.StreamRecord, n int) int {
	if n == 1 {
		return 0
	}
	keys, err := r.Keys.MarshalJSON()
	if err != nil {
		panic(err) // it never fails
	}
	h := fnv.New32a()
	_, _ = h.Write(keys) // never fails
	return int(h.Sum32() % uint32(n))
}

// read tells the stream up to where the mapping is done with it.
func (m *StreamMapping) read() {
	done := m.latest
	for _, l := range m.lanes {
		if first := l.first(); first != nil {
			done = min(done, first.before)
		}
	}
	m.reader.Read(done)
}

// lane is a part of a shard, of which one batch runs at a time.
type lane struct {
	m     *StreamMapping
	queue []streamRecord // from head on
	head  int
	// work is the batch under way and, behind it, what was split off it.
	work   []*streamBatch
	busy   bool   // the function runs
	done   string // the sequence number of the last record that was taken off
	wake   *sim.Event
	wakeAt time.Time
}

func (l *lane) push(r streamRecord) {
	l.trim(r.created)
	l.queue = append(l.queue, r)
	l.arm()
}

// trim drops what the stream has not kept until now while nobody read it: the mapping is
// disabled, or a batch before does not end.
func (l *lane) trim(now time.Time) {
	for l.head < len(l.queue) && now.Sub(l.queue[l.head].created) > retention {
		l.m.stats.Trimmed++
		l.passed(l.queue[l.head : l.head+1])
		l.drop(1)
	}
}

// first is the oldest record that the lane is not done with.
func (l *lane) first() *streamRecord {
	for _, b := range l.work {
		if len(b.records) > 0 {
			return &b.records[0]
		}
	}
	if l.head < len(l.queue) {
		return &l.queue[l.head]
	}
	return nil
}

// passed notes that the lane is done with its first records, however that came.
func (l *lane) passed(records []streamRecord) {
	if len(records) > 0 {
		l.done = records[len(records)-1].sequence
		l.m.touch()
	}
}

// arm schedules the lane's next step, if it has one, and if it is not there yet.
func (l *lane) arm() {
	m := l.m
	if l.busy {
		return
	}
	var at time.Time
	switch {
	case !m.enabled:
		l.wake.Cancel()
		l.wake = nil
		return
	case len(l.work) > 0:
		at = l.work[0].next
	case l.head < len(l.queue):
		at = l.queue[l.head].created.Add(pollDelay)
		if m.window > 0 && !l.full() {
			at = at.Add(m.window)
		}
	default:
		return
	}
	if l.wake != nil && !at.Before(l.wakeAt) {
		return // fires no later, and arms again
	}
	l.wake.Cancel()
	l.wakeAt = at
	l.wake = m.s.k.At(at, l.step)
}

// full says whether the records that wait make a full batch.
func (l *lane) full() bool {
	if len(l.queue)-l.head >= l.m.size {
		return true
	}
	bytes := 0
	for i := l.head; i < len(l.queue); i++ {
		if bytes += len(l.queue[i].json) + 1; bytes > maxPayload {
			return true
		}
	}
	return false
}

// step hands the next batch to the function.
func (l *lane) step() {
	l.wake = nil
	if !l.m.enabled || l.busy || !l.m.s.may(l.m.needs...) {
		return
	}
	if len(l.work) == 0 {
		l.work = append(l.work, &streamBatch{l: l, records: l.take()})
	}
	l.work[0].try()
	l.m.touch()
	l.m.read()
	l.arm()
}

// emptyEvent is what an event takes beside its records.
const emptyEvent = len(`{"Records":[]}`)

// take removes the records of a batch from the queue: as many as its size and
// the size of its event allow.
func (l *lane) take() []streamRecord {
	n, bytes := 0, emptyEvent
	for n < l.m.size && l.head+n < len(l.queue) {
		size := len(l.queue[l.head+n].json) + 1
		if n > 0 && bytes+size > maxPayload {
			break
		}
		bytes += size
		n++
	}
	out := slices.Clone(l.queue[l.head : l.head+n])
	l.drop(n)
	return out
}

// drop takes n records off the queue's front.
func (l *lane) drop(n int) {
	clear(l.queue[l.head : l.head+n])
	if l.head += n; l.head == len(l.queue) {
		l.queue, l.head = l.queue[:0], 0
	} else if l.head > 1024 && l.head > len(l.queue)/2 {
		l.queue, l.head = slices.Delete(l.queue, 0, l.head), 0
	}
}
