package sqs

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/msgattr"
)

func decode(input []byte, into any) error {
	if len(input) == 0 {
		return nil
	}
	if err := json.Unmarshal(input, into); err != nil {
		return api.Errorf("SerializationException", "%s", err.Error())
	}
	return nil
}

// onQueue is the part that nearly every input has.
type onQueue struct{ QueueUrl string }

func (s *Service) find(in onQueue) (*Queue, error) {
	if in.QueueUrl == "" {
		return nil, errMissing("QueueUrl")
	}
	if q := s.byURL(in.QueueUrl); q != nil {
		return q, nil
	}
	return nil, errNoQueue()
}

func (s *Service) sendMessage(c api.Call) ([]byte, error) {
	var in struct {
		onQueue
		sendInput
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	q, err := s.find(in.onQueue)
	if err != nil {
		return nil, err
	}
	m, delay, err := q.prepare(&in.sendInput, c.Caller)
	if err != nil {
		return nil, err
	}
	if q.tooLong(m) {
		return nil, q.errTooLong("are invalid")
	}
	return json.Marshal(q.put(m, delay))
}

// failure is a failed entry of a batch. Its code is the query protocol's.
type failure struct {
	Id          string `json:"Id"`
	SenderFault bool   `json:"SenderFault"`
	Code        string `json:"Code"`
	Message     string `json:"Message"`
}

func failed(id string, err error) failure {
	var e *api.Error
	if !errors.As(err, &e) {
		return failure{Id: id, Code: "InternalError", Message: err.Error()}
	}
	return failure{Id: id, SenderFault: e.HTTPStatus() < 500, Code: QueryCode(e.Code), Message: e.Message}
}

// batchResult is the answer of every batch action.
type batchResult[T any] struct {
	Successful []T       `json:"Successful,omitempty"`
	Failed     []failure `json:"Failed,omitempty"`
}

type entryID struct{ Id string }

// checkEntries holds the rules about the entries of a batch as a whole.
func checkEntries(action string, ids []string) error {
	if len(ids) == 0 {
		return api.Errorf("EmptyBatchRequest", "There should be at least one %sBatchRequestEntry in the request.", action)
	}
	if len(ids) > 10 {
		return api.Errorf("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent %d.", len(ids))
	}
	for i, id := range ids {
		bad := id == "" || len(id) > 80
		for j := 0; j < len(id) && !bad; j++ {
			bad = !msgattr.IsNameByte(id[j])
		}
		if bad {
			return api.Errorf("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if slices.Contains(ids[:i], id) {
			return api.Errorf("BatchEntryIdsNotDistinct", "Id %s repeated.", id)
		}
	}
	return nil
}

func (s *Service) sendMessageBatch(c api.Call) ([]byte, error) {
	var in struct {
		onQueue
		Entries []struct {
			entryID
			sendInput
		}
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	q, err := s.find(in.onQueue)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(in.Entries))
	for i := range in.Entries {
		ids[i] = in.Entries[i].Id
	}
	if err := checkEntries("SendMessage", ids); err != nil {
		return nil, err
	}
	total := 0
	for i := range in.Entries {
		e := &in.Entries[i]
		if e.MessageBody != nil {
			total += len(*e.MessageBody)
		}
		for name, v := range e.MessageAttributes {
			total += len(name) + len(v.DataType)
			if v.StringValue != nil {
				total += len(*v.StringValue)
			}
			if v.BinaryValue != nil {
				total += len(*v.BinaryValue)
			}
		}
		// What makes a FIFO message a FIFO message fails the whole batch.
		if q.FIFO && e.MessageGroupId == nil {
			return nil, errInvalid("The request must contain the parameter MessageGroupId.")
		}
		if q.FIFO && e.MessageDeduplicationId == nil && !q.set.contentDedup {
			return nil, errInvalid("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		}
	}
	if total > maxMessageSize {
		return nil, api.Errorf("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessageSize, total)
	}
	var out batchResult[sendResult]
	for i := range in.Entries {
		e := &in.Entries[i]
		m, delay, err := q.prepare(&e.sendInput, c.Caller)
		if err == nil && q.tooLong(m) {
			err = q.errTooLong("cannot be validated")
		}
		if err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
			continue
		}
		r := q.put(m, delay)
		r.Id = e.Id
		out.Successful = append(out.Successful, r)
	}
	return json.Marshal(out)
}

func (s *Service) deleteMessage(c api.Call) ([]byte, error) {
	var in struct {
		onQueue
		ReceiptHandle *string
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	q, err := s.find(in.onQueue)
	if err != nil {
		return nil, err
	}
	if in.ReceiptHandle == nil {
		return nil, errMissing("ReceiptHandle")
	}
	return nothing(q.Delete(*in.ReceiptHandle))
}

func (s *Service) changeMessageVisibility(c api.Call) ([]byte, error) {
	var in struct {
		onQueue
		ReceiptHandle     *string
		VisibilityTimeout *int64
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	q, err := s.find(in.onQueue)
	if err != nil {
		return nil, err
	}
	if in.ReceiptHandle == nil {
		return nil, errMissing("ReceiptHandle")
	}
	if in.VisibilityTimeout == nil {
		return nil, errMissing("VisibilityTimeout")
	}
	return nothing(q.ChangeVisibility(*in.ReceiptHandle, time.Duration(*in.VisibilityTimeout)*time.Second))
}

// handleEntry is an entry of the batches that name receipt handles.
type handleEntry struct {
	entryID
	ReceiptHandle     string
	VisibilityTimeout *int64
}

func (s *Service) handleBatch(action string, c api.Call, do func(*Queue, handleEntry) error) ([]byte, error) {
	var in struct {
		onQueue
		Entries []handleEntry
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	q, err := s.find(in.onQueue)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(in.Entries))
	for i := range in.Entries {
		ids[i] = in.Entries[i].Id
	}
	if err := checkEntries(action, ids); err != nil {
		return nil, err
	}
	type ok struct {
		Id string `json:"Id"`
	}
	var out batchResult[ok]
	for _, e := range in.Entries {
		if err := do(q, e); err != nil {
			out.Failed = append(out.Failed, failed(e.Id, err))
		} else {
			out.Successful = append(out.Successful, ok{e.Id})
		}
	}
	return json.Marshal(out)
}

func (s *Service) deleteMessageBatch(c api.Call) ([]byte, error) {
	return s.handleBatch("DeleteMessage", c, func(q *Queue, e handleEntry) error { return q.Delete(e.ReceiptHandle) })
}

func (s *Service) changeMessageVisibilityBatch(c api.Call) ([]byte, error) {
	return s.handleBatch("ChangeMessageVisibility", c, func(q *Queue, e handleEntry) error {
		if e.VisibilityTimeout == nil {
			return errMissing("VisibilityTimeout")
		}
		return q.ChangeVisibility(e.ReceiptHandle, time.Duration(*e.VisibilityTimeout)*time.Second)
	})
}

func (s *Service) purgeQueue(c api.Call) ([]byte, error) {
	var in onQueue
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	q, err := s.find(in)
	if err != nil {
		return nil, err
	}
	return nothing(q.Purge())
}

func (s *Service) getQueueURL(c api.Call) ([]byte, error) {
	var in struct{ QueueName, QueueOwnerAWSAccountId string }
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	if in.QueueName == "" {
		return nil, errMissing("QueueName")
	}
	q := s.byName[in.QueueName]
	if q == nil || in.QueueOwnerAWSAccountId != "" && in.QueueOwnerAWSAccountId != s.account {
		return nil, errNoQueue()
	}
	return json.Marshal(struct{ QueueUrl string }{q.URL})
}

func (s *Service) listQueues(c api.Call) ([]byte, error) {
	var in struct {
		QueueNamePrefix, NextToken string
		MaxResults                 *int
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	var all []string
	for _, q := range s.queues {
		if strings.HasPrefix(q.Name, in.QueueNamePrefix) {
			all = append(all, q.URL)
		}
	}
	page, next, err := paginate(all, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		QueueUrls []string `json:"QueueUrls,omitempty"`
		NextToken string   `json:"NextToken,omitempty"`
	}{page, next})
}

func (s *Service) listDeadLetterSourceQueues(c api.Call) ([]byte, error) {
	var in struct {
		onQueue
		NextToken  string
		MaxResults *int
	}
	if err := decode(c.Input, &in); err != nil {
		return nil, err
	}
	q, err := s.find(in.onQueue)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, src := range s.sourcesOf(q) {
		all = append(all, src.URL)
	}
	page, next, err := paginate(all, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	// The model really spells this member with a small q.
	return json.Marshal(struct {
		QueueUrls []string `json:"queueUrls"`
		NextToken string   `json:"NextToken,omitempty"`
	}{append([]string{}, page...), next})
}

// sourcesOf lists the queues whose dead letters go to q.
func (s *Service) sourcesOf(q *Queue) (all []*Queue) {
	for _, src := range s.queues {
		if p := src.set.redrive; p != nil && p.DeadLetterTargetArn == q.ARN {
			all = append(all, src)
		}
	}
	return all
}

// paginate cuts a page out of a list of URLs, sorted; the token is the URL that
// the page before ended with.
func paginate(all []string, token string, max *int) (page []string, next string, err error) {
	slices.Sort(all)
	if token != "" {
		i, ok := slices.BinarySearch(all, token)
		if !ok {
			return nil, "", errInvalid("Invalid or expired next token.")
		}
		all = all[i+1:]
	}
	if max == nil {
		return all[:min(len(all), 1000)], "", nil
	}
	if *max < 1 || *max > 1000 {
		return nil, "", errInvalid("Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.")
	}
	if len(all) <= *max {
		return all, "", nil
	}
	return all[:*max], all[*max-1], nil
}

// nothing is the answer of an action that has no output.
func nothing(err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return []byte("{}"), nil
}
