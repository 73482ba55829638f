package sqs

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
	"github.com/orderflow-cdk/orderflow/local/internal/uuid"
)

// Service is the queues of one account in one region.
type Service struct {
	k               *sim.Kernel
	region, account string
	queues          []*Queue // in order of creation
	byName, byARN   map[string]*Queue
	ids             *rand.Rand
	source          *rand.PCG // of ids
	sequence        uint64
	tasks           []*moveTask
	watch           func(key string) // nil: nobody asks for records
}

// NewService returns a service without queues.
func NewService(k *sim.Kernel, region, account string) *Service {
	// Ids come from a stream of their own, so that how many are made does
	// not shift the kernel's other random choices.
	source := rand.NewPCG(k.Rand().Uint64(), k.Rand().Uint64())
	return &Service{
		k: k, region: region, account: account,
		byName: map[string]*Queue{}, byARN: map[string]*Queue{},
		source: source, ids: rand.New(source),
	}
}

// CreateQueue makes a queue. The properties are checked as SQS checks them; a
// queue that the redrive policy names may follow later (see Check).
func (s *Service) CreateQueue(name string, p QueueProperties) (*Queue, error) {
	set, err := p.settings(name)
	if err != nil {
		return nil, fmt.Errorf("sqs: queue %s: %w", name, err)
	}
	if s.byName[name] != nil {
		return nil, fmt.Errorf("sqs: queue %s exists already", name)
	}
	q := newQueue(s, name, p, set)
	s.queues = append(s.queues, q)
	s.byName[q.Name], s.byARN[q.ARN] = q, q
	return q, nil
}

// Queue returns a queue by its name, its ARN or its URL; nil if there is none.
func (s *Service) Queue(ref string) *Queue {
	if q := s.byARN[ref]; q != nil {
		return q
	}
	if q := s.byName[ref]; q != nil {
		return q
	}
	return s.byURL(ref)
}

// Check reports every redrive policy that names a queue which does not exist
// or cannot take the messages. It is for when all queues are created.
func (s *Service) Check() error {
	var all []string
	for _, q := range s.queues {
		if _, err := q.deadLetterQueue(); err != nil {
			all = append(all, err.Error())
		}
	}
	if len(all) > 0 {
		return fmt.Errorf("%s", strings.Join(all, "\n"))
	}
	return nil
}

// byURL finds a queue by the last two segments of a URL's path, as SQS does: the
// host is no part of a queue's identity.
func (s *Service) byURL(url string) *Queue {
	rest, name, ok := cutLast(strings.TrimSuffix(url, "/"), '/')
	if !ok {
		return nil
	}
	_, account, _ := cutLast(rest, '/')
	if account != s.account {
		return nil
	}
	return s.byName[name]
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return "", s, false
}

// Do implements api.Service. Calls of actions that SQS has and this package
// does not simulate, or that SQS does not have, fail with a plain error, which
// is not an AWS error.
func (s *Service) Do(c api.Call, done func(out []byte, err error)) {
	switch c.Action {
	case "ReceiveMessage":
		s.receiveMessage(c, done)
		return
	}
	action, ok := actions[c.Action]
	if !ok {
		done(nil, fmt.Errorf("sqs: action %s is not simulated", c.Action))
		return
	}
	done(action(s, c))
}

var actions map[string]func(*Service, api.Call) ([]byte, error)

func init() {
	actions = map[string]func(*Service, api.Call) ([]byte, error){
		"SendMessage":                  (*Service).sendMessage,
		"SendMessageBatch":             (*Service).sendMessageBatch,
		"DeleteMessage":                (*Service).deleteMessage,
		"DeleteMessageBatch":           (*Service).deleteMessageBatch,
		"ChangeMessageVisibility":      (*Service).changeMessageVisibility,
		"ChangeMessageVisibilityBatch": (*Service).changeMessageVisibilityBatch,
		"GetQueueAttributes":           (*Service).getQueueAttributes,
		"SetQueueAttributes":           (*Service).setQueueAttributes,
		"GetQueueUrl":                  (*Service).getQueueURL,
		"ListQueues":                   (*Service).listQueues,
		"PurgeQueue":                   (*Service).purgeQueue,
		"ListDeadLetterSourceQueues":   (*Service).listDeadLetterSourceQueues,
		"StartMessageMoveTask":         (*Service).startMessageMoveTask,
		"ListMessageMoveTasks":         (*Service).listMessageMoveTasks,
		"CancelMessageMoveTask":        (*Service).cancelMessageMoveTask,
	}
}

// newID returns a random UUID.
func (s *Service) newID() string {
	s.changed()
	return uuid.New(s.ids)
}

// firstSequence starts sequence numbers where they have the 20 digits that
// SQS's have.
const firstSequence = 10_000_000_000_000_000_000

func (q *Queue) nextSequence() uint64 {
	q.s.sequence += 256
	q.s.changed()
	return firstSequence + q.s.sequence
}

func formatSequence(n uint64) string { return strconv.FormatUint(n, 10) }
