package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

// namedEngine is a service whose state outlives a world, and its bucket in the store.
type namedEngine struct {
	name string
	durable.Engine
}

// keeper is what a stack needs so that its state outlives the process.
type keeper struct {
	store *durable.Store // nil: nothing is kept
	dirty map[string]map[string]struct{}
	ready []func() // what leaves the process once the next commit is done
	seeds uint64   // worlds so far
	// broken is why the store could not be written. What it holds is that of one moment: nothing is written, and nothing
	// leaves the process, any more.
	broken error
	own    stackRecord // as it was written last

	writing sync.Mutex // held while the store is written without the stack being held
}

// stackRecord is what the stack itself remembers.
type stackRecord struct {
	Started time.Time     `json:"started"`
	Offset  time.Duration `json:"offset"` // of the clock
	Key     []byte        `json:"key"`    // that signs tokens
}

const (
	stackBucket = "stack"
	stackKey    = "stack"
)

// open makes the first world, from what Options.Data keeps if there is something.
func (s *Stack) open(template []byte) error {
	started, now := s.opts.Start, s.opts.Start
	if s.opts.Data == "" {
		return s.assemble(template, now, started, s.opts.Seed)
	}
	if !s.opts.RealTime {
		return errors.New("Options.Data takes Options.RealTime: a run in virtual time is over when its process is")
	}
	store, err := durable.Open(s.opts.Data, s.opts.Name)
	if err != nil {
		return err
	}
	s.store = store
	buckets, err := store.Load()
	if err != nil {
		return err
	}
	if r, ok := buckets[stackBucket][stackKey]; ok {
		var own stackRecord
		if err := json.Unmarshal(r, &own); err != nil {
			return fmt.Errorf("%s: %w", store.Path(), err)
		}
		if err := s.tokens.useKey(own.Key); err != nil {
			return fmt.Errorf("%s: %w", store.Path(), err)
		}
		s.clock.offset = own.Offset
		started, now = own.Started, s.clock.now()
	}
	if err := s.assemble(template, now, started, s.opts.Seed); err != nil {
		return err
	}
	dropped, err := s.restore(buckets)
	if err != nil {
		return fmt.Errorf("%s: %w", store.Path(), err)
	}
	s.tellDropped(dropped)
	key, err := s.tokens.encodeKey()
	if err != nil {
		return err
	}
	s.own = stackRecord{Started: s.names.started, Key: key}
	return s.keepAll()
}

// restore has the engines of a new world go on from records. It returns what was dropped.
func (s *Stack) restore(buckets map[string]map[string][]byte) (dropped []string, err error) {
	for _, e := range s.engines() {
		lines, err := e.Restore(buckets[e.name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.name, err)
		}
		dropped = append(dropped, lines...)
	}
	return dropped, nil
}

func (s *Stack) tellDropped(dropped []string) {
	for _, d := range dropped {
		fmt.Fprintf(s.opts.Logs, "not in the template any more: %s\n", d)
	}
}

// keepAll makes the store hold what the engines do, and nothing else, and has them tell of
// changes from now on.
func (s *Stack) keepAll() error {
	switch {
	case s.store == nil:
		return nil
	case s.broken != nil:
		return s.broken
	}
	buckets := map[string]map[string][]byte{stackBucket: {stackKey: s.ownRecord()}}
	s.dirty = map[string]map[string]struct{}{}
	for _, e := range s.engines() {
		buckets[e.name] = records(e)
		changed := map[string]struct{}{}
		s.dirty[e.name] = changed
		e.Watch(func(key string) { changed[key] = struct{}{} })
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.store.Replace(buckets); err != nil {
		s.broken = s.notKept(err)
	}
	return s.broken
}

func (s *Stack) notKept(err error) error {
	return fmt.Errorf("cannot keep what the stack holds in %s: %w", s.opts.Data, err)
}

// records are all records of an engine.
func records(e durable.Engine) map[string][]byte {
	all := map[string][]byte{}
	for _, key := range e.Keys() {
		if r, ok := e.Record(key); ok {
			all[key] = r
		}
	}
	return all
}

// ownRecord is what the stack itself remembers now.
func (s *Stack) ownRecord() []byte {
	s.own.Offset = s.clock.offset
	return durable.Encode(s.own)
}

// release has f let something out of the process (an answer, a frame, an invocation of another
// process) when all that led to it is kept. It may be called within an event of the
// stack; f must not touch the stack and must not block.
func (s *Stack) release(f func()) {
	if s.store == nil {
		f()
		return
	}
	s.ready = append(s.ready, f)
}

// commit keeps what has changed and lets out what waits for that. The caller holds the
// stack; commit lets go of it while it writes.
func (s *Stack) commit() error {
	switch {
	case s.store == nil:
		return nil
	case s.broken != nil:
		return s.broken
	}
	ready := s.ready
	s.ready = nil
	changes := map[string]map[string][]byte{}
	for _, e := range s.engines() {
		keys := s.dirty[e.name]
		if len(keys) == 0 {
			continue
		}
		bucket := make(map[string][]byte, len(keys))
		for key := range keys {
			bucket[key] = nil // deleted, unless there is one
			if r, ok := e.Record(key); ok {
				bucket[key] = r
			}
		}
		clear(keys)
		changes[e.name] = bucket
	}
	if s.clock.offset != s.own.Offset {
		changes[stackBucket] = map[string][]byte{stackKey: s.ownRecord()}
	}
	if len(changes) == 0 && len(ready) == 0 {
		return nil
	}
	// Also without changes of one's own: what is ready may have seen some that are being written.
	s.writing.Lock()
	if len(changes) > 0 {
		s.mu.Unlock()
		err := s.store.Update(changes)
		s.writing.Unlock() // before the stack is held: who holds it may wait for this
		s.mu.Lock()
		if err != nil {
			s.broken = s.notKept(err)
		}
	} else {
		s.writing.Unlock()
	}
	if s.broken != nil {
		return s.broken
	}
	select {
	case <-s.closed: // meanwhile
		return errClosed
	default:
	}
	for _, f := range ready {
		f()
	}
	return nil
}

func (s *Stack) closeStore() {
	if s.store != nil {
		s.writing.Lock() // until what is being written is
		defer s.writing.Unlock()
		_ = s.store.Close() // every commit was complete
	}
}

// Reload runs another template, such as the same after a change, in the place of the present one.
// What queues, tables, executions, topics and mappings hold stays, as far as there are
// resources for it; time goes on. What was dropped for want of one is told in Options.Logs. Requests under way
// fail, websockets are hung up, and invocations under way are made again. If the template cannot be
// run the error says why, and the stack goes on as it was.
func (s *Stack) Reload(template []byte) error {
	s.mu.Lock()
	defer s.rouse()
	defer s.mu.Unlock()
	if s.isClosed() {
		return errClosed
	}
	if s.opts.RealTime {
		s.kernel.RunUntil(s.clock.now())
	}
	old := s.world
	buckets := map[string]map[string][]byte{}
	for _, e := range old.engines() {
		buckets[e.name] = maps.Clone(records(e))
	}
	s.seeds++
	err := s.assemble(template, old.kernel.Now(), old.names.started, s.opts.Seed+s.seeds)
	var dropped []string
	if err == nil {
		dropped, err = s.restore(buckets)
	}
	if err != nil {
		if s.world != old {
			s.end()
			s.world = old
		}
		return err
	}
	s.current.Store(s.world)
	s.keepUsage(old)
	old.end()
	s.tellDropped(dropped)
	return s.keepAll()
}
