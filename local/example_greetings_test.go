package local_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/orderflow-cdk/orderflow/local"
)

// greet is the code of a Lambda function: it counts how often each name of a batch was greeted.
func greet(r local.Runtime) (local.Handler, error) {
	table := dynamodb.NewFromConfig(r.AWS)
	return lambda.NewHandler(func(ctx context.Context, batch events.SQSEvent) error {
		for _, m := range batch.Records {
			if m.Body == "" {
				return errors.New("nobody to greet")
			}
			_, err := table.UpdateItem(ctx, &dynamodb.UpdateItemInput{
				TableName:                 aws.String(r.Getenv("TABLE")),
				Key:                       map[string]types.AttributeValue{"name": &types.AttributeValueMemberS{Value: m.Body}},
				UpdateExpression:          aws.String("ADD times :one"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}},
			})
			if err != nil {
				return err
			}
			fmt.Fprintln(r.Log, "hello,", m.Body)
		}
		return nil
	}), nil
}

// greetings is a stack with a gateway, a queue, the function, a table and a GraphQL API.
func greetings(o local.Options) *local.Stack {
	template, err := local.ReadTemplate("testdata", "greetings") // or cdk.out
	if err != nil {
		log.Fatal(err)
	}
	o.Functions = map[string]local.NewFunction{"greet": greet} // by the Handler property
	stack, err := local.New(template, o)
	if err != nil {
		log.Fatal(err)
	}
	return stack
}

// post sends a request, as any HTTP client would where the stack is served.
func post(stack *local.Stack, path, body string, headers ...string) string {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	stack.ServeHTTP(w, r)
	return strings.TrimSpace(fmt.Sprintln(w.Code, w.Body))
}

// A template of a cloud assembly, with the code of its function, and a request.
func ExampleNew() {
	stack := greetings(local.Options{})
	defer stack.Close()

	fmt.Println(post(stack, "/greetings", `{"name": "Ada"}`))
	fmt.Println("idle:", stack.RunUntilIdle(time.Hour))
	fmt.Println("it took", stack.Now().Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
	// Output:
	// 202 {"accepted":true}
	// idle: true
	// it took 12ms
}

// Everything that happens, as it happens.
func ExampleStack_Observe() {
	stack := greetings(local.Options{})
	defer stack.Close()
	stop := stack.Observe(func(e local.Event) {
		if e.Kind != local.EventLog {
			fmt.Println(e.Kind, e.From, e.To, e.Action, e.Duration)
		}
	})
	post(stack, "/greetings", `{"name": "Ada"}`)
	stack.RunUntilIdle(time.Hour)
	stop()
	// Output:
	// call ApiRole Greetings sqs:SendMessage 8ms
	// request  gateway POST /greetings 8ms
	// call GreetRole Greeted dynamodb:UpdateItem 4ms
	// invocation  Greet Invoke 4ms
}

// A table that is throttled for as long as it takes: the SDK's retries, then the queue's, are over in a
// moment. What was given up is in the dead-letter queue.
func ExampleStack_SetFaults() {
	stack := greetings(local.Options{})
	defer stack.Close()
	if err := stack.SetFaults(local.Fault{Target: "dynamodb:*", Kind: local.Throttle}); err != nil {
		log.Fatal(err)
	}
	begun := stack.Now()
	post(stack, "/greetings", `{"name": "Ada"}`)
	stack.RunUntilIdle(time.Hour)
	fmt.Println("throttled", stack.Faults()[0].Happened, "times within", stack.Now().Sub(begun).Round(time.Minute))

	dead := fmt.Sprintf(`{"QueueUrl": %q, "AttributeNames": ["ApproximateNumberOfMessages"]}`, stack.Outputs()["DeadLetters"])
	out, err := stack.Call("sqs", "GetQueueAttributes", []byte(dead))
	fmt.Println(string(out), err)
	// Output:
	// throttled 9 times within 3m0s
	// {"Attributes":{"ApproximateNumberOfMessages":"1"}} <nil>
}

// Time passes when a test says so, with all that happens in it.
func ExampleStack_Advance() {
	stack := greetings(local.Options{})
	defer stack.Close()
	// The first two attempts crash; the message is visible again a minute after each.
	if err := stack.SetFaults(local.Fault{Target: "greet", Kind: local.CrashBefore, Times: 2}); err != nil {
		log.Fatal(err)
	}
	post(stack, "/greetings", `{"name": "Ada"}`)
	for range 3 {
		fmt.Println(stack.Now().Format(time.TimeOnly), post(stack, "/graphql", `{"query": "{ greeted(name: \"Ada\") }"}`, "X-Api-Key", stack.Outputs()["ApiKey"]))
		stack.Advance(70 * time.Second)
	}
	// Output:
	// 00:00:00 200 {"data":{"greeted":0}}
	// 00:01:10 200 {"data":{"greeted":0}}
	// 00:02:20 200 {"data":{"greeted":1}}
}
