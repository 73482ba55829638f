package sns

import (
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
	for _, step := range []func() error{
		r.meta, r.each("topic", r.topic), r.each("subscription", r.readSubscription), r.restoreSubscriptions,
		r.renumber, r.each("token", r.token), r.each("message", r.message), r.each("delivery", r.delivery),
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	r.resume()
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

// each reads the records of a kind, in the order of their keys.
func (r *restorer) each(kind string, read func(id string, record []byte) error) func() error {
	return func() error {
		for _, key := range slices.Sorted(maps.Keys(r.records)) {
			if id, ok := strings.CutPrefix(key, kind+"/"); ok {
				if err := read(id, r.records[key]); err != nil {
					return fmt.Errorf("record %s: %w", key, err)
				}
			}
		}
		return nil
	}
}

func (r *restorer) meta() error {
	if err := durable.CheckHeader(r.records["meta"], recordVersion); err != nil {
		return fmt.Errorf("record meta: %w", err)
	}
	var m metaRecord
	if err := durable.Decode(r.records["meta"], &m); err != nil {
		return fmt.Errorf("record meta: %w", err)
	}
	for key := range r.records {
		switch kind, _, _ := strings.Cut(key, "/"); kind {
		case "meta", "topic", "subscription", "token", "message", "delivery":
		default:
			return fmt.Errorf("record %s: there are no records of this kind", key)
		}
	}
	s := r.s
	s.generation = m.Generation + 1
	// A process makes the same ids as the one before it, if it is given the same seed.
	s.ids = rand.New(rand.NewPCG(s.ids.Uint64(), s.ids.Uint64()^s.generation*0x9e3779b97f4a7c15))
	return nil
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
func (r *restorer) renumber() error {
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
func (r *restorer) resume() {
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
