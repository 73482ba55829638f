package sns

import (
	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

type listedSubscription struct {
	SubscriptionArn, Owner, Protocol, Endpoint, TopicArn string
}

func (s *Service) listSubscriptions(c api.Call) ([]byte, error) {
	var in struct{ NextToken string }
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	var all []*Subscription
	for _, t := range s.topics {
		all = append(all, t.subscriptions...)
	}
	return s.list(all, in.NextToken)
}

func (s *Service) listSubscriptionsByTopic(c api.Call) ([]byte, error) {
	var in struct{ TopicArn, NextToken string }
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	t, err := s.find(in.TopicArn)
	if err != nil {
		return nil, err
	}
	return s.list(t.subscriptions, in.NextToken)
}

func (s *Service) list(all []*Subscription, token string) ([]byte, error) {
	subs, next, err := page(all, token)
	if err != nil {
		return nil, err
	}
	items := make([]listedSubscription, 0, len(subs))
	for _, sub := range subs {
		arn := sub.ARN
		if sub.pending {
			arn = "PendingConfirmation"
		}
		items = append(items, listedSubscription{arn, s.account, sub.Protocol, sub.Endpoint, sub.topic.ARN})
	}
	return jsontext.Marshal(struct {
		Subscriptions []listedSubscription
		NextToken     string `json:",omitempty"`
	}{items, next})
}
