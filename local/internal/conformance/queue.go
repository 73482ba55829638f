package conformance

import (
	"crypto/md5" //nolint:gosec // SQS's own
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// TestQueue is SQS with standard queues: Jobs, whose messages go to Dead when they are received for
// the third time.
func TestQueue(t *testing.T, f Features, open func(testing.TB) World) {
	run(t, f, open, []check{
		{"send and receive", queueSendAndReceive},
		{"attributes of messages", queueAttributesOfMessages},
		{"visibility", queueVisibility},
		{"change of visibility", queueChangeOfVisibility},
		{"delay", queueDelay},
		{"batches", queueBatches},
		{"a batch with a bad entry", queueBadEntry},
		{"batches refused", queueBatchesRefused},
		{"dead letters", queueDeadLetters},
		{"where dead letters come from", queueDeadLetterSource},
		{"redrive", queueRedrive},
		{"counts", queueCounts},
		{"deletion", queueDeletion},
		{"purge", queuePurge},
		{"empty messages refused", queueEmptyRefused},
		{"characters refused", queueCharactersRefused},
		{"sizes refused", queueSizesRefused},
		{"attributes refused", queueAttributesRefused},
		{"no such queue", queueNone},
		{"names", queueNames},
	})
}

func (c *C) sqs() *sqs.Client { return sqs.NewFromConfig(c.Config) }

func (c *C) send(queue, body string) *sqs.SendMessageOutput {
	return must(c.sqs().SendMessage(c.ctx, &sqs.SendMessageInput{QueueUrl: aws.String(c.Names[queue]), MessageBody: &body}))
}

// receive receives up to ten messages.
func (c *C) receive(queue string) []types.Message {
	return must(c.sqs().ReceiveMessage(c.ctx, &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(c.Names[queue]), MaxNumberOfMessages: 10,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll}, MessageAttributeNames: []string{"All"},
	})).Messages
}

// one is the only message of a queue.
func (c *C) one(queue string) types.Message {
	all := c.receive(queue)
	if len(all) != 1 {
		panic(refusedCall{fmt.Errorf("%s has %d messages, want one", queue, len(all))})
	}
	return all[0]
}

func (c *C) delete(queue string, m types.Message) {
	must(c.sqs().DeleteMessage(c.ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String(c.Names[queue]), ReceiptHandle: m.ReceiptHandle}))
}

func (c *C) hide(queue string, m types.Message, seconds int32) {
	must(c.sqs().ChangeMessageVisibility(c.ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: aws.String(c.Names[queue]), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds}))
}

func (c *C) attribute(queue string, name types.QueueAttributeName) string {
	return must(c.sqs().GetQueueAttributes(c.ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(c.Names[queue]), AttributeNames: []types.QueueAttributeName{name},
	})).Attributes[string(name)]
}

func bodies(messages []types.Message) string {
	var all []string
	for _, m := range messages {
		all = append(all, *m.Body)
	}
	return strings.Join(all, " ")
}

func digest(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // SQS's own
	return hex.EncodeToString(sum[:])
}

func queueSendAndReceive(c *C) {
	const body = "héllo <&> \"wörld\" 🐳\n\ttab"
	sent := c.send("Jobs", body)
	m := c.one("Jobs")
	equal(c, "the body", *m.Body, body)
	equal(c, "its digest", aws.ToString(m.MD5OfBody), digest(body))
	equal(c, "the digest of what was sent", aws.ToString(sent.MD5OfMessageBody), digest(body))
	equal(c, "the message's id", aws.ToString(m.MessageId), aws.ToString(sent.MessageId))
	equal(c, "how often it was received", m.Attributes["ApproximateReceiveCount"], "1")
	for _, name := range []string{"SentTimestamp", "ApproximateFirstReceiveTimestamp", "SenderId"} {
		if m.Attributes[name] == "" {
			c.Errorf("there is no %s", name)
		}
	}
	c.delete("Jobs", m)
}

// The digest of attributes is checked by the SDK for what it receives, if it is there.
func queueAttributesOfMessages(c *C) {
	sent := must(c.sqs().SendMessage(c.ctx, &sqs.SendMessageInput{
		QueueUrl: aws.String(c.Names["Jobs"]), MessageBody: aws.String("x"), MessageAttributes: map[string]types.MessageAttributeValue{
			"tenant": {DataType: aws.String("String"), StringValue: aws.String("acme")},
			"count":  {DataType: aws.String("Number.int"), StringValue: aws.String("42")},
			"raw":    {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 255}},
		},
	}))
	m := c.one("Jobs")
	equal(c, "tenant", aws.ToString(m.MessageAttributes["tenant"].StringValue), "acme")
	equal(c, "the type of count", aws.ToString(m.MessageAttributes["count"].DataType), "Number.int")
	equal(c, "raw", string(m.MessageAttributes["raw"].BinaryValue), "\x00\x01\xff")
	if digest := aws.ToString(sent.MD5OfMessageAttributes); len(digest) != 32 || digest != aws.ToString(m.MD5OfMessageAttributes) {
		c.Errorf("digests of the attributes: %s sent, %s received", digest, aws.ToString(m.MD5OfMessageAttributes))
	}
	some := must(c.sqs().ReceiveMessage(c.ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(c.Names["Jobs"])}))
	equal(c, "what is visible of one that is hidden", len(some.Messages), 0)
	c.hide("Jobs", m, 0)
	named := must(c.sqs().ReceiveMessage(c.ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(c.Names["Jobs"]), MessageAttributeNames: []string{"tenant"}}))
	if len(named.Messages) != 1 || len(named.Messages[0].MessageAttributes) != 1 || len(named.Messages[0].Attributes) != 0 {
		c.Errorf("asked for one attribute: %+v", named.Messages)
	}
}

func queueVisibility(c *C) {
	c.send("Jobs", "a")
	first := must(c.sqs().ReceiveMessage(c.ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(c.Names["Jobs"]), VisibilityTimeout: 1})).Messages
	equal(c, "received", bodies(first), "a")
	equal(c, "received again at once", bodies(c.receive("Jobs")), "")
	c.Sleep(1100 * time.Millisecond)
	again := c.one("Jobs")
	equal(c, "how often it was received", again.Attributes["ApproximateReceiveCount"], "2")
	if aws.ToString(again.ReceiptHandle) == aws.ToString(first[0].ReceiptHandle) {
		c.Errorf("the receipt handle is the same")
	}
	equal(c, "when it was received first", again.Attributes["ApproximateFirstReceiveTimestamp"] >= again.Attributes["SentTimestamp"], true)
}

func queueChangeOfVisibility(c *C) {
	c.send("Jobs", "a")
	m := c.one("Jobs")
	c.hide("Jobs", m, 0)
	m = c.one("Jobs")
	c.hide("Jobs", m, 1)
	equal(c, "received at once", len(c.receive("Jobs")), 0)
	c.delete("Jobs", m)
	_, err := c.sqs().ChangeMessageVisibility(c.ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: aws.String(c.Names["Jobs"]), ReceiptHandle: aws.String("none"), VisibilityTimeout: 1})
	refused(c, err, "ReceiptHandleIsInvalid")
}

func queueDelay(c *C) {
	must(c.sqs().SendMessage(c.ctx, &sqs.SendMessageInput{QueueUrl: aws.String(c.Names["Jobs"]), MessageBody: aws.String("late"), DelaySeconds: 1}))
	equal(c, "received at once", len(c.receive("Jobs")), 0)
	equal(c, "delayed", c.attribute("Jobs", "ApproximateNumberOfMessagesDelayed"), "1")
	c.Sleep(1100 * time.Millisecond)
	equal(c, "received after the delay", bodies(c.receive("Jobs")), "late")
	_, err := c.sqs().SendMessage(c.ctx, &sqs.SendMessageInput{QueueUrl: aws.String(c.Names["Jobs"]), MessageBody: aws.String("later"), DelaySeconds: 901})
	refused(c, err, "InvalidParameterValue")
}

func entries(n int) []types.SendMessageBatchRequestEntry {
	var all []types.SendMessageBatchRequestEntry
	for i := range n {
		all = append(all, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint("m", i)), MessageBody: aws.String(fmt.Sprint("body", i))})
	}
	return all
}

func queueBatches(c *C) {
	sent := must(c.sqs().SendMessageBatch(c.ctx, &sqs.SendMessageBatchInput{QueueUrl: aws.String(c.Names["Jobs"]), Entries: entries(2)}))
	equal(c, "sent", len(sent.Successful), 2)
	got := c.receive("Jobs")
	equal(c, "received", len(got), 2)
	var hide []types.ChangeMessageVisibilityBatchRequestEntry
	var remove []types.DeleteMessageBatchRequestEntry
	for i, m := range got {
		id := aws.String(fmt.Sprint("m", i))
		hide = append(hide, types.ChangeMessageVisibilityBatchRequestEntry{Id: id, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 600})
		remove = append(remove, types.DeleteMessageBatchRequestEntry{Id: id, ReceiptHandle: m.ReceiptHandle})
	}
	hidden := must(c.sqs().ChangeMessageVisibilityBatch(c.ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(c.Names["Jobs"]), Entries: hide}))
	equal(c, "hidden", len(hidden.Successful), 2)
	remove = append(remove, types.DeleteMessageBatchRequestEntry{Id: aws.String("none"), ReceiptHandle: aws.String("none")})
	removed := must(c.sqs().DeleteMessageBatch(c.ctx, &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(c.Names["Jobs"]), Entries: remove}))
	if len(removed.Successful) != 2 || len(removed.Failed) != 1 || aws.ToString(removed.Failed[0].Code) != "ReceiptHandleIsInvalid" {
		c.Errorf("removed %d, failed %+v", len(removed.Successful), removed.Failed)
	}
}

func queueBadEntry(c *C) {
	batch := entries(3)
	batch[1].DelaySeconds = 901
	sent := must(c.sqs().SendMessageBatch(c.ctx, &sqs.SendMessageBatchInput{QueueUrl: aws.String(c.Names["Jobs"]), Entries: batch}))
	if len(sent.Successful) != 2 || len(sent.Failed) != 1 || aws.ToString(sent.Failed[0].Id) != "m1" || !sent.Failed[0].SenderFault {
		c.Errorf("sent %d, failed %+v", len(sent.Successful), sent.Failed)
	}
	equal(c, "received", len(c.receive("Jobs")), 2)
}

func queueBatchesRefused(c *C) {
	send := func(e []types.SendMessageBatchRequestEntry) error {
		_, err := c.sqs().SendMessageBatch(c.ctx, &sqs.SendMessageBatchInput{QueueUrl: aws.String(c.Names["Jobs"]), Entries: e})
		return err
	}
	refused(c, send([]types.SendMessageBatchRequestEntry{}), "AWS.SimpleQueueService.EmptyBatchRequest", "EmptyBatchRequest")
	refused(c, send(entries(11)), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "TooManyEntriesInBatchRequest")
	twice := entries(2)
	twice[1].Id = twice[0].Id
	refused(c, send(twice), "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "BatchEntryIdsNotDistinct")
	bad := entries(1)
	bad[0].Id = aws.String("not an id")
	refused(c, send(bad), "AWS.SimpleQueueService.InvalidBatchEntryId", "InvalidBatchEntryId")
}

// kill has a message of Jobs become a dead letter.
func kill(c *C, body string) {
	c.send("Jobs", body)
	for range 2 {
		c.hide("Jobs", c.one("Jobs"), 0)
	}
	equal(c, "received for the third time", bodies(c.receive("Jobs")), "")
}

func queueDeadLetters(c *C) {
	kill(c, "poison")
	m := c.one("Dead")
	equal(c, "the dead letter", *m.Body, "poison")
	sources := must(c.sqs().ListDeadLetterSourceQueues(c.ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: aws.String(c.Names["Dead"])}))
	equal(c, "its sources", strings.Join(sources.QueueUrls, " "), c.Names["Jobs"])
}

func queueDeadLetterSource(c *C) {
	kill(c, "poison")
	equal(c, "where it comes from", c.one("Dead").Attributes["DeadLetterQueueSourceArn"], c.Names["JobsArn"])
}

func queueRedrive(c *C) {
	kill(c, "poison")
	task := must(c.sqs().StartMessageMoveTask(c.ctx, &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(c.Names["DeadArn"])}))
	if aws.ToString(task.TaskHandle) == "" {
		c.Errorf("there is no task handle")
	}
	var again []types.Message
	if !c.eventually(5*time.Second, func() bool { again = c.receive("Jobs"); return len(again) > 0 }) {
		c.Errorf("nothing comes back")
		return
	}
	equal(c, "moved back", bodies(again), "poison")
	equal(c, "how often it was received", again[0].Attributes["ApproximateReceiveCount"], "1")
	tasks := must(c.sqs().ListMessageMoveTasks(c.ctx, &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(c.Names["DeadArn"])})).Results
	if len(tasks) != 1 || aws.ToString(tasks[0].Status) != "COMPLETED" || tasks[0].ApproximateNumberOfMessagesMoved != 1 {
		c.Errorf("tasks: %+v", tasks)
	}
	_, err := c.sqs().StartMessageMoveTask(c.ctx, &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(c.Names["JobsArn"])})
	refused(c, err, "InvalidParameterValue")
}

func queueCounts(c *C) {
	for i := range 3 {
		c.send("Jobs", fmt.Sprint(i))
	}
	must(c.sqs().ReceiveMessage(c.ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(c.Names["Jobs"]), MaxNumberOfMessages: 1}))
	equal(c, "visible", c.attribute("Jobs", "ApproximateNumberOfMessages"), "2")
	equal(c, "in flight", c.attribute("Jobs", "ApproximateNumberOfMessagesNotVisible"), "1")
	equal(c, "the ARN", c.attribute("Jobs", "QueueArn"), c.Names["JobsArn"])
	equal(c, "the timeout", c.attribute("Jobs", "VisibilityTimeout"), "30")
	all := must(c.sqs().GetQueueAttributes(c.ctx, &sqs.GetQueueAttributesInput{QueueUrl: aws.String(c.Names["Jobs"]), AttributeNames: []types.QueueAttributeName{"All"}})).Attributes
	for _, name := range []string{"CreatedTimestamp", "LastModifiedTimestamp", "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "DelaySeconds", "RedrivePolicy"} {
		if all[name] == "" {
			c.Errorf("All has no %s", name)
		}
	}
	_, err := c.sqs().GetQueueAttributes(c.ctx, &sqs.GetQueueAttributesInput{QueueUrl: aws.String(c.Names["Jobs"]), AttributeNames: []types.QueueAttributeName{"Colour"}})
	refused(c, err, "InvalidAttributeName")
}

func queueDeletion(c *C) {
	c.send("Jobs", "a")
	m := c.one("Jobs")
	c.delete("Jobs", m)
	c.delete("Jobs", m) // is no error
	equal(c, "left", c.attribute("Jobs", "ApproximateNumberOfMessagesNotVisible"), "0")
	_, err := c.sqs().DeleteMessage(c.ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String(c.Names["Jobs"]), ReceiptHandle: aws.String("none")})
	refused(c, err, "ReceiptHandleIsInvalid")
}

func queuePurge(c *C) {
	c.send("Jobs", "a")
	c.send("Jobs", "b")
	must(c.sqs().PurgeQueue(c.ctx, &sqs.PurgeQueueInput{QueueUrl: aws.String(c.Names["Jobs"])}))
	c.Sleep(time.Second)
	equal(c, "left", len(c.receive("Jobs")), 0)
}

func (c *C) trySend(body string, attributes map[string]types.MessageAttributeValue) error {
	_, err := c.sqs().SendMessage(c.ctx, &sqs.SendMessageInput{QueueUrl: aws.String(c.Names["Jobs"]), MessageBody: &body, MessageAttributes: attributes})
	return err
}

func queueEmptyRefused(c *C) {
	refused(c, c.trySend("", nil), "MissingParameter", "InvalidParameterValue")
}

// "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"
func queueCharactersRefused(c *C) {
	for _, body := range []string{"\uffff", "\x00", "a\x1fb"} {
		refused(c, c.trySend(body, nil), "InvalidMessageContents")
	}
}

func queueSizesRefused(c *C) {
	refused(c, c.trySend(strings.Repeat("x", 1<<20+1), nil), "InvalidParameterValue")
	_, err := c.sqs().ReceiveMessage(c.ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(c.Names["Jobs"]), MaxNumberOfMessages: 11})
	refused(c, err, "InvalidParameterValue")
}

func queueAttributesRefused(c *C) {
	for _, bad := range []types.MessageAttributeValue{
		{DataType: aws.String("Colour"), StringValue: aws.String("red")}, {DataType: aws.String("Number"), StringValue: aws.String("many")},
		{DataType: aws.String("String"), StringValue: aws.String("")},
	} {
		refused(c, c.trySend("x", map[string]types.MessageAttributeValue{"a": bad}), "InvalidParameterValue")
	}
}

func queueNone(c *C) {
	none := aws.String(c.Names["Jobs"] + "-not")
	_, err := c.sqs().SendMessage(c.ctx, &sqs.SendMessageInput{QueueUrl: none, MessageBody: aws.String("x")})
	refused(c, err, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
	_, err = c.sqs().GetQueueUrl(c.ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("none")})
	refused(c, err, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
}

func queueNames(c *C) {
	name := c.Names["Jobs"][strings.LastIndexByte(c.Names["Jobs"], '/')+1:]
	equal(c, "the URL", aws.ToString(must(c.sqs().GetQueueUrl(c.ctx, &sqs.GetQueueUrlInput{QueueName: &name})).QueueUrl), c.Names["Jobs"])
	listed := must(c.sqs().ListQueues(c.ctx, &sqs.ListQueuesInput{QueueNamePrefix: &name})).QueueUrls
	equal(c, "queues of that prefix", strings.Join(listed, " "), c.Names["Jobs"])
}
