package sns

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

// The service is a durable.Engine. Its records are JSON documents, where a SUBSCRIPTION is the last part of an ARN:
//
//	meta                       the version of all records (metaRecord)
//	topic/NAME                 the attributes of a topic (topicRecord)
//	subscription/SUBSCRIPTION  a subscription, also one that ended but could come back (subscriptionRecord)
//	token/TOKEN                what confirms one (tokenRecord)
//	message/N                  a message that is on its way to somebody (messageRecord)
//	delivery/N                 its way to one endpoint (deliveryRecord)
//
// A subscription of a template is the same one as before if topic, protocol and endpoint are: it keeps its ARN, and needs
// no confirmation again. Its attributes, and those of topics, are what calls have made of them, but for those
// that the template has changed meanwhile. An attempt under way is made again, and is the same attempt of
// the retry policy. The signing key is a constant (see signer). Counters begin anew.
const recordVersion = 1

var _ durable.Engine = (*Service)(nil)

// keeping is what the service has only so that its state can outlive the process.
type keeping struct {
	changed    func(key string) // nil: nobody watches
	deliveries map[uint64]*delivery
	messages   map[uint64]*message
	numbers    uint64                   // of deliveries and messages so far
	made       uint64                   // subscriptions so far
	kept       map[string]*Subscription // by the last part of their ARN, also those that ended but have a record
	generation uint64                   // how often the service was restored
}

func newKeeping() keeping {
	return keeping{deliveries: map[uint64]*delivery{}, messages: map[uint64]*message{}, kept: map[string]*Subscription{}}
}

// settings are attributes, and which of them a template declares.
type settings struct{ declared, now map[string]string }

func (s *settings) set(name, value string) {
	if s.now == nil {
		s.now = map[string]string{}
	}
	s.now[name] = value
}

func (s *Service) keepMessage(m *message) {
	s.numbers++
	m.number = s.numbers
	m.users = 1
	s.messages[m.number] = m
	m.touch()
}

func (s *Service) releaseMessage(m *message) {
	if m.users--; m.users == 0 {
		delete(s.messages, m.number)
		m.touch()
	}
}

func (s *Service) keepDelivery(d *delivery) {
	s.numbers++
	d.number = s.numbers
	s.deliveries[d.number] = d
	d.m.users++
	d.sub.deliveries++
	d.touch()
}

// end is the end of a delivery.
func (d *delivery) end() {
	s := d.sub.topic.s
	if s.deliveries[d.number] != d {
		return
	}
	delete(s.deliveries, d.number)
	d.touch()
	d.sub.deliveries--
	d.sub.settleGone()
	s.releaseMessage(d.m)
}

// settleGone forgets a subscription that ended, unless it can come back, still has deliveries, or
// would be made again by its template.
func (sub *Subscription) settleGone() {
	if !sub.gone {
		return
	}
	if sub.template == nil && sub.deliveries == 0 && !sub.hasToken() {
		delete(sub.topic.s.kept, sub.id())
	}
	sub.touch()
}

func (t *Topic) touch() {
	if t.s.changed != nil {
		t.s.changed("topic/" + t.Name)
	}
}

func (sub *Subscription) touch() {
	if changed := sub.topic.s.changed; changed != nil {
		changed(sub.key())
	}
}

func (s *Service) touchToken(tok string) {
	if s.changed != nil {
		s.changed("token/" + tok)
	}
}

func (m *message) touch() {
	if m.topic.s.changed != nil {
		m.topic.s.changed(m.key())
	}
}

func (d *delivery) touch() {
	if changed := d.sub.topic.s.changed; changed != nil {
		changed(d.key())
	}
}

func (sub *Subscription) key() string { return "subscription/" + sub.id() }

func (sub *Subscription) id() string { return sub.ARN[strings.LastIndexByte(sub.ARN, ':')+1:] }

func (m *message) key() string { return fmt.Sprintf("message/%012d", m.number) }

func (d *delivery) key() string { return fmt.Sprintf("delivery/%012d", d.number) }

// Watch implements durable.Engine.
func (s *Service) Watch(changed func(key string)) { s.changed = changed }

// Keys implements durable.Engine.
func (s *Service) Keys() []string {
	keys := []string{"meta"}
	for _, t := range s.topics {
		keys = append(keys, "topic/"+t.Name)
	}
	for id := range s.kept {
		keys = append(keys, "subscription/"+id)
	}
	for tok := range s.tokens {
		keys = append(keys, "token/"+tok)
	}
	for _, m := range s.messages {
		keys = append(keys, m.key())
	}
	for _, d := range s.deliveries {
		keys = append(keys, d.key())
	}
	slices.Sort(keys)
	return keys
}

// Record implements durable.Engine.
func (s *Service) Record(key string) ([]byte, bool) {
	kind, id, _ := strings.Cut(key, "/")
	switch kind {
	case "meta":
		return durable.Encode(metaRecord{durable.Header{Version: recordVersion}, s.generation}), true
	case "topic":
		if t := s.byARN[s.topicARN(id)]; t != nil {
			return t.record(), true
		}
	case "subscription":
		if sub := s.kept[id]; sub != nil {
			return sub.record(), true
		}
	case "token":
		if t := s.tokens[id]; t != nil {
			return durable.Encode(tokenRecord{t.sub.id(), t.expires}), true
		}
	case "message":
		n, err := strconv.ParseUint(id, 10, 64)
		if m := s.messages[n]; err == nil && m != nil {
			return m.record(), true
		}
	case "delivery":
		n, err := strconv.ParseUint(id, 10, 64)
		if d := s.deliveries[n]; err == nil && d != nil {
			return d.record(), true
		}
	}
	return nil, false
}

// metaRecord is what the service as a whole remembers.
type metaRecord struct {
	// The version is that of all records.
	durable.Header
	// Generation is how often the service was restored, so that no id is made again.
	Generation uint64 `json:"generation"`
}

type topicRecord struct {
	// Declared are the attributes that the template gave, Attributes what they are now.
	Declared   map[string]string `json:"declared,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Deleted    int               `json:"deleted,omitempty"` // subscriptions
}

func (t *Topic) record() []byte {
	return durable.Encode(topicRecord{t.settings.declared, t.settings.now, t.deleted})
}

type subscriptionRecord struct {
	// Number orders subscriptions by when they were made.
	Number    uint64 `json:"number"`
	Topic     string `json:"topic"`
	Protocol  string `json:"protocol"`
	Endpoint  string `json:"endpoint"`
	Principal string `json:"principal"`
	// Template says that it is one of a template, which declares some attributes.
	Template   bool              `json:"template,omitempty"`
	Declared   map[string]string `json:"declared,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Pending    bool              `json:"pending,omitempty"`
	// Gone says that it ended.
	Gone          bool `json:"gone,omitempty"`
	Authenticated bool `json:"authenticated,omitempty"`
}

func (sub *Subscription) record() []byte {
	return durable.Encode(subscriptionRecord{
		Number: sub.number, Topic: sub.topic.Name, Protocol: sub.Protocol, Endpoint: sub.Endpoint, Principal: sub.principal,
		Template: sub.template != nil, Declared: sub.template, Attributes: sub.attributes,
		Pending: sub.pending, Gone: sub.gone, Authenticated: sub.authenticated,
	})
}

type tokenRecord struct {
	Subscription string    `json:"subscription"`
	Expires      time.Time `json:"expires"`
}

type messageRecord struct {
	Topic      string            `json:"topic"`
	ID         string            `json:"id"`
	Kind       string            `json:"kind"`
	Subject    string            `json:"subject,omitempty"`
	Body       string            `json:"body"`
	Bodies     map[string]string `json:"bodies,omitempty"` // by protocol
	Attributes []attributeRecord `json:"attributes,omitempty"`
	Group      string            `json:"group,omitempty"`
	At         time.Time         `json:"at"`
	Token      string            `json:"token,omitempty"`
	// Accepted says that no deliveries were made of it yet.
	Accepted bool `json:"accepted,omitempty"`
}

type attributeRecord struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Text   string `json:"text,omitempty"`
	Binary []byte `json:"binary,omitempty"`
}

func (m *message) record() []byte {
	r := messageRecord{
		Topic: m.topic.Name, ID: m.id, Kind: m.kind, Subject: m.subject, Body: m.body, Bodies: m.bodies,
		Group: m.groupID, At: m.at, Token: m.token, Accepted: m.accepted,
	}
	for _, a := range m.attributes {
		r.Attributes = append(r.Attributes, attributeRecord{a.name, a.dataType, a.text, a.binary})
	}
	return durable.Encode(r)
}

type deliveryRecord struct {
	Subscription string `json:"subscription"`
	Message      uint64 `json:"message"`
	// Attempts are those that failed, DeadAttempts those with the dead-letter queue, where the message
	// is to go if Dead is set.
	Attempts     int  `json:"attempts,omitempty"`
	Dead         bool `json:"dead,omitempty"`
	DeadAttempts int  `json:"deadAttempts,omitempty"`
	// Due is when the next attempt is to be made; absent while there is one.
	Due time.Time `json:"due,omitzero"`
	// Retry is the retry policy, absent for that of queues and functions.
	Retry *schedule `json:"retry,omitempty"`
}

func (d *delivery) record() []byte {
	r := deliveryRecord{Subscription: d.sub.id(), Message: d.m.number, Attempts: d.attempts, Dead: d.dead, DeadAttempts: d.deadAttempts, Due: d.due}
	switch trying := d.due.IsZero() || d.turn; {
	case trying && d.dead:
		r.DeadAttempts--
	case trying:
		r.Attempts--
	}
	if d.retry != managedSchedule {
		r.Retry = &d.retry
	}
	return durable.Encode(r)
}
