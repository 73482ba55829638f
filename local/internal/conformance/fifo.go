package conformance

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// TestFIFOQueue is SQS with FIFO queues: Ordered, and Hashed, which deduplicates by content.
func TestFIFOQueue(t *testing.T, f Features, open func(testing.TB) World) {
	run(t, f, open, []check{
		{"order", fifoOrder},
		{"sequence numbers", fifoSequence},
		{"a group waits for its first", fifoGroupWaits},
		{"deduplication by id", fifoDeduplication},
		{"what a duplicate is answered", fifoDuplicate},
		{"deduplication after the first was deleted", fifoDeleted},
		{"deduplication by content", fifoContent},
		{"messages refused", fifoRefused},
		{"group ids refused", fifoGroupRefused},
	})
}

func (c *C) sendTo(queue, group, id, body string) (*sqs.SendMessageOutput, error) {
	in := &sqs.SendMessageInput{QueueUrl: aws.String(c.Names[queue]), MessageBody: &body}
	if group != "" {
		in.MessageGroupId = &group
	}
	if id != "" {
		in.MessageDeduplicationId = &id
	}
	return c.sqs().SendMessage(c.ctx, in)
}

func fifoOrder(c *C) {
	for _, id := range []string{"1", "2", "3"} {
		must(c.sendTo("Ordered", "g", id, id))
	}
	got := c.receive("Ordered")
	equal(c, "the order", bodies(got), "1 2 3")
	if len(got) > 0 {
		equal(c, "the group", got[0].Attributes["MessageGroupId"], "g")
		equal(c, "the id", got[0].Attributes["MessageDeduplicationId"], "1")
	}
}

func fifoSequence(c *C) {
	var last string
	for i := range 15 { // random numbers would not rise for long
		id := fmt.Sprint(i)
		n := aws.ToString(must(c.sendTo("Ordered", "g", id, id)).SequenceNumber)
		if len(n) != 20 || n <= last {
			c.Errorf("sequence number %s after %s, want 20 digits that rise", n, last)
		}
		last = n
	}
}

func fifoGroupWaits(c *C) {
	for _, m := range []struct{ group, body string }{{"a", "a1"}, {"a", "a2"}, {"b", "b1"}} {
		must(c.sendTo("Ordered", m.group, m.body, m.body))
	}
	first := must(c.sqs().ReceiveMessage(c.ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(c.Names["Ordered"]), MaxNumberOfMessages: 1})).Messages
	equal(c, "first", bodies(first), "a1")
	equal(c, "while it is in flight", bodies(c.receive("Ordered")), "b1")
	c.delete("Ordered", first[0])
	equal(c, "afterwards", bodies(c.receive("Ordered")), "a2")
}

func fifoDeduplication(c *C) {
	must(c.sendTo("Ordered", "g", "id", "one"))
	must(c.sendTo("Ordered", "g", "id", "two"))
	equal(c, "what is there", *c.one("Ordered").Body, "one")
}

func fifoDuplicate(c *C) {
	one := must(c.sendTo("Ordered", "g", "id", "one"))
	two := must(c.sendTo("Ordered", "g", "id", "two"))
	equal(c, "the id of the second", aws.ToString(two.MessageId), aws.ToString(one.MessageId))
	equal(c, "its sequence number", aws.ToString(two.SequenceNumber), aws.ToString(one.SequenceNumber))
}

func fifoDeleted(c *C) {
	must(c.sendTo("Ordered", "g", "id", "one"))
	c.delete("Ordered", c.one("Ordered"))
	must(c.sendTo("Ordered", "g", "id", "three"))
	c.Sleep(time.Second)
	equal(c, "the same id again, after the first was deleted", len(c.receive("Ordered")), 0)
}

func fifoContent(c *C) {
	must(c.sendTo("Hashed", "g", "", "same"))
	must(c.sendTo("Hashed", "g", "", "same"))
	must(c.sendTo("Hashed", "g", "", "other"))
	must(c.sendTo("Hashed", "g", "own", "same"))
	equal(c, "what is there", bodies(c.receive("Hashed")), "same other same")
}

func fifoRefused(c *C) {
	_, err := c.sendTo("Ordered", "", "id", "x")
	refused(c, err, "MissingParameter")
	_, err = c.sendTo("Ordered", "g", "", "x")
	refused(c, err, "InvalidParameterValue")
	_, err = c.sqs().SendMessage(c.ctx, &sqs.SendMessageInput{
		QueueUrl: aws.String(c.Names["Ordered"]), MessageBody: aws.String("x"), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("d"), DelaySeconds: 5,
	})
	refused(c, err, "InvalidParameterValue")
}

func fifoGroupRefused(c *C) {
	_, err := c.sendTo("Ordered", "not a group", "id", "x")
	refused(c, err, "InvalidParameterValue")
}
