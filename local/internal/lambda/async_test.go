package lambda_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

func TestAsynchronous(t *testing.T) {
	const arn = "arn:aws:sqs:eu-central-1:111122223333:"
	var f *fixture
	var at []time.Duration
	var ids []string
	f = newFixture(t, lambda.FunctionProperties{
		Role: "arn:aws:iam::111122223333:role/f", DeadLetterConfig: &lambda.DeadLetterConfig{TargetArn: arn + "dlq"},
	}, func(ctx context.Context, in string) (string, error) {
		at = append(at, f.k.Now().Sub(start))
		lc, _ := lambdacontext.FromContext(ctx)
		ids = append(ids, lc.AwsRequestID)
		if in == "bad" {
			return "", OutOfStock{"x"}
		}
		return "done", nil
	})
	queues := sqs.NewService(f.k, "eu-central-1", "111122223333")
	q := map[string]*sqs.Queue{}
	for _, name := range []string{"dlq", "failed", "succeeded"} {
		var err error
		if q[name], err = queues.CreateQueue(name, sqs.QueueProperties{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.s.ConfigureEventInvoke(lambda.EventInvokeConfigProperties{FunctionName: "f", DestinationConfig: &lambda.DestinationConfig{
		OnFailure: &lambda.Destination{Destination: arn + "failed"}, OnSuccess: &lambda.Destination{Destination: arn + "succeeded"},
	}}); err != nil {
		t.Fatal(err)
	}
	if err := f.s.Check(); err == nil || strings.Count(err.Error(), "does not exist") != 3 {
		t.Errorf("unknown targets: %v", err)
	}
	for _, name := range []string{"dlq", "failed", "succeeded"} {
		f.s.AddTarget(q[name].ARN, q[name])
	}
	if err := f.s.Check(); err != nil {
		t.Error(err)
	}
	receive := func(name string) sqs.Delivery {
		t.Helper()
		got, err := q[name].Receive(sqs.Request{Max: 10, VisibilityTimeout: time.Hour})
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %d messages, %v", name, len(got), err)
		}
		return got[0]
	}

	r := f.invoke(`{"FunctionName":"f","InvocationType":"Event","Payload":"bad"}`)
	f.want(r, `{"StatusCode":202}`)
	if at != nil {
		t.Error("ran inside the call")
	}
	f.k.Advance(time.Hour)
	if diff := cmp.Diff([]time.Duration{0, time.Minute, 3 * time.Minute}, at); diff != "" {
		t.Error(diff)
	}
	if ids[0] != ids[1] || ids[1] != ids[2] {
		t.Errorf("ids differ: %v", ids)
	}
	dead := receive("dlq")
	if dead.Body != `"bad"` {
		t.Errorf("dead letter %s", dead.Body)
	}
	var attrs []string
	for _, a := range dead.Attributes {
		attrs = append(attrs, a.Name+"="+a.DataType+":"+a.StringValue)
	}
	if diff := cmp.Diff([]string{"ErrorCode=Number:200", "ErrorMessage=String:no x", "RequestID=String:" + ids[0]}, attrs); diff != "" {
		t.Error(diff)
	}
	want := `{"version":"1.0","timestamp":"2026-03-01T12:03:00.000Z","requestContext":{"requestId":"` + ids[0] + `","functionArn":"` + f.f.ARN + `:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":3},` +
		`"requestPayload":"bad","responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":{"errorMessage":"no x","errorType":"OutOfStock"}}`
	if got := receive("failed").Body; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	f.invoke(`{"FunctionName":"f","InvocationType":"Event","Payload":"good"}`)
	f.k.Advance(0)
	if got := receive("succeeded").Body; !strings.Contains(got, `"condition":"Success","approximateInvokeCount":1}`) || !strings.HasSuffix(got, `"responsePayload":"done"}`) {
		t.Error(got)
	}
	if _, left := f.k.Next(); left {
		t.Error("an event is left")
	}
}

func TestThrottledEventsAreRetriedUntilTooOld(t *testing.T) {
	f := newFixture(t, lambda.FunctionProperties{ReservedConcurrentExecutions: num(0)}, func() error { return nil })
	if err := f.s.ConfigureEventInvoke(lambda.EventInvokeConfigProperties{FunctionName: "f", MaximumEventAgeInSeconds: num(60)}); err != nil {
		t.Fatal(err)
	}
	f.invoke(`{"FunctionName":"f","InvocationType":"Event"}`)
	f.k.Advance(time.Hour)
	// After 0, 1, 3, 7, 15, 31 seconds; the next would be at 63.
	if s := f.f.Stats(); s.Throttles != 6 || s.Invocations != 0 {
		t.Errorf("%+v", s)
	}
	if _, left := f.k.Next(); left {
		t.Error("an event is left")
	}
}
