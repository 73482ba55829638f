package conformance

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// TestFunction is Lambda with a function, Echo, that returns its event; if that has "fail" in it, it fails
// with an error, and with "sleep" it does not end within its timeout of 5 seconds. The state machine Caller
// invokes it and repeats once what fails.
func TestFunction(t *testing.T, f Features, open func(testing.TB) World) {
	run(t, f, open, []check{
		{"answer", functionAnswer},
		{"error", functionError},
		{"timeout", functionTimeout},
		{"asynchronous", functionAsynchronous},
		{"dry run", functionDryRun},
		{"by a state machine", functionByMachine},
		{"requests refused", functionRefused},
	})
}

func (c *C) invoke(function, payload string, kind types.InvocationType) (*lambda.InvokeOutput, error) {
	return lambda.NewFromConfig(c.Config).Invoke(c.ctx, &lambda.InvokeInput{FunctionName: &function, Payload: []byte(payload), InvocationType: kind})
}

func functionAnswer(c *C) {
	for _, name := range []string{c.Names["Echo"], c.Names["EchoArn"]} {
		out := must(c.invoke(name, `{"a": "ü<&>"}`, ""))
		equal(c, "the status", out.StatusCode, int32(200))
		same(c, "the answer", string(out.Payload), `{"a": "ü<&>"}`)
		equal(c, "the error", aws.ToString(out.FunctionError), "")
		equal(c, "the version", aws.ToString(out.ExecutedVersion), "$LATEST")
	}
}

func functionError(c *C) {
	out := must(c.invoke(c.Names["Echo"], `"fail"`, types.InvocationTypeRequestResponse))
	equal(c, "the status", out.StatusCode, int32(200))
	equal(c, "the error", aws.ToString(out.FunctionError), "Unhandled")
	if !strings.Contains(string(out.Payload), `"errorMessage":"as asked"`) || !strings.Contains(string(out.Payload), `"errorType"`) {
		c.Errorf("the answer is %s", out.Payload)
	}
}

func functionTimeout(c *C) {
	out := must(c.invoke(c.Names["Echo"], `"sleep"`, types.InvocationTypeRequestResponse))
	equal(c, "the error", aws.ToString(out.FunctionError), "Unhandled")
	if !strings.Contains(string(out.Payload), "Task timed out after 5.00 seconds") {
		c.Errorf("the answer is %s", out.Payload)
	}
}

func functionAsynchronous(c *C) {
	out := must(c.invoke(c.Names["Echo"], `{}`, types.InvocationTypeEvent))
	equal(c, "the status", out.StatusCode, int32(202))
	equal(c, "the answer", string(out.Payload), "")
	c.Sleep(time.Second)
}

func functionDryRun(c *C) {
	out := must(c.invoke(c.Names["Echo"], `{}`, types.InvocationTypeDryRun))
	equal(c, "the status", out.StatusCode, int32(204))
}

func functionByMachine(c *C) {
	out := c.end(must(c.startExecution("Caller", "", `{"a": 1}`)))
	equal(c, "the status", out.Status, sfntypes.ExecutionStatusSucceeded)
	same(c, "the output", aws.ToString(out.Output), `{"a": 1}`)
	out = c.end(must(c.startExecution("Caller", "", `"fail"`)))
	equal(c, "the status", out.Status, sfntypes.ExecutionStatusFailed)
	equal(c, "the cause", strings.Contains(aws.ToString(out.Cause), "as asked"), true)
}

func functionRefused(c *C) {
	_, err := c.invoke(c.Names["Echo"]+"Not", `{}`, "")
	refused(c, err, "ResourceNotFoundException")
	_, err = c.invoke(c.Names["Echo"], `{"a"`, "")
	refused(c, err, "InvalidRequestContentException")
}
