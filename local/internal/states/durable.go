package states

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

// The service is a durable.Engine. Its records are JSON documents under these keys, where MACHINE and
// NAME are the names of a state machine and of an execution:
//
//	meta                            the version of all records, the key of task tokens (metaRecord)
//	machine/MACHINE                 when the state machine was made (machineRecord)
//	definition/SHA256               the definition of a state machine, or an earlier one that executions go by
//	execution/MACHINE/NAME          a Standard execution, running or closed (executionRecord)
//	history/MACHINE/NAME/CHUNK      up to eventsPerChunk events of it (an array of eventRecord)
//	branch/MACHINE/NAME/PATH        a branch of a running one, or of one that can be redriven (branchRecord): 0 is the machine itself, 0.2 is
//	                                branch or iteration 2 of the Parallel or Map state that 0 is in
//	express/MACHINE/UUID            an asynchronous Express execution that runs (expressRecord)
//
// A Standard execution goes on where it was, by the definition and with the role that it was started with. A
// task whose call had not been answered makes it again with the same input, the same token and the same
// deadline, without another event in the history. Express executions keep no state, as in AWS: an
// asynchronous one begins again, a synchronous one ends with whoever waits for it. A closed execution is
// forgotten 90 days after its end, when AWS forgets it.
const recordVersion = 1

var _ durable.Engine = (*Service)(nil)

// eventsPerChunk is how many events of a history one record has. An event that is logged rewrites
// its chunk, of which the payloads are encoded already.
const eventsPerChunk = 8

// keeping is what the service has only so that its state can outlive the process.
type keeping struct {
	changed    func(key string) // nil: nobody watches
	versions   map[string]*version
	express    map[string]*Execution // asynchronous ones that run, by key
	closings   uint64                // executions that ever closed
	generation uint64                // how often the service was restored
}

func newKeeping() keeping {
	return keeping{versions: map[string]*version{}, express: map[string]*Execution{}}
}

// version is a definition. State machines and executions with the same text share it.
type version struct {
	definition string
	hash       string
	machine    *Machine
	current    int // state machines that have it now
	users      int // executions that run by it, or whose history names its states
	byName     map[string]*state
}

// versionOf compiles a definition, unless that was done before.
func (s *Service) versionOf(definition string) (*version, error) {
	hash := definitionHash(definition)
	if v := s.versions[hash]; v != nil {
		return v, nil
	}
	m, err := Parse([]byte(definition))
	if err != nil {
		return nil, err
	}
	v := &version{definition: definition, hash: hash, machine: m}
	s.versions[hash] = v
	return v, nil
}

func definitionHash(definition string) string {
	sum := sha256.Sum256([]byte(definition))
	return hex.EncodeToString(sum[:])
}

// state finds a state by its name, which is unique in a definition.
func (v *version) state(name string) *state {
	if v.byName == nil {
		v.byName = map[string]*state{}
		v.machine.graph.index(v.byName)
	}
	return v.byName[name]
}

func (g *graph) index(byName map[string]*state) {
	for _, s := range g.states {
		byName[s.name] = s
		for _, b := range s.branches {
			b.index(byName)
		}
	}
}

// keep counts the execution among those that need their definition.
func (ex *Execution) keep() {
	s := ex.sm.s
	switch ex.saves {
	case saveAll:
		ex.counted = true
		ex.version.users++
	case saveStart:
		s.express[ex.key()] = ex
	}
}

// settleVersion is called when the execution has closed, and when its history is dropped after that.
func (ex *Execution) settleVersion() {
	s := ex.sm.s
	switch {
	case ex.saves == saveStart:
		delete(s.express, ex.key())
	case ex.counted && ex.history.dropped:
		ex.counted = false
		ex.version.users--
		s.touchVersion(ex.version)
	}
}

// dropHistory forgets the events of a closed execution.
func (ex *Execution) dropHistory() {
	ex.forgetWreck()
	n := int32(len(ex.history.events))
	ex.history.drop()
	for id := int32(1); id <= n; id += eventsPerChunk {
		ex.touchHistory(id)
	}
	ex.touch()
	ex.settleVersion()
}

// saves is what of an execution outlives the process.
type saves uint8

const (
	saveNothing saves = iota
	saveStart
	saveAll
)

// phase is what a branch does between events, beside what a task and a fan wait for.
type phase uint8

const (
	working  phase = iota // its task or its fan is under way
	moving                // to its state
	waiting               // in a Wait state
	retrying              // after the delay of a retrier
	parked                // an iteration that waits for its turn since a redrive
)

var phaseNames = [...]string{working: "working", moving: "moving", waiting: "waiting", retrying: "retrying", parked: "parked"}

// saved is what of a branch is kept only because its timers and callbacks cannot be.
type saved struct {
	phase                       phase
	due, timeoutAt, heartbeatAt time.Time // of the timers
	call                        []byte    // input of the task's call until that is answered
	submitted                   bool      // it was: the task waits for a token or an execution
	awaits                      string    // ARN of that execution
	key                         string    // once asked for
}

// working is when the branch waits for nothing, or not yet.
func (b *branch) working() {
	b.saved = saved{key: b.key}
	b.beat = 0
	b.touch()
}

// schedule has the branch go on at a time.
func (b *branch) schedule(p phase, at time.Time) {
	b.phase, b.due = p, at
	b.timer = b.ex.sm.s.k.At(at, b.proceed)
	b.touch()
}

func (b *branch) proceed() {
	switch b.phase {
	case moving:
		b.enter()
	case retrying:
		b.run()
	case waiting:
		b.finish(b.input, false)
	}
}

// forgetFan is the end of a Parallel or Map state, and of all below it.
func (b *branch) forgetFan() {
	if b.ex.sm.s.changed != nil && b.ex.saves == saveAll {
		for i := range b.fan.started {
			b.touchChild(i)
		}
	}
	b.fan = nil
	b.touch()
}

func (ex *Execution) touch() {
	if changed := ex.sm.s.changed; changed != nil && ex.saves != saveNothing {
		changed(ex.key())
	}
}

func (ex *Execution) touchHistory(id int32) {
	if changed := ex.sm.s.changed; changed != nil && ex.saves == saveAll {
		changed(ex.chunkKey(int(id-1) / eventsPerChunk))
	}
}

func (b *branch) touch() {
	if changed := b.ex.sm.s.changed; changed != nil && b.ex.saves == saveAll {
		changed(b.branchKey())
	}
}

// touchChild is touch for a branch below, which may have ended.
func (b *branch) touchChild(i int) {
	if changed := b.ex.sm.s.changed; changed != nil && b.ex.saves == saveAll {
		changed(b.branchKey() + "." + strconv.Itoa(i))
	}
}

func (s *Service) touchVersion(v *version) {
	if s.changed != nil {
		s.changed("definition/" + v.hash)
	}
}

func (ex *Execution) key() string {
	if ex.saves == saveStart {
		return "express/" + ex.sm.Name + "/" + ex.ARN[strings.LastIndexByte(ex.ARN, ':')+1:]
	}
	return "execution/" + ex.sm.Name + "/" + ex.Name
}

func (ex *Execution) chunkKey(chunk int) string {
	return fmt.Sprintf("history/%s/%s/%05d", ex.sm.Name, ex.Name, chunk)
}

func (b *branch) branchKey() string {
	if b.key == "" {
		if b.parent == nil {
			b.key = "branch/" + b.ex.sm.Name + "/" + b.ex.Name + "/0"
		} else {
			b.key = b.parent.branchKey() + "." + strconv.Itoa(b.index)
		}
	}
	return b.key
}

// Watch implements durable.Engine.
func (s *Service) Watch(changed func(key string)) { s.changed = changed }

// Keys implements durable.Engine.
func (s *Service) Keys() []string {
	keys := []string{"meta"}
	for _, sm := range s.byName {
		keys = append(keys, "machine/"+sm.Name)
		for _, ex := range sm.executions {
			if s.byARN[ex.ARN] != ex {
				continue // its name is used again, after 90 days
			}
			keys = append(keys, ex.key())
			for i := 0; i*eventsPerChunk < len(ex.history.events); i++ {
				keys = append(keys, ex.chunkKey(i))
			}
			if ex.root != nil {
				keys = ex.root.keys(keys)
			}
		}
	}
	for key := range s.express {
		keys = append(keys, key)
	}
	for _, v := range s.versions {
		if v.needed() {
			keys = append(keys, "definition/"+v.hash)
		}
	}
	slices.Sort(keys)
	return keys
}

func (v *version) needed() bool { return v.current > 0 || v.users > 0 }

func (b *branch) keys(keys []string) []string {
	keys = append(keys, b.branchKey())
	if b.fan == nil {
		return keys
	}
	for i := range b.fan.started {
		if child := b.fan.running[i]; child != nil {
			keys = child.keys(keys)
		} else {
			keys = append(keys, b.branchKey()+"."+strconv.Itoa(i))
		}
	}
	return keys
}

// Record implements durable.Engine.
func (s *Service) Record(key string) ([]byte, bool) {
	part := strings.Split(key, "/")
	switch kind := part[0]; {
	case kind == "meta":
		return s.metaRecord(), true
	case kind == "machine" && len(part) == 2:
		if sm := s.machines[s.machineARN(part[1])]; sm != nil {
			return sm.record(), true
		}
	case kind == "definition" && len(part) == 2:
		if v := s.versions[part[1]]; v != nil && v.needed() {
			return []byte(v.definition), true
		}
	case kind == "express" && len(part) == 3:
		if ex := s.express[key]; ex != nil {
			return ex.expressRecord(), true
		}
	case kind == "execution" && len(part) == 3:
		if ex := s.byARN[s.executionARN(part[1], part[2])]; ex != nil {
			return ex.record(), true
		}
	case kind == "history" && len(part) == 4:
		if ex := s.byARN[s.executionARN(part[1], part[2])]; ex != nil {
			chunk, err := strconv.Atoi(part[3])
			return ex.chunkRecord(chunk, err)
		}
	case kind == "branch" && len(part) == 4:
		if ex := s.byARN[s.executionARN(part[1], part[2])]; ex != nil {
			return ex.branchRecord(part[3])
		}
	}
	return nil, false
}

func (s *Service) machineARN(name string) string {
	return fmt.Sprintf("arn:aws:states:%s:%s:stateMachine:%s", s.region, s.account, name)
}

func (s *Service) executionARN(machine, name string) string {
	return fmt.Sprintf("arn:aws:states:%s:%s:execution:%s:%s", s.region, s.account, machine, name)
}
