package console

import (
	"encoding/json"
	"net/http"

	"github.com/orderflow-cdk/orderflow/local"
)

// aQueue is a queue as the page lists it.
type aQueue struct {
	ID    string `json:"id"`
	Label string `json:"label"`
	Name  string `json:"name"`
	ARN   string `json:"arn"`
	URL   string `json:"url"`
	local.QueueCounts
	// Sources are the ids of what its messages failed in: of a dead-letter queue.
	Sources []string `json:"sources"`
	// Redrive is whether StartMessageMoveTask can move its messages back by itself: its sources are queues.
	Redrive     bool   `json:"redrive"`
	DeadLetters string `json:"deadLetters,omitempty"`
	Consumer    string `json:"consumer,omitempty"`
	Visibility  string `json:"visibilityTimeout"`
	MaxReceives int    `json:"maxReceives,omitempty"`
}

func (c *Console) describeQueue(b *blueprint, r *local.Resource) (aQueue, error) {
	_, counts, err := c.stack.Messages(r.LogicalID, 0, 0)
	if err != nil {
		return aQueue{}, err
	}
	q := aQueue{ID: r.LogicalID, Label: r.Label, Name: r.Name, ARN: r.ARN, URL: r.URL, QueueCounts: counts, Sources: []string{}}
	for _, e := range b.edges {
		switch {
		case e.To == r.LogicalID && e.Kind == local.EdgeDeadLetter:
			q.Sources = append(q.Sources, e.From)
			if b.byID[e.From].Type == "AWS::SQS::Queue" {
				q.Redrive = true
			}
		case e.From == r.LogicalID && e.Kind == local.EdgeDeadLetter:
			q.DeadLetters = e.To
		case e.From == r.LogicalID && e.Kind == local.EdgeSource:
			q.Consumer = e.To
		}
	}
	var out struct{ Attributes map[string]string }
	if err := c.inspect("sqs", "GetQueueAttributes", object{"QueueUrl": r.URL, "AttributeNames": []string{"VisibilityTimeout", "RedrivePolicy"}}, &out); err != nil {
		return q, err
	}
	q.Visibility = out.Attributes["VisibilityTimeout"]
	var policy struct {
		MaxReceiveCount json.Number `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(out.Attributes["RedrivePolicy"]), &policy) == nil {
		n, _ := policy.MaxReceiveCount.Int64() // without a policy there is none
		q.MaxReceives = int(n)
	}
	return q, nil
}

// queues answers GET /queues.
func (c *Console) queues(*http.Request) (any, error) {
	b := c.plan.get()
	all := []aQueue{}
	for i := range b.resources {
		if r := &b.resources[i]; r.Type == "AWS::SQS::Queue" {
			q, err := c.describeQueue(b, r)
			if err != nil {
				return nil, err
			}
			all = append(all, q)
		}
	}
	return object{"queues": all}, nil
}

// pageSize is how many messages, executions or items are shown at a time.
const pageSize = 50

// queue answers GET /queues/{id}: its messages and the tasks that move them.
func (c *Console) queue(r *http.Request) (any, error) {
	b := c.plan.get()
	found := b.byID[r.PathValue("id")]
	if found == nil || found.Type != "AWS::SQS::Queue" {
		return nil, errNotFound
	}
	q, err := c.describeQueue(b, found)
	if err != nil {
		return nil, err
	}
	skip := number(r, "skip", 0, 1<<30)
	messages, _, err := c.stack.Messages(q.ID, skip, pageSize)
	if err != nil {
		return nil, err
	}
	var tasks struct{ Results []json.RawMessage }
	if len(q.Sources) > 0 {
		if err := c.inspect("sqs", "ListMessageMoveTasks", object{"SourceArn": q.ARN, "MaxResults": 5}, &tasks); err != nil {
			tasks.Results = nil // a queue that nothing is moved from
		}
	}
	return object{"queue": q, "messages": messages, "skip": skip, "pageSize": pageSize, "tasks": nonNil(tasks.Results)}, nil
}

func (c *Console) queueOf(r *http.Request) (*local.Resource, error) {
	found := c.plan.get().byID[r.PathValue("id")]
	if found == nil || found.Type != "AWS::SQS::Queue" {
		return nil, errNotFound
	}
	return found, nil
}

// redrive answers POST /queues/{id}/redrive: it has the queue's messages moved back to where they failed, or
// to another queue.
func (c *Console) redrive(r *http.Request) (any, error) {
	q, err := c.queueOf(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		To        string
		PerSecond int
	}
	if err := posted(r, &in); err != nil {
		return nil, err
	}
	call := object{"SourceArn": q.ARN}
	if in.To != "" {
		to := c.plan.get().byID[in.To]
		if to == nil {
			return nil, errNotFound
		}
		call["DestinationArn"] = to.ARN
	}
	if in.PerSecond > 0 {
		call["MaxNumberOfMessagesPerSecond"] = in.PerSecond
	}
	out, err := c.stack.Call("sqs", "StartMessageMoveTask", input(call))
	return rawJSON(out), err
}

// purge answers POST /queues/{id}/purge.
func (c *Console) purge(r *http.Request) (any, error) {
	q, err := c.queueOf(r)
	if err != nil {
		return nil, err
	}
	if _, err = c.stack.Call("sqs", "PurgeQueue", input(object{"QueueUrl": q.URL})); err != nil {
		return nil, err
	}
	return object{"purged": q.LogicalID}, nil
}
