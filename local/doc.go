// Package local runs a synthesized CloudFormation template on one machine, with
// no AWS account, no Docker and no Node: the gateway with its models and
// mapping templates, queues, topics, event source mappings, functions, state machines,
// tables with their streams and GraphQL APIs that the template declares, and nothing that it does not.
//
//	template, err := local.ReadTemplate("cdk.out", "orderflow-dev")
//	stack, err := local.New(template, local.Options{Functions: map[string]local.NewFunction{…}})
//	server := httptest.NewServer(stack)   // or stack.ServeHTTP, or stack.Call
//	stack.Advance(time.Hour)              // an hour of retries, in a moment
//
// Package localtest does this for tests, and says what happened when one fails; examples/documents has a whole stack of
// another module that is tested so.
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
// therefore make their calls on the goroutine on which they were invoked, or on those of
// Runtime.Parallel, and limit their time with Runtime.WithTimeout. The code of this
// module's own functions is in package local/appfunctions.
//
// # Who calls, and whom the stack calls
//
// Stack.ServeHTTP is the gateway, the GraphQL API with its websocket, and what a topic's
// messages link to. Another process reaches it where it is served: Options.Endpoint says
// where, so that the URLs in a topic's messages lead there. In the same process an http.Client with
// Stack.Transport reaches all of them by AWS's own addresses, as Outputs has them, without a network.
//
// What functions and topics request of others than AWS goes to Options.Egress; without it
// such requests fail. Hosts is one that answers in process, in the stack's time:
//
//	hooks := local.Hosts{"hooks.example": receiver}
//	stack, err := local.New(template, local.Options{Egress: hooks, …})
//
// In real time it may be any http.RoundTripper, and the stack goes on while it waits. Options.OnFrame
// sees every event that goes out to a websocket, with the stack's time.
//
// The command orderflow up serves a stack in real time, for any client. Where a stack is served, AWS's own clients
// reach its services too, at the same address and with signed requests: RootCredentials, RoleCredentials and docs/aws-clients.md.
//
// # Permissions
//
// Every call is decided by the template's policies, and refused as AWS refuses it; Denied lists what was, Permissions what the
// template grants and what of that was used. Options.Permissions turns it off. See docs/permissions.md.
//
// # Processes
//
// Options.Processes has functions run as the executables that are deployed, over the Lambda Runtime API, in real time only:
// Bootstraps for those that command build-functions writes, AssemblyBootstraps for the assets of a cloud assembly. FunctionFigures says how
// long cold starts and invocations took.
//
// # What is kept
//
// With Options.Data queues, tables, streams, topics, mappings and executions outlive the process. What changed is written after each
// batch of events, and nothing that came of it leaves the process before. An invocation or a task that was under way is
// made again, as with AWS. Reload goes on with another template and keeps the same things.
//
// # Disturbing and looking
//
// SetFaults throttles, fails, crashes, repeats or delays functions and calls. Pause, Resume, Step, SkipToNext and Advance rule time.
// Observe and Options.OnEvent tell of all that happens; Resources, Edges, Glance, Messages and Inspect of what is, without a trace.
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
//	AWS::SQS::Queue                     standard with fair groups, FIFO, dead letters and moving them back, delays, retention
//	AWS::SNS::Topic, Subscription       standard topics; queues, functions, HTTP and HTTPS with the handshake, signatures of version
//	                                    1 and 2, delivery policies; filter policies, raw delivery, dead letters; other
//	                                    protocols are declared, FIFO topics refused
//	AWS::Lambda::Function               in process, or as a process of its bootstrap over the Lambda Runtime API; concurrency, timeouts,
//	                                    errors, asynchronous retries
//	AWS::Lambda::Version, Alias         invoked by their ARNs, with execution environments and permissions of their own; the code is the
//	                                    function's, and an alias has one version
//	AWS::Lambda::EventInvokeConfig      retries and destinations of asynchronous invocations
//	AWS::Lambda::EventSourceMapping     from queues: batches, windows, maximum concurrency, partial failures;
//	                                    from tables: filters, lanes, bisection, checkpoints, age and attempts, destination
//	AWS::StepFunctions::StateMachine    JSONata and JSONPath; Standard and Express
//	AWS::DynamoDB::Table, GlobalTable   items, expressions, transactions, indexes, limits, streams, time to live;
//	                                    a global table of one replica, as TableV2 makes it
//	AWS::AppSync::*                     GraphQL APIs: schema, directives, scalars, all modes of authorization, resolvers in
//	                                    APPSYNC_JS over tables, functions and nothing, subscriptions with enhanced filters,
//	                                    the websocket as AppSync's clients speak it; VTL, caching, merged and Event APIs refused
//	AWS::SecretsManager::Secret         GetSecretValue, DescribeSecret, ListSecrets
//	AWS::Logs::LogGroup                 what functions, the access log, state machines and GraphQL APIs write, within retention;
//	                                    filter patterns of terms and JSON
//	AWS::Cognito::UserPool              declared; IDToken issues tokens that its authorizers accept
//	AWS::IAM::*, policies, permissions  decide every call, for roles, queues, topics, functions, secrets and keys, as docs/permissions.md
//	                                    tells; what a run was denied and used: Denied, Permissions
//	AWS::CodeDeploy::*                  declared: an alias has its version from the start, nothing is shifted or rolled back
//	AWS::CloudWatch, WAFv2, KMS, X-Ray  declared, but for the policies of keys
//
// # What checks it
//
// That it is as AWS documents is checked by suites that speak the SDK's protocols over the wire (package
// internal/conformance) and are run against a referee too, and by referees: programs of others that are asked the same
// as ours. Where there is none, our own tests are all there is. Tests are named by their package below internal.
//
//	AWS::ApiGateway::*                  mapping templates: vtl.TestReferee; all else by our own tests only:
//	                                    apigateway.TestRoutes, apigateway.TestIAM, apigateway.TestCognitoAuthorizer, apigateway.TestAWSIntegration
//	AWS::SQS::Queue                     conformance.TestQueue, conformance.TestFIFOQueue, sqs.TestRefereeMoto
//	AWS::SNS::Topic, Subscription       conformance.TestTopic, sns.TestRefereeMoto; signatures: sns.TestMessagesAgainstSnsValidator;
//	                                    filters: eventpattern.TestReferee
//	AWS::Lambda::Function               conformance.TestFunction; processes by our own tests only: runtimeapi.TestColdAndWarm,
//	                                    runtimeapi.TestOutOfOrder, runtimeapi.TestMemory
//	AWS::Lambda::Version, Alias         by our own tests only: lambda.TestVersionsAndAliases, lambda.TestAsynchronousInvocationsOfAnAlias
//	AWS::Lambda::EventInvokeConfig      by our own tests only: lambda.TestAsynchronous
//	AWS::Lambda::EventSourceMapping     filters: eventpattern.TestReferee; all else by our own tests only:
//	                                    lambda.TestPartialFailure, lambda.TestStreamMappings, lambda.TestStreamModel
//	AWS::StepFunctions::StateMachine    conformance.TestMachine, states.TestMachinesAgreeWithMoto, states.TestDefinitionsAgreeWithTheReferee,
//	                                    jsonpath.TestReferee
//	AWS::DynamoDB::Table, GlobalTable   conformance.TestTable, conformance.TestStream, dynamodb.TestRefereeDynalite, dynamodb.TestRefereeMoto
//	AWS::AppSync::*                     appsync.TestExecutionAgreesWithGraphQL, appsync.TestApolloReceivesWhatIsPublished,
//	                                    appsync.TestApolloWithIAM, appsyncjs.TestCompileAgreesWithTheLinter,
//	                                    appsyncjs.TestUtilitiesAreThoseThatAreDeclared, appsyncjs.TestLanguageIsJavaScript
//	AWS::SecretsManager::Secret         conformance.TestSecret
//	AWS::Logs::LogGroup                 by our own tests only: logs.TestFilterPatterns,
//	                                    logs.TestAGroupKeepsTheLatestEventsForItsRetention
//	AWS::IAM::*, policies, permissions  iam.TestDecisionsAreThoseOfTheReferee
//
// Latencies are round numbers of the services' order, so that a run is readable; they are no
// measurement. Without faults nothing is lost, repeated or reordered by chance: that a run goes well does not show that code
// bears what a real queue, topic or stream may do now and then.
//
// The packages under internal tell in detail what each service does and does not do.
package local
