package sns

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

// Restore implements durable.Engine.
func (s *Service) Restore(records map[string][]byte) (dropped []string, err error) {
	if len(records) == 0 {
		return nil, nil
	}
	r := &restorer{s: s, records: records, gone: map[string]int{}, lost: map[string]string{}}
	for _, step := range []struct {
		kind string
		read func(id string, record []byte) error
	}{
		{"meta", r.meta}, {"topic", r.topic}, {"subscription", r.readSubscription}, {"", r.restoreSubscriptions},
		{"", r.renumber}, {"token", r.token}, {"message", r.message}, {"delivery", r.delivery}, {"", r.resume},
	} {
		if err := r.each(step.kind, step.read); err != nil {
			return nil, err
		}
	}
	return r.dropped(), nil
}

// restorer restores a service.
type restorer struct {
	s             *Service
	records       map[string][]byte
	subscriptions []restoredSubscription
	deliveries    []*delivery
	gone          map[string]int    // what of the deliveries is dropped, by what it is about
	lost          map[string]string // why there is no subscription of an id, or topic of a name
}

type restoredSubscription struct {
	subscriptionRecord
	id string
}

// each reads the records of a kind in the order of their keys. Without a kind there is one step.
func (r *restorer) each(kind string, read func(id string, record []byte) error) error {
	if kind == "" {
		return read("", nil)
	}
	if kind == "meta" {
		for key := range r.records {
			if before, _, _ := strings.Cut(key, "/"); key != "meta" && !slices.Contains([]string{"topic", "subscription", "token", "message", "delivery"}, before) {
				return fmt.Errorf("record %s: there are no records of this kind", key)
			}
		}
		if err := read("", r.records["meta"]); err != nil {
			return fmt.Errorf("record meta: %w", err)
		}
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(r.records)) {
		if id, ok := strings.CutPrefix(key, kind+"/"); ok {
			if err := read(id, r.records[key]); err != nil {
				return fmt.Errorf("record %s: %w", key, err)
			}
		}
	}
	return nil
}

func (r *restorer) meta(_ string, record []byte) error {
	if err := durable.CheckHeader(record, recordVersion); err != nil {
		return err
	}
	var m metaRecord
	if err := durable.Decode(record, &m); err != nil {
		return err
	}
	s := r.s
	s.generation = m.Generation + 1
	// A process makes the same ids as the one before it, if it is given the same seed.
	s.ids = rand.New(rand.NewPCG(s.ids.Uint64(), s.ids.Uint64()^s.generation*0x9e3779b97f4a7c15))
	return nil
}

// merge is what attributes are that the template gave as before, that were then changed to what
// they are, and that the template gives otherwise now: what it has changed wins.
func merge(before, changed, template map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range []map[string]string{changed, template} {
		for name := range m {
			from, value, ok := template[name], changed[name], false
			if old, had := before[name]; old == from && had == hasKey(template, name) {
				_, ok = changed[name]
			} else {
				value, ok = template[name]
			}
			if ok {
				out[name] = value
			}
		}
	}
	return out
}

func hasKey(m map[string]string, name string) bool {
	_, ok := m[name]
	return ok
}

func (r *restorer) topic(name string, record []byte) error {
	var rec topicRecord
	if err := durable.Decode(record, &rec); err != nil {
		return err
	}
	t := r.s.byARN[r.s.topicARN(name)]
	if t == nil {
		r.lost["topic "+name] = ""
		return nil
	}
	t.deleted = rec.Deleted
	attributes := merge(rec.Declared, rec.Attributes, t.settings.declared)
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		value := attributes[name]
		if name == "MaximumMessageSize" {
			n, err := strconv.Atoi(value)
			if err != nil {
				return err
			}
			// Not by setAttribute: there may be subscriptions now that would have forbidden it.
			t.maxSize, t.attributes[name] = n, value
			t.settings.set(name, value)
			continue
		}
		if err := t.setAttribute(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (r *restorer) readSubscription(id string, record []byte) error {
	var rec subscriptionRecord
	if err := durable.Decode(record, &rec); err != nil {
		return err
	}
	if rec.Topic == "" || rec.Number == 0 {
		return errors.New("it is no subscription")
	}
	if err := checkEndpoint(rec.Protocol, rec.Endpoint); err != nil {
		return err
	}
	r.subscriptions = append(r.subscriptions, restoredSubscription{rec, id})
	return nil
}

// restoreSubscriptions makes the subscriptions, in their order, or finds them among those of the template.
func (r *restorer) restoreSubscriptions(string, []byte) error {
	s := r.s
	slices.SortFunc(r.subscriptions, func(a, b restoredSubscription) int { return cmp.Compare(a.Number, b.Number) })
	for _, t := range s.topics {
		for _, sub := range t.subscriptions {
			sub.number = 0 // until it is known whether it is a new one
		}
	}
	s.made = 0
	for i := range r.subscriptions {
		rec := &r.subscriptions[i]
		s.made = max(s.made, rec.Number)
		t := s.byARN[s.topicARN(rec.Topic)]
		if t == nil {
			r.lose(rec, "topic "+rec.Topic)
			continue
		}
		if err := r.subscription(t, rec); err != nil {
			return fmt.Errorf("record subscription/%s: %w", rec.id, err)
		}
	}
	for _, t := range s.topics {
		for _, sub := range t.subscriptions {
			if sub.number == 0 {
				s.made++
				sub.number = s.made
			}
		}
		slices.SortStableFunc(t.subscriptions, func(a, b *Subscription) int { return cmp.Compare(a.number, b.number) })
	}
	return nil
}

// lose notes that there is no subscription for a record any more.
func (r *restorer) lose(rec *restoredSubscription, what string) {
	if !rec.Gone {
		r.lost[what] = ""
	}
	r.lost["id "+rec.id] = what
}

func (r *restorer) subscription(t *Topic, rec *restoredSubscription) error {
	s := r.s
	var sub *Subscription // as the template has made it
	var template map[string]string
	for _, made := range t.subscriptions {
		if made.number == 0 && made.Protocol == rec.Protocol && made.Endpoint == rec.Endpoint {
			sub, template = made, made.template
		}
	}
	switch {
	case sub == nil && rec.Template:
		r.lose(rec, "topic "+t.Name+": subscription of "+rec.Endpoint)
		return nil
	case sub != nil && rec.Gone && !rec.Template:
		template = nil // it is not the template's, which is a later one
	case sub != nil:
		sub.forget()
	}
	fresh := &Subscription{
		ARN: t.ARN + ":" + rec.id, Protocol: rec.Protocol, Endpoint: rec.Endpoint, topic: t, principal: rec.Principal,
		pending: rec.Pending, gone: rec.Gone, authenticated: rec.Authenticated, number: rec.Number, template: template,
	}
	fresh.attributes = maps.Clone(rec.Attributes)
	if template != nil {
		fresh.attributes = merge(rec.Declared, rec.Attributes, template)
	}
	if fresh.attributes == nil {
		fresh.attributes = map[string]string{}
	}
	if err := fresh.settle(); err != nil {
		if template == nil {
			return err
		}
		fresh.attributes = maps.Clone(template) // what calls had set does not go with it any more
		if err := fresh.settle(); err != nil {
			return err
		}
	}
	fresh.address()
	s.kept[rec.id] = fresh
	if !fresh.gone {
		t.subscriptions = append(t.subscriptions, fresh)
		s.subscriptions[fresh.ARN] = fresh
	}
	return nil
}

// forget undoes what making a subscription of the template did, since it is there already.
func (sub *Subscription) forget() {
	t, s := sub.topic, sub.topic.s
	delete(s.subscriptions, sub.ARN)
	delete(s.kept, sub.id())
	t.subscriptions = slices.DeleteFunc(slices.Clone(t.subscriptions), func(other *Subscription) bool { return other == sub })
	maps.DeleteFunc(s.tokens, func(_ string, t *token) bool { return t.sub == sub })
	for _, d := range s.deliveries {
		if d.sub == sub {
			d.timer.Cancel()
			d.end()
		}
	}
}

func (r *restorer) token(tok string, record []byte) error {
	var rec tokenRecord
	if err := durable.Decode(record, &rec); err != nil {
		return err
	}
	sub, err := r.find(rec.Subscription)
	if err != nil || sub == nil {
		return err
	}
	r.s.addToken(tok, &token{sub: sub, expires: rec.Expires})
	return nil
}

// find finds a restored subscription; nil if it is lost.
func (r *restorer) find(id string) (*Subscription, error) {
	if sub := r.s.kept[id]; sub != nil {
		return sub, nil
	}
	if _, ok := r.lost["id "+id]; ok {
		return nil, nil
	}
	return nil, fmt.Errorf("the subscription %s is not there", id)
}

// renumber moves the messages that new subscriptions of the template are sent behind those
// that are restored.
func (r *restorer) renumber(string, []byte) error {
	last := uint64(0)
	for key := range r.records {
		if kind, id, _ := strings.Cut(key, "/"); kind == "message" || kind == "delivery" {
			n, err := strconv.ParseUint(id, 10, 63)
			if err != nil {
				return fmt.Errorf("record %s: %w", key, err)
			}
			last = max(last, n)
		}
	}
	s := r.s
	messages, deliveries := s.messages, s.deliveries
	s.messages, s.deliveries = map[uint64]*message{}, map[uint64]*delivery{}
	for _, m := range messages {
		m.number += last
		s.messages[m.number] = m
	}
	for _, d := range deliveries {
		d.number += last
		s.deliveries[d.number] = d
	}
	s.numbers += last
	return nil
}

func (r *restorer) message(id string, record []byte) error {
	n, err := strconv.ParseUint(id, 10, 63)
	if err != nil {
		return err
	}
	var rec messageRecord
	if err := durable.Decode(record, &rec); err != nil {
		return err
	}
	t := r.s.byARN[r.s.topicARN(rec.Topic)]
	if t == nil {
		if rec.Accepted {
			r.gone["topic "+rec.Topic]++
		}
		r.lost["message "+id] = ""
		return nil
	}
	m := &message{
		topic: t, id: rec.ID, kind: rec.Kind, subject: rec.Subject, body: rec.Body, bodies: rec.Bodies,
		groupID: rec.Group, at: rec.At.UTC(), token: rec.Token, number: n, accepted: rec.Accepted,
	}
	switch m.kind {
	case kindNotification, kindSubscribe, kindUnsubscribe:
	default:
		return fmt.Errorf("there are no messages of kind %q", m.kind)
	}
	for _, a := range rec.Attributes {
		m.attributes = append(m.attributes, attribute{a.Name, a.Type, a.Text, a.Binary})
	}
	m.users = 1 // until all deliveries are restored, or the fan-out is done
	r.s.messages[n] = m
	return nil
}

func (r *restorer) delivery(id string, record []byte) error {
	n, err := strconv.ParseUint(id, 10, 63)
	if err != nil {
		return err
	}
	var rec deliveryRecord
	if err := durable.Decode(record, &rec); err != nil {
		return err
	}
	sub, err := r.find(rec.Subscription)
	if err != nil {
		return err
	}
	m := r.s.messages[rec.Message]
	if sub == nil {
		r.gone[r.lost["id "+rec.Subscription]]++
		return nil
	}
	if m == nil {
		return fmt.Errorf("the message %d is not there", rec.Message)
	}
	d := &delivery{
		sub: sub, m: m, retry: managedSchedule, attempts: rec.Attempts, dead: rec.Dead, deadAttempts: rec.DeadAttempts,
		number: n, due: rec.Due,
	}
	if rec.Retry != nil {
		d.retry = *rec.Retry
	}
	r.s.deliveries[n] = d
	r.deliveries = append(r.deliveries, d)
	m.users++
	sub.deliveries++
	return nil
}

// resume has what is restored go on: first what was due, in that order, then the attempts that were
// under way and the messages that nobody got yet.
func (r *restorer) resume(string, []byte) error {
	s := r.s
	slices.SortStableFunc(r.deliveries, func(a, b *delivery) int {
		if a.due.IsZero() != b.due.IsZero() {
			if a.due.IsZero() {
				return 1
			}
			return -1
		}
		return a.due.Compare(b.due)
	})
	for _, d := range r.deliveries {
		due := d.due
		if due.IsZero() {
			due = s.k.Now()
		}
		d.at(due, d.try)
	}
	for _, n := range slices.Sorted(maps.Keys(s.messages)) {
		m := s.messages[n]
		if _, restored := r.records[m.key()]; !restored {
			continue
		}
		if m.accepted {
			s.k.After(0, m.fanOut)
		} else {
			s.releaseMessage(m)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.kept)) {
		sub := s.kept[id]
		if sub.isHTTP() && sub.pending && !sub.gone && !sub.hasToken() {
			s.k.Background(time.Time{}, func() {
				if sub.pending && !sub.gone && !sub.hasToken() {
					sub.remove()
				}
			})
		}
		sub.settleGone()
	}
	return nil
}

func (r *restorer) dropped() (out []string) {
	for what := range r.gone {
		if what != "" {
			r.lost[what] = ""
		}
	}
	for _, what := range slices.Sorted(maps.Keys(r.lost)) {
		if !strings.HasPrefix(what, "topic ") {
			continue
		}
		switch n := r.gone[what]; n {
		case 0:
			out = append(out, what)
		case 1:
			out = append(out, what+": 1 message")
		default:
			out = append(out, fmt.Sprintf("%s: %d messages", what, n))
		}
	}
	return out
}
