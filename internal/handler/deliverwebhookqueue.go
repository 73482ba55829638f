package handler

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// Limits of SQS (API reference, SendMessageBatch, SendMessage, ChangeMessageVisibility).
const (
	batchEntries = 10
	// batchBytes is how much one batch holds here; SQS allows 1 MiB.
	batchBytes = 256 << 10
	// attributesPerMessage is how many a message can have.
	attributesPerMessage = 10
	// longestInvisible is how long a message can be made invisible: 12 hours from when it was
	// received, which was at most a quarter of an hour ago, as long as a function can run.
	longestInvisible = 12*time.Hour - 15*time.Minute
)

// send sends messages in as few calls as possible, all at the same time, and returns for
// each message its error.
func (h *deliverWebhook) send(ctx context.Context, queue string, entries []sqstypes.SendMessageBatchRequestEntry) []error {
	var ends []int // of the batches
	for begin := 0; begin < len(entries); {
		end, size := begin, 0
		for end < len(entries) && end-begin < batchEntries {
			size += messageSize(entries[end])
			if end > begin && size > batchBytes {
				break
			}
			entries[end].Id = index(end)
			end++
		}
		ends = append(ends, end)
		begin = end
	}
	errs := make([]error, len(entries))
	h.env.Parallel(ctx, len(ends), func(ctx context.Context, n int) {
		begin, end := 0, ends[n]
		if n > 0 {
			begin = ends[n-1]
		}
		out, err := h.queues.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &queue, Entries: entries[begin:end]})
		if err != nil {
			for i := begin; i < end; i++ {
				errs[i] = err
			}
			return
		}
		for _, f := range out.Failed {
			if i, err := strconv.Atoi(aws.ToString(f.Id)); err == nil && i >= begin && i < end {
				errs[i] = entryError(f)
			}
		}
	})
	return errs
}

func entryError(f sqstypes.BatchResultErrorEntry) error {
	return &smithy.OperationError{ServiceID: sqs.ServiceID, OperationName: "SendMessageBatch", Err: &smithy.GenericAPIError{
		Code: aws.ToString(f.Code), Message: aws.ToString(f.Message),
	}}
}

func messageSize(e sqstypes.SendMessageBatchRequestEntry) int {
	n := len(*e.MessageBody)
	for name, a := range e.MessageAttributes {
		n += len(name) + len(aws.ToString(a.DataType)) + len(aws.ToString(a.StringValue)) + len(a.BinaryValue)
	}
	return n
}

// bury sends what was given up to the dead-letter queue, with the body and the
// attributes that it has, so that it can simply be moved back, and the reason. What could
// not be sent there stays where it is.
func (h *deliverWebhook) bury(ctx context.Context, jobs []*job) {
	var entries []sqstypes.SendMessageBatchRequestEntry
	var of []*job
	for _, j := range jobs {
		if j.what != buried {
			continue
		}
		e := sqstypes.SendMessageBatchRequestEntry{MessageBody: &j.Body, MessageAttributes: attributes(j.SQSMessage)}
		if _, again := e.MessageAttributes[WebhookReason]; again || len(e.MessageAttributes) < attributesPerMessage {
			e.MessageAttributes[WebhookReason] = stringValue(cmp.Or(j.reason, "unknown"))
		}
		if group := j.Attributes["MessageGroupId"]; group != "" {
			e.MessageGroupId = &group
		}
		entries, of = append(entries, e), append(of, j)
	}
	for i, err := range h.send(ctx, h.dead, entries) {
		if err != nil {
			of[i].what, of[i].cause = delayed, err // until the queue's visibility timeout is over
		}
	}
}

// attributes copies a message's attributes into the form in which they are sent.
func attributes(m *events.SQSMessage) map[string]sqstypes.MessageAttributeValue {
	all := make(map[string]sqstypes.MessageAttributeValue, len(m.MessageAttributes)+1)
	for name, a := range m.MessageAttributes {
		v := sqstypes.MessageAttributeValue{DataType: aws.String(a.DataType)}
		if a.StringValue != nil {
			v.StringValue = a.StringValue
		} else {
			v.BinaryValue = a.BinaryValue
		}
		all[name] = v
	}
	return all
}

// postpone makes what waits visible when it is due. If that fails, be it because the
// receipt has expired and the message is another invocation's by now, it comes when the
// visibility timeout says, and is judged anew.
func (h *deliverWebhook) postpone(ctx context.Context, jobs []*job) {
	var entries []sqstypes.ChangeMessageVisibilityBatchRequestEntry
	for i, j := range jobs {
		if j.what.waits() && !j.dueAt.IsZero() {
			entries = append(entries, sqstypes.ChangeMessageVisibilityBatchRequestEntry{
				Id: index(i), ReceiptHandle: &j.ReceiptHandle, VisibilityTimeout: invisible(j.dueAt.Sub(h.env.Now())),
			})
		}
	}
	for len(entries) > 0 {
		n := min(len(entries), batchEntries)
		out, err := h.queues.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &h.queue, Entries: entries[:n]})
		entries = entries[n:]
		if err != nil {
			h.log.LogAttrs(ctx, slog.LevelWarn, "visibility not changed", slog.String("requestId", requestID(ctx)), slog.String("cause", err.Error()))
			continue
		}
		for _, f := range out.Failed {
			var id string
			if i, err := strconv.Atoi(aws.ToString(f.Id)); err == nil && i >= 0 && i < len(jobs) {
				id = jobs[i].MessageId
			}
			h.log.LogAttrs(ctx, slog.LevelWarn, "visibility not changed", slog.String("requestId", requestID(ctx)),
				slog.String("messageId", id), slog.String("cause", aws.ToString(f.Code)+": "+aws.ToString(f.Message)))
		}
	}
}

// invisible is a visibility timeout in seconds, rounded up: never too early.
func invisible(d time.Duration) int32 {
	d = min(max(d, 0), longestInvisible)
	return int32((d + time.Second - 1) / time.Second)
}
