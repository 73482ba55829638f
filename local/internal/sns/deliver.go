package sns

import (
	"errors"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// delivery is a message on its way to one endpoint.
type delivery struct {
	sub      *Subscription
	m        *message
	retry    schedule
	attempts int
	// dead says that the message is on its way to the dead-letter queue, after deadAttempts.
	dead         bool
	deadAttempts int
	number       uint64
	due          time.Time  // of the next attempt; zero while there is one
	turn         bool       // the attempt waits until then for its turn
	timer        *sim.Event // for it
}

// failure is why an attempt failed.
type failure struct {
	reason string
	// permanent failures are not repeated: client-side errors, such as those of an
	// endpoint that does not exist any more. Source: SNS Developer Guide, "Amazon SNS
	// dead-letter queues", "Why do message deliveries fail?".
	permanent bool
}

// newDelivery makes the delivery of a message. It ends by end.
func (sub *Subscription) newDelivery(m *message) *delivery {
	d := &delivery{sub: sub, m: m, retry: managedSchedule}
	if sub.isHTTP() {
		d.retry = *sub.effectivePolicy().Retry
	}
	sub.topic.s.keepDelivery(d)
	return d
}

// schedule makes the next attempt after some time.
func (d *delivery) schedule(wait time.Duration) { d.at(d.sub.topic.s.k.Now().Add(wait), d.try) }

func (d *delivery) at(due time.Time, next func()) {
	d.due = due
	d.touch()
	d.timer = d.sub.topic.s.k.At(due, next)
}

// notification says whether the message is one that was published, and not one
// of the handshake.
func (d *delivery) notification() bool { return d.m.kind == kindNotification }

func (d *delivery) try() {
	if d.dead {
		d.bury()
		return
	}
	if d.notification() && d.sub.gone {
		d.end()
		return
	}
	d.attempts++
	d.due = time.Time{}
	d.touch()
	if d.notification() {
		d.sub.stats.Attempts++
	}
	switch d.sub.Protocol {
	case "sqs":
		d.sub.topic.s.send(d.sub.queueURL, d.m.sending(d.sub), d.sub.topic, d.done)
	case "lambda":
		s := d.sub.topic.s
		s.bus.Do(api.Call{Service: "lambda", Action: "Invoke", Input: d.m.invocation(d.sub), Caller: d.sub.topic.ARN},
			func(_ []byte, err error) { d.done(asFailure(err)) })
	case "http", "https":
		d.throttle()
	}
}

// declared says whether nothing is ever delivered to endpoints of this kind.
func (sub *Subscription) declared() bool {
	return sub.Protocol != "sqs" && sub.Protocol != "lambda" && !sub.isHTTP()
}

// send sends to a queue. The caller is the topic, which a queue's policy knows as
// aws:SourceArn of the principal sns.amazonaws.com.
func (s *Service) send(queueURL, rest []byte, t *Topic, done func(*failure)) {
	input := make([]byte, 0, len(queueURL)+len(rest))
	input = append(append(input, queueURL...), rest...)
	s.bus.Do(api.Call{Service: "sqs", Action: "SendMessage", Input: input, Caller: t.ARN},
		func(_ []byte, err error) { done(asFailure(err)) })
}

// asFailure sorts the error of a queue or a function.
func asFailure(err error) *failure {
	if err == nil {
		return nil
	}
	var e *api.Error
	if !errors.As(err, &e) {
		return &failure{reason: err.Error()}
	}
	return &failure{reason: e.Error(), permanent: e.HTTPStatus() < 500 && e.HTTPStatus() != 429 && !throttled(e.Code)}
}

func throttled(code string) bool {
	switch code {
	case "ThrottlingException", "RequestThrottled", "Throttling", "TooManyRequestsException", "OverLimit":
		return true
	}
	return false
}

// done ends an attempt.
func (d *delivery) done(f *failure) {
	stats := &d.sub.stats
	if f == nil {
		if d.notification() {
			stats.Delivered++
		}
		d.end()
		return
	}
	stats.LastError = f.reason
	if !f.permanent {
		if wait, again := d.retry.delay(d.attempts - 1); again {
			d.schedule(wait)
			return
		}
	}
	if d.notification() {
		stats.Failed++
		d.redrive(f)
		return
	}
	d.end()
	d.sub.topic.s.logf("%s to %s failed after %d attempts: %s", d.m.kind, d.sub.Endpoint, d.attempts, f.reason)
}

// redrive sends a message that cannot be delivered to the dead-letter queue: what
// a queue in the endpoint's place would have got, and nothing about the failure, as
// messages recorded from the service have nothing either.
func (d *delivery) redrive(f *failure) {
	if d.sub.deadLetters == "" {
		d.drop(f)
		return
	}
	d.dead = true
	d.bury()
}

// bury is an attempt to send to the dead-letter queue.
func (d *delivery) bury() {
	s := d.sub.topic.s
	d.deadAttempts++
	d.due = time.Time{}
	d.touch()
	q := append(appendString([]byte(`{"QueueUrl":`), queueURL(d.sub.deadLetters)), ',')
	s.send(q, d.m.sending(d.sub), d.sub.topic, func(refused *failure) {
		if refused == nil {
			d.sub.stats.DeadLettered++
			d.end()
			return
		}
		if wait, again := managedSchedule.delay(d.deadAttempts - 1); again && !refused.permanent {
			d.schedule(wait)
			return
		}
		d.sub.stats.LastError = refused.reason
		d.drop(refused)
	})
}

func (d *delivery) drop(f *failure) {
	d.end()
	d.sub.stats.Dropped++
	d.sub.topic.s.logf("message %s to %s is lost after %d attempts: %s", d.m.id, d.sub.Endpoint, d.attempts, f.reason)
}

// throttle waits until the endpoint's maximum of receives per second allows one
// more.
func (d *delivery) throttle() {
	p := d.sub.effectivePolicy().Throttle
	if p == nil {
		d.post()
		return
	}
	k := d.sub.topic.s.k
	at := d.sub.nextReceive
	if now := k.Now(); at.Before(now) {
		at = now
	}
	d.sub.nextReceive = at.Add(time.Second / time.Duration(p.MaxReceivesPerSecond))
	if at.Equal(k.Now()) {
		d.post()
		return
	}
	d.turn = true
	d.at(at, d.post)
}
