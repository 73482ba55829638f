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
	if err := s.restore(buckets); err != nil {
		return fmt.Errorf("%s: %w", store.Path(), err)
	}
	return s.keepAll()
}

// restore has the engines of a new world go on from records.
func (s *Stack) restore(buckets map[string]map[string][]byte) error {
	for _, e := range s.engines() {
		dropped, err := e.Restore(buckets[e.name])
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		for _, d := range dropped {
			fmt.Fprintf(s.opts.Logs, "not in the template any more: %s\n", d)
		}
	}
	return nil
}

// keepAll makes the store hold what the engines do, and nothing else, and has them tell of
// changes from now on.
func (s *Stack) keepAll() error {
	if s.store == nil {
		return nil
	}
	own, err := s.ownRecord()
	if err != nil {
		return err
	}
	buckets := map[string]map[string][]byte{stackBucket: {stackKey: own}}
	s.dirty = map[string]map[string]struct{}{}
	for _, e := range s.engines() {
		buckets[e.name] = records(e)
		changed := map[string]struct{}{}
		s.dirty[e.name] = changed
		e.Watch(func(key string) { changed[key] = struct{}{} })
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.store.Replace(buckets)
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

func (s *Stack) ownRecord() ([]byte, error) {
	key, err := s.tokens.encodeKey()
	if err != nil {
		return nil, err
	}
	return json.Marshal(stackRecord{Started: s.names.started, Offset: s.clock.offset, Key: key})
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
	if s.store == nil {
		return nil
	}
	ready := s.ready
	s.ready = nil
	changes, changed := map[string]map[string][]byte{}, false
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
		changes[e.name], changed = bucket, true
	}
	if own, err := s.ownRecord(); err == nil && changed {
		changes[stackBucket] = map[string][]byte{stackKey: own}
	}
	if changed {
		s.writing.Lock()
		s.mu.Unlock()
		err := s.store.Update(changes)
		s.writing.Unlock() // before the stack is held: who holds it may wait for this
		s.mu.Lock()
		if err != nil {
			return err
		}
	}
	for _, f := range ready {
		f()
	}
	return nil
}

func (s *Stack) closeStore() {
	if s.store != nil {
		_ = s.store.Close() // every commit was complete
	}
}

// Reload runs another template, such as the same after a change, in the place of the present one.
// What queues, tables, executions, topics and mappings hold stays, as far as there are
// resources for it; time goes on. It returns what was dropped for want of one. Requests under way
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
	if err == nil {
		err = s.restore(buckets)
	}
	if err != nil {
		if s.world != old {
			s.end()
		}
		s.world = old
		s.current.Store(old.kernel)
		return err
	}
	old.end()
	return s.keepAll()
}
