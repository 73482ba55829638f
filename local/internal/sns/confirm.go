package sns

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// confirmationTime is how long a token is valid and a subscription may be pending.
// Source: SNS API Reference, Subscribe: "Confirmation tokens are valid for two days".
const confirmationTime = 48 * time.Hour

// tokenLength is the length of the tokens that the service sends.
const tokenLength = 288

// token confirms a subscription.
type token struct {
	sub     *Subscription
	expires time.Time
}

// requestConfirmation sends the endpoint a token. Addresses that are only
// declared stay pending: nothing reaches them.
func (sub *Subscription) requestConfirmation() {
	if !sub.isHTTP() {
		return
	}
	tok := sub.newToken()
	sub.handshake(kindSubscribe, tok, "You have chosen to subscribe to the topic "+sub.topic.ARN+
		".\nTo confirm the subscription, visit the SubscribeURL included in this message.")
}

func (sub *Subscription) newToken() string {
	s := sub.topic.s
	var b [tokenLength / 2]byte
	s.random(b[:])
	tok := hex.EncodeToString(b[:])
	s.addToken(tok, &token{sub: sub, expires: s.k.Now().Add(confirmationTime)})
	return tok
}

// addToken makes a token known until it expires. A subscription that is pending does not outlive
// its last one.
func (s *Service) addToken(tok string, t *token) {
	s.tokens[tok] = t
	s.touchToken(tok)
	s.k.Background(t.expires, func() {
		if s.tokens[tok] != t {
			return
		}
		delete(s.tokens, tok)
		s.touchToken(tok)
		t.sub.settleGone()
		if t.sub.pending && !t.sub.gone && !t.sub.hasToken() {
			t.sub.remove()
		}
	})
}

func (sub *Subscription) hasToken() bool {
	for _, t := range sub.topic.s.tokens {
		if t.sub == sub {
			return true
		}
	}
	return false
}

// handshake sends the endpoint a message of SNS's own.
func (sub *Subscription) handshake(kind, tok, body string) {
	s := sub.topic.s
	m := &message{topic: sub.topic, kind: kind, id: s.newID(), body: body, token: tok, at: s.k.Now().Truncate(time.Millisecond)}
	s.keepMessage(m)
	sub.newDelivery(m).schedule(0)
	s.releaseMessage(m)
}

// remove takes the subscription from its topic.
func (sub *Subscription) remove() {
	t := sub.topic
	sub.gone = true
	delete(t.s.subscriptions, sub.ARN)
	t.subscriptions = slices.DeleteFunc(slices.Clone(t.subscriptions), func(other *Subscription) bool { return other == sub })
	t.deleted++
	t.touch()
	sub.settleGone()
}

func (s *Service) subscribe(c api.Call) ([]byte, error) {
	var in struct {
		TopicArn, Protocol, Endpoint string
		Attributes                   map[string]string
		ReturnSubscriptionArn        bool
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	t, err := s.find(in.TopicArn)
	if err != nil {
		return nil, err
	}
	sub, err := t.subscribe(in.Protocol, in.Endpoint, in.Attributes, c.Caller)
	if err != nil {
		return nil, err
	}
	arn := sub.ARN
	if sub.pending && !in.ReturnSubscriptionArn {
		arn = "pending confirmation"
	}
	return jsontext.Marshal(struct{ SubscriptionArn string }{arn})
}

func (s *Service) confirmSubscription(c api.Call) ([]byte, error) {
	return s.confirm(c.Input, true)
}

// confirm makes a pending subscription a real one, or brings one back that its
// endpoint's owner had ended. Only a signed request can ask that unsubscribing
// needs a signature too.
func (s *Service) confirm(input []byte, signed bool) ([]byte, error) {
	var in struct{ TopicArn, Token, AuthenticateOnUnsubscribe string }
	if err := decode(input, &in); err != nil {
		return nil, err
	}
	// The token says what it confirms: of the topic's ARN the service looks at the
	// form and the region alone.
	if part := strings.Split(in.TopicArn, ":"); len(part) != 6 || part[0] != "arn" || part[2] != "sns" || part[3] != s.region {
		return nil, errInvalid("Topic")
	}
	if len(in.Token) != tokenLength || strings.Trim(in.Token, "0123456789abcdef") != "" {
		return nil, api.Errorf(codeInvalidParameter, "Invalid token")
	}
	tok := s.tokens[in.Token]
	if tok == nil || !s.k.Now().Before(tok.expires) {
		return nil, errInvalid("Token")
	}
	sub := tok.sub
	if sub.gone {
		if other := sub.topic.subscription(sub.Protocol, sub.Endpoint); other != nil {
			sub = other // it was subscribed anew meanwhile
		} else {
			sub.gone = false
			s.subscriptions[sub.ARN] = sub
			s.kept[sub.id()] = sub
			sub.topic.subscriptions = append(slices.Clone(sub.topic.subscriptions), sub)
			sub.topic.deleted--
			sub.topic.touch()
		}
	}
	sub.pending = false
	sub.touch()
	if signed && in.AuthenticateOnUnsubscribe == "true" {
		sub.authenticated = true
	}
	return jsontext.Marshal(struct{ SubscriptionArn string }{sub.ARN})
}

func (s *Service) unsubscribe(c api.Call) ([]byte, error) {
	return s.endSubscription(c.Input, true)
}

// endSubscription removes a subscription; one that does not exist is no error. If
// the request is not signed, the endpoint is told, so that its owner can undo it.
// Source: SNS API Reference, Unsubscribe.
func (s *Service) endSubscription(input []byte, signed bool) ([]byte, error) {
	var in struct{ SubscriptionArn string }
	if err := decode(input, &in); err != nil {
		return nil, err
	}
	if in.SubscriptionArn == "" {
		return nil, errInvalid("SubscriptionArn Reason: no value for required parameter")
	}
	if err := checkARN("SubscriptionArn", in.SubscriptionArn); err != nil {
		return nil, err
	}
	part := strings.Split(in.SubscriptionArn, ":")
	if len(part) != 7 || len(part[6]) != 36 {
		return nil, errInvalid("SubscriptionId")
	}
	sub := s.subscriptions[in.SubscriptionArn]
	switch {
	case sub == nil:
		return []byte("{}"), nil
	case sub.authenticated && !signed:
		return nil, &api.Error{Code: "AuthorizationError", Message: "The subscription requires an authenticated request to unsubscribe", Status: 403}
	}
	sub.remove()
	if sub.isHTTP() && !sub.pending && !signed {
		sub.handshake(kindUnsubscribe, sub.newToken(), "You have chosen to deactivate subscription "+sub.ARN+
			".\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message.")
	}
	return []byte("{}"), nil
}
