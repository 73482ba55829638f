package lambda_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/orderflow-cdk/orderflow/local/internal/lambda"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

// versioned has the versions 1 and 2 and an alias of each, and tells what it was invoked by, and how often its environment was.
func versioned(t *testing.T) *fixture {
	t.Helper()
	f := newFixtureWith(t, lambda.FunctionProperties{}, func(i lambda.Init) (lambda.Handler, error) {
		times := 0
		return handlerFunc(func(ctx context.Context, in []byte) ([]byte, error) {
			times++
			lc, _ := lambdacontext.FromContext(ctx)
			_, qualifier, _ := strings.Cut(lc.InvokedFunctionArn, ":function:f")
			if string(in) == `"fail"` {
				return nil, fmt.Errorf("by %s", qualifier)
			}
			return fmt.Appendf(nil, `"%s version %s, %d"`, qualifier, i.Getenv("AWS_LAMBDA_FUNCTION_VERSION"), times), nil
		}), nil
	})
	for _, want := range []string{"1", "2"} {
		if got, err := f.s.PublishVersion(lambda.VersionProperties{FunctionName: f.f.ARN}); got != want || err != nil {
			t.Fatalf("version %s, %v, want %s", got, err, want)
		}
	}
	for name, version := range map[string]string{"live": "2", "last": "1"} {
		if err := f.s.CreateAlias(lambda.AliasProperties{FunctionName: "f", Name: name, FunctionVersion: version}); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

type handlerFunc func(context.Context, []byte) ([]byte, error)

func (h handlerFunc) Invoke(ctx context.Context, in []byte) ([]byte, error) { return h(ctx, in) }

func TestVersionsAndAliases(t *testing.T) {
	f := versioned(t)
	for _, tt := range []struct{ in, version, answer string }{
		{`"FunctionName":"f"`, "$LATEST", " version $LATEST, 1"},
		{`"FunctionName":"f:live"`, "2", ":live version 2, 1"},
		{`"FunctionName":"` + f.f.ARN + `:live"`, "2", ":live version 2, 2"},
		{`"FunctionName":"f","Qualifier":"live"`, "2", ":live version 2, 3"},
		{`"FunctionName":"f","Qualifier":"2"`, "2", ":2 version 2, 4"}, // the alias's environment is the version's
		{`"FunctionName":"f:last"`, "1", ":last version 1, 1"},
		{`"FunctionName":"f:$LATEST"`, "$LATEST", ":$LATEST version $LATEST, 2"},
	} {
		f.want(f.invoke(`{`+tt.in+`}`), `{"StatusCode":200,"ExecutedVersion":"`+tt.version+`","Payload":"`+tt.answer+`"}`)
	}
	for _, name := range []string{"f:3", "f:0", "f:none", "g:live"} {
		if r := f.invoke(`{"FunctionName":"` + name + `"}`); r.err == nil || !strings.Contains(r.err.Error(), "Function not found") {
			t.Errorf("%s: answer %s, error %v", name, r.body, r.err)
		}
	}
	if got := f.f.Stats().ColdStarts; got != 3 {
		t.Errorf("%d cold starts, want one for each version", got)
	}
	out, err := try(f.s, "GetFunctionConfiguration", map[string]string{"FunctionName": "f:live"})
	if err != nil || out["Version"] != "2" || out["FunctionArn"] != f.f.ARN+":live" {
		t.Errorf("configuration %v, %v", out, err)
	}
}

func TestReadingVersionsAndAliases(t *testing.T) {
	f := versioned(t)
	read := func(action string, in map[string]any, member, want string) {
		t.Helper()
		out, err := try(f.s, action, in)
		if err != nil {
			t.Errorf("%s: %v", action, err)
			return
		}
		var got []string
		items, _ := out[member].([]any)
		for _, item := range items {
			o := item.(map[string]any)
			got = append(got, fmt.Sprintf("%v%v%v", o["Name"], o["FunctionVersion"], o["Version"]))
		}
		if s := strings.ReplaceAll(strings.Join(got, " "), "<nil>", ""); s != want {
			t.Errorf("%s %v: %s, want %s", action, in, s, want)
		}
	}
	read("ListAliases", map[string]any{"FunctionName": "f"}, "Aliases", "last1 live2")
	read("ListAliases", map[string]any{"FunctionName": "f", "FunctionVersion": "2"}, "Aliases", "live2")
	read("ListAliases", map[string]any{"FunctionName": "f", "MaxItems": 1, "Marker": "1"}, "Aliases", "live2")
	read("ListVersionsByFunction", map[string]any{"FunctionName": "f"}, "Versions", "$LATEST 1 2")
	read("ListVersionsByFunction", map[string]any{"FunctionName": "f", "MaxItems": 2}, "Versions", "$LATEST 1")
	out, err := try(f.s, "GetAlias", map[string]any{"FunctionName": "f", "Name": "live"})
	if err != nil || out["FunctionVersion"] != "2" || out["AliasArn"] != f.f.ARN+":live" {
		t.Errorf("GetAlias: %v, %v", out, err)
	}
	if _, err := try(f.s, "GetAlias", map[string]any{"FunctionName": "f", "Name": "none"}); err == nil || !strings.Contains(err.Error(), "Cannot find alias arn") {
		t.Errorf("GetAlias of none: %v", err)
	}
}

func TestAliasesThatCannotBe(t *testing.T) {
	f := versioned(t)
	for _, tt := range []struct {
		p    lambda.AliasProperties
		want string
	}{
		{lambda.AliasProperties{FunctionName: "f", Name: "live", FunctionVersion: "1"}, "it exists already"},
		{lambda.AliasProperties{FunctionName: "f", Name: "new", FunctionVersion: "3"}, `there is no version "3"`},
		{lambda.AliasProperties{FunctionName: "f", Name: "new", FunctionVersion: "last"}, `there is no version "last"`},
		{lambda.AliasProperties{FunctionName: "f", Name: "7", FunctionVersion: "1"}, "not a number"},
		{lambda.AliasProperties{FunctionName: "f", Name: "a b", FunctionVersion: "1"}, "letters, digits"},
		{lambda.AliasProperties{FunctionName: "f:live", Name: "new", FunctionVersion: "1"}, "not one of its versions or aliases"},
		{lambda.AliasProperties{FunctionName: "g", Name: "new", FunctionVersion: "1"}, "Function not found"},
	} {
		if err := f.s.CreateAlias(tt.p); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: error %v, want %q", tt.p, err, tt.want)
		}
	}
}

// What is configured for an alias's asynchronous invocations is not for the function's own, and the other way round.
func TestAsynchronousInvocationsOfAnAlias(t *testing.T) {
	f := versioned(t)
	queues := sqs.NewService(f.k, "eu-central-1", "111122223333")
	failed, err := queues.CreateQueue("failed", sqs.QueueProperties{})
	if err != nil {
		t.Fatal(err)
	}
	f.s.AddTarget(failed.ARN, failed)
	none := num(0)
	if err := f.s.ConfigureEventInvoke(lambda.EventInvokeConfigProperties{FunctionName: "f", Qualifier: "live", MaximumRetryAttempts: none,
		DestinationConfig: &lambda.DestinationConfig{OnFailure: &lambda.Destination{Destination: failed.ARN}}}); err != nil {
		t.Fatal(err)
	}
	if err := f.s.Check(); err != nil {
		t.Fatal(err)
	}
	f.invoke(`{"FunctionName":"f","Qualifier":"live","InvocationType":"Event","Payload":"fail"}`)
	f.invoke(`{"FunctionName":"f","InvocationType":"Event","Payload":"fail"}`)
	f.k.Advance(time.Hour)
	if got := f.f.Stats().Invocations; got != 1+3 {
		t.Errorf("%d invocations, want 1 of the alias and 3 of the function", got)
	}
	out, err := try(queues, "ReceiveMessage", map[string]any{"QueueUrl": failed.URL, "MaxNumberOfMessages": 10})
	if err != nil {
		t.Fatal(err)
	}
	messages, _ := out["Messages"].([]any)
	if len(messages) != 1 {
		t.Fatalf("%d records, want that of the alias alone: %v", len(messages), messages)
	}
	body := messages[0].(map[string]any)["Body"].(string)
	for _, part := range []string{f.f.ARN + ":live", `"executedVersion":"2"`} {
		if !strings.Contains(body, part) {
			t.Errorf("the record %s has no %s", body, part)
		}
	}
}
