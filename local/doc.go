// Package local runs a synthesized CloudFormation template in one process, with
// no AWS account, no Docker and no Node: the gateway with its models and
// mapping templates, queues, event source mappings, functions, state machines
// and tables that the template declares, and nothing that it does not.
//
//	template, err := local.ReadTemplate("cdk.out", "orderflow-dev")
//	stack, err := local.New(template, local.Options{Functions: map[string]local.NewFunction{…}})
//	server := httptest.NewServer(stack)   // or stack.ServeHTTP, or stack.Call
//	stack.Advance(time.Hour)              // an hour of retries, in a moment
//
// # Time and chance
//
// Everything that happens in a stack is an event in one queue, ordered by time
// and then by when it was scheduled. In virtual time the clock stands still until a
// request, Advance or RunUntilIdle moves it, from one event straight to the
// next. In real time (Options.RealTime and Run) the same events are paced by the wall clock.
// One seed decides every random choice, so a run can be repeated.
//
// # Functions
//
// A function's code is registered under the Handler of its resource, and finds all of
// the outside world in Runtime. Its AWS SDK clients reach the stack's own services
// in the SDK's own wire protocol; each of their calls is a point where others go on. Handlers must
// therefore make their calls on the goroutine on which they were invoked.
//
// # What is simulated
//
// A resource type or a property that is not in this table is an error of New that
// names it. What is "declared" is accepted, has no effect, and is listed by Notes.
//
//	AWS::ApiGateway::*                  REST APIs: routes, models, IAM, Cognito, Lambda and API key
//	                                    authorization, usage plans, throttles, mapping templates, service,
//	                                    Lambda and mock integrations, gateway responses, access log;
//	                                    APIKey returns the value of a key
//	AWS::SQS::Queue                     standard with fair groups, FIFO, dead letters, delays, retention
//	AWS::Lambda::Function               in process; concurrency, timeouts, errors, asynchronous retries
//	AWS::Lambda::EventInvokeConfig      retries and destinations of asynchronous invocations
//	AWS::Lambda::EventSourceMapping     from queues: batches, windows, maximum concurrency, partial failures
//	AWS::StepFunctions::StateMachine    JSONata; Standard and Express
//	AWS::DynamoDB::Table, GlobalTable   items, expressions, transactions, indexes, limits, streams, time to live;
//	                                    a global table of one replica, as TableV2 makes it
//	AWS::SecretsManager::Secret         GetSecretValue
//	AWS::Cognito::UserPool              declared; IDToken issues tokens that its authorizers accept
//	AWS::IAM::*, policies, permissions  declared: every call is allowed
//	AWS::Logs, CloudWatch, SNS, WAFv2, KMS, X-Ray   declared
//
// The packages under internal tell in detail what each service does and does not do.
package local
