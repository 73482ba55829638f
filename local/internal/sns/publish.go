package sns

import (
	"errors"
	"fmt"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/msgattr"
)

func (s *Service) publish(c api.Call) ([]byte, error) {
	var in struct {
		publishInput
		TopicArn, TargetArn, PhoneNumber string
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	if in.PhoneNumber != "" {
		return nil, errors.New("sns: to publish to a phone number is not simulated")
	}
	arn := in.TopicArn
	if arn == "" {
		arn = in.TargetArn
	}
	t, err := s.find(arn)
	if err != nil {
		return nil, err
	}
	if in.size() > t.maxSize {
		return nil, errInvalid("Message too long")
	}
	m, err := t.prepare(&in.publishInput, "")
	if err != nil {
		return nil, err
	}
	t.send(m)
	return append(appendString([]byte(`{"MessageId":`), m.id), '}'), nil
}

// maxBatch is how many messages a batch may have. Source: SNS API Reference, PublishBatch.
const maxBatch = 10

func (s *Service) publishBatch(c api.Call) ([]byte, error) {
	var in struct {
		TopicArn                   string
		PublishBatchRequestEntries []publishInput
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	entries := in.PublishBatchRequestEntries
	switch {
	case len(entries) == 0:
		return nil, api.Errorf("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	case len(entries) > maxBatch:
		return nil, api.Errorf("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
	}
	t, err := s.find(in.TopicArn)
	if err != nil {
		return nil, err
	}
	if err := checkIDs(entries); err != nil {
		return nil, err
	}
	// A fault of one entry fails the whole request: so answers the service
	// wherever its answers are recorded. Failed is for its own failures.
	messages := make([]*message, len(entries))
	size := 0
	for i := range entries {
		size += entries[i].size()
		if messages[i], err = t.prepare(&entries[i], fmt.Sprintf("publishBatchRequestEntries.%d.member.", i+1)); err != nil {
			return nil, err
		}
	}
	if size > t.maxSize {
		return nil, api.Errorf("BatchRequestTooLong", "The length of all the messages put together is more than the limit.")
	}
	b := []byte(`{"Successful":[`)
	for i, m := range messages {
		t.send(m)
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"Id":`...), entries[i].Id)
		b = append(appendString(append(b, `,"MessageId":`...), m.id), '}')
	}
	return append(b, `],"Failed":[]}`...), nil
}

func checkIDs(entries []publishInput) error {
	seen := map[string]bool{}
	for i := range entries {
		if id := entries[i].Id; seen[id] {
			return api.Errorf("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
		}
		seen[entries[i].Id] = true
	}
	for i := range entries {
		id := entries[i].Id
		switch {
		case len(id) > 80:
			return api.Errorf("InvalidBatchEntryId", "The Id of a batch entry in the batch request is too long: %s", id)
		case !validEntryID(id):
			return api.Errorf("InvalidBatchEntryId", "The Id of a batch entry in the batch request contains an impermissible character: %s", id)
		}
	}
	return nil
}

func validEntryID(id string) bool {
	for i := range len(id) {
		if !msgattr.IsNameByte(id[i]) {
			return false
		}
	}
	return id != ""
}

// send accepts a checked message. It is delivered in events of its own.
func (t *Topic) send(m *message) {
	m.id = t.s.newID()
	m.accepted = true
	t.s.keepMessage(m)
	t.s.k.After(0, m.fanOut)
}

// fanOut starts the delivery to every endpoint that the message is for.
func (m *message) fanOut() {
	for _, sub := range m.topic.subscriptions {
		switch {
		case sub.pending || sub.declared():
		case !sub.wants(m):
			sub.stats.Filtered++
		default:
			sub.newDelivery(m).try()
		}
	}
	m.accepted = false
	m.touch()
	m.topic.s.releaseMessage(m)
}
