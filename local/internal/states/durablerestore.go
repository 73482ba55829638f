package states

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

// Restore implements durable.Engine.
func (s *Service) Restore(records map[string][]byte) (dropped []string, err error) {
	if len(records) == 0 {
		return nil, nil
	}
	r := &restorer{s: s, records: records, gone: map[string]*goneMachine{}}
	if err := r.meta(); err != nil {
		return nil, err
	}
	keys := slices.Sorted(maps.Keys(records))
	for _, key := range keys {
		if err := r.sort(key); err != nil {
			return nil, fmt.Errorf("record %s: %w", key, err)
		}
	}
	for _, step := range []func() error{r.restoreExecutions, r.restoreHistories, r.restoreBranches, r.resume, r.restartExpress} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	r.restoreClosed()
	return r.dropped(), nil
}

// restorer restores a service.
type restorer struct {
	s          *Service
	records    map[string][]byte
	executions []*Execution
	histories  []string // keys, in order
	express    []restartedExpress
	gone       map[string]*goneMachine
	resumes    []resume
	named      map[string]*Execution // by their key's MACHINE/NAME
}

// goneMachine counts what is dropped with a state machine.
type goneMachine struct {
	executions, running int
	why                 string
}

type restartedExpress struct {
	expressRecord
	sm  *StateMachine
	key string
}

// resume is something of a running execution that waits for a time.
type resume struct {
	at   time.Time
	call bool // it is a call that is made again: after what was due at the same time
	run  func()
}

func (r *restorer) meta() error {
	if err := durable.CheckHeader(r.records["meta"], recordVersion); err != nil {
		return fmt.Errorf("record meta: %w", err)
	}
	var m metaRecord
	if err := durable.Decode(r.records["meta"], &m); err != nil {
		return fmt.Errorf("record meta: %w", err)
	}
	if len(m.TokenKey) == 0 {
		return errors.New("record meta: it has no tokenKey")
	}
	s := r.s
	s.generation, s.tokenKey = m.Generation+1, m.TokenKey
	// A process makes the same ids as the one before it, if it is given the same seed.
	s.ids = rand.New(rand.NewPCG(s.ids.Uint64(), s.ids.Uint64()^s.generation*0x9e3779b97f4a7c15))
	return nil
}

// sort looks at one record: state machines and executions are restored, the rest is noted.
func (r *restorer) sort(key string) error {
	part := strings.Split(key, "/")
	length := map[string]int{"meta": 1, "machine": 2, "definition": 2, "execution": 3, "express": 3, "history": 4, "branch": 4}[part[0]]
	if length != len(part) {
		return errors.New("there are no records of this kind")
	}
	switch part[0] {
	case "machine":
		var m machineRecord
		if err := durable.Decode(r.records[key], &m); err != nil {
			return err
		}
		if sm := r.s.machines[r.s.machineARN(part[1])]; sm != nil && !m.Created.IsZero() {
			sm.created = m.Created
		}
	case "execution":
		return r.execution(key, part[1], part[2])
	case "express":
		return r.expressExecution(key, part[1])
	case "definition":
		if definitionHash(string(r.records[key])) != part[1] {
			return errors.New("it is not the text that it was")
		}
	case "history":
		r.histories = append(r.histories, key)
	case "branch":
		if part[3] == "0" {
			if _, ok := r.records["execution/"+part[1]+"/"+part[2]]; !ok {
				return errors.New("its execution is not there")
			}
			return nil
		}
		if _, ok := r.records[key[:max(0, strings.LastIndexByte(key, '.'))]]; !ok {
			return errors.New("there is no record of the branch above it")
		}
	}
	return nil
}

// machine finds a state machine that still is of the type. What belongs to another is dropped.
func (r *restorer) machine(name string, express bool, running bool) *StateMachine {
	sm := r.s.machines[r.s.machineARN(name)]
	if sm != nil && sm.Express == express {
		return sm
	}
	g := r.gone[name]
	if g == nil {
		g = &goneMachine{}
		if sm != nil {
			g.why = "; it is " + sm.kind() + " now"
		}
		r.gone[name] = g
	}
	g.executions++
	if running {
		g.running++
	}
	return nil
}

func (r *restorer) dropped() (out []string) {
	for _, name := range slices.Sorted(maps.Keys(r.gone)) {
		g := r.gone[name]
		line := fmt.Sprintf("state machine %s: %d executions", name, g.executions)
		if g.executions == 1 {
			line = fmt.Sprintf("state machine %s: 1 execution", name)
		}
		if g.running > 0 {
			line += fmt.Sprintf(", %d of them running", g.running)
		}
		out = append(out, line+g.why)
	}
	return out
}

func (r *restorer) execution(key, machine, name string) error {
	var rec executionRecord
	if err := durable.Decode(r.records[key], &rec); err != nil {
		return err
	}
	switch rec.Status {
	case Running, Succeeded, Failed, TimedOut, Aborted:
	default:
		return fmt.Errorf("there is no status %q", rec.Status)
	}
	if rec.Status != Running && r.s.k.Now().Sub(rec.Stop) >= nameRetention {
		return nil
	}
	sm := r.machine(machine, false, rec.Status == Running)
	if sm == nil {
		return nil
	}
	ex := &Execution{
		ARN: r.s.executionARN(machine, name), Name: name, Status: rec.Status, Start: rec.Start, Stop: rec.Stop,
		Input: rec.Input, Output: rec.Output, Error: rec.Error, Cause: rec.Cause,
		sm: sm, role: rec.Role, number: rec.Number, closing: rec.Closing, saves: saveAll,
		redrives: redrives{Redrives: rec.Redrives, Redriven: rec.Redriven, tokens: rec.Tokens, kept: rec.Redrivable},
	}
	ex.history.dropped = rec.NoHistory
	if ex.Status == Running || !ex.history.dropped {
		if err := r.definition(ex, rec.Definition); err != nil {
			return err
		}
	}
	if r.named == nil {
		r.named = map[string]*Execution{}
	}
	r.named[machine+"/"+name] = ex
	r.executions = append(r.executions, ex)
	return nil
}

// definition gives an execution the definition that it goes by.
func (r *restorer) definition(ex *Execution, hash string) error {
	if ex.version = r.s.versions[hash]; ex.version != nil {
		return nil
	}
	text, ok := r.records["definition/"+hash]
	if !ok {
		return fmt.Errorf("its definition %s is not there", hash)
	}
	v, err := r.s.versionOf(string(text))
	if err != nil {
		return fmt.Errorf("its definition %s: %w", hash, err)
	}
	ex.version = v
	return nil
}

// restoreExecutions puts the executions in their order into the state machines.
func (r *restorer) restoreExecutions() error {
	slices.SortStableFunc(r.executions, func(a, b *Execution) int { return cmp.Compare(a.number, b.number) })
	for _, ex := range r.executions {
		ex.sm.Started = max(ex.sm.Started, ex.number)
		if ex.version != nil {
			ex.enlist()
			continue
		}
		ex.sm.executions = append(ex.sm.executions, ex)
		ex.sm.names[ex.Name] = ex
		r.s.byARN[ex.ARN] = ex
	}
	return nil
}

func (r *restorer) restoreHistories() error {
	for _, key := range r.histories { // chunk after chunk
		part := strings.Split(key, "/")
		ex := r.named[part[1]+"/"+part[2]]
		if ex == nil {
			if _, ok := r.records["execution/"+part[1]+"/"+part[2]]; !ok {
				return fmt.Errorf("record %s: its execution is not there", key)
			}
			continue // dropped
		}
		if n := len(ex.history.events); n%eventsPerChunk != 0 || ex.chunkKey(n/eventsPerChunk) != key {
			return fmt.Errorf("record %s: the events before it are not there", key)
		}
		if err := ex.restoreEvents(r.records[key]); err != nil {
			return fmt.Errorf("record %s: %w", key, err)
		}
	}
	for _, ex := range r.executions {
		if ex.history.dropped {
			continue
		}
		n := len(ex.history.events)
		if n == 0 || ex.Status != Running && !ex.history.events[n-1].kind.closes() {
			return fmt.Errorf("record %s: its history is not complete", ex.key())
		}
	}
	return nil
}

func (r *restorer) restoreClosed() {
	s := r.s
	for _, ex := range r.executions {
		s.closings = max(s.closings, ex.closing)
		if ex.Status == Running {
			continue
		}
		ex.history.compact()
		if !ex.history.dropped && s.KeepHistories >= 0 {
			s.closed = append(s.closed, ex)
		}
	}
	slices.SortStableFunc(s.closed, func(a, b *Execution) int { return cmp.Compare(a.closing, b.closing) })
	for s.KeepHistories >= 0 && len(s.closed) > s.KeepHistories {
		s.closed[0].dropHistory()
		s.closed = s.closed[1:]
	}
}

func (r *restorer) expressExecution(key, machine string) error {
	var rec expressRecord
	if err := durable.Decode(r.records[key], &rec); err != nil {
		return err
	}
	if sm := r.machine(machine, true, true); sm != nil {
		r.express = append(r.express, restartedExpress{rec, sm, key})
	}
	return nil
}

// restartExpress has the Express executions begin again, under the ARNs that they had.
func (r *restorer) restartExpress() error {
	slices.SortStableFunc(r.express, func(a, b restartedExpress) int { return cmp.Compare(a.Number, b.Number) })
	for _, e := range r.express {
		input, err := decodeJSON([]byte(e.Input))
		if err != nil {
			return fmt.Errorf("record %s: its input: %w", e.key, err)
		}
		e.sm.Started = max(e.sm.Started, e.Number)
		id := e.key[strings.LastIndexByte(e.key, '/')+1:]
		arn := fmt.Sprintf("arn:aws:states:%s:%s:express:%s:%s:%s", r.s.region, r.s.account, e.sm.Name, e.Name, id)
		e.sm.start(arn, e.Name, e.Input, input, saveStart)
	}
	return nil
}
