package sns

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

type restoredSubscription struct {
	subscriptionRecord
	id string
}

// merge is what attributes are that the template gave as before, that were then changed to what
// they are, and that the template gives otherwise now: what it has changed wins.
func merge(before, changed, template map[string]string) map[string]string {
	out := map[string]string{}
	for _, all := range []map[string]string{changed, template} {
		for name := range all {
			old, had := before[name]
			now, has := template[name]
			if had == has && old == now {
				now, has = changed[name]
			}
			if has {
				out[name] = now
			}
		}
	}
	return out
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
func (r *restorer) restoreSubscriptions() error {
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
