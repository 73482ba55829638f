// Package gofunction is a Lambda function written in Go, from a folder that
// holds its prebuilt bootstrap.
//
//	gofunction.New(stack, "Reserve", gofunction.Props{
//		Name:     "reserve",
//		AssetDir: "dist/arm64/reserve",
//	})
//
// Nothing is compiled here: building before the synthesis keeps the asset's
// hash a function of the source alone, and tests free of a compiler. Command
// build-functions of this module makes dist/arm64/<name>/bootstrap of every
// folder functions/<name> of yours that holds a package main:
//
//	go get -tool github.com/orderflow-cdk/orderflow/cmd/build-functions
//	go tool build-functions
//
// Functions of other modules, such as those of this one that statusnotifier wants, are named:
//
//	go get -tool github.com/orderflow-cdk/orderflow/functions/notify
//	go tool build-functions github.com/orderflow-cdk/orderflow/functions/notify
//
// # Resources
//
//	Function          AWS::Lambda::Function   provided.al2023, arm64, JSON logs, X-Ray
//	LogGroup          AWS::Logs::LogGroup     so that retention and removal are the stack's business
//	Role              AWS::IAM::Role          + Policy
//
// and with a Rollout:
//
//	Function/CurrentVersion  AWS::Lambda::Version              a new one for each change of code or settings
//	Live                     AWS::Lambda::Alias                what is to be invoked
//	Rollout                  AWS::CodeDeploy::DeploymentGroup  shifts Live to a new version
//	RolloutErrors            AWS::CloudWatch::Alarm            takes it back
//	RolloutPolicy            AWS::IAM::Policy                  lets CodeDeploy do so with this alias
//	Rollouts                 AWS::CodeDeploy::Application      one for the stack, with CodeDeploy's role, and a
//	                         + Role + DeploymentConfig         configuration for each kind of rollout that CodeDeploy does not have
//
// The role may write to this one log group and nowhere else, which is less than
// the managed policy AWSLambdaBasicExecutionRole allows. X-Ray's actions have
// no resource types (Service Authorization Reference, "AWS X-Ray"), so they
// are allowed on "*": the only wildcard here.
//
// # Rollouts
//
// Without Props.Rollout a change of the code is there at once, for everybody. With one, each deployment that changes the code or the
// settings of the function publishes a version, and the alias live goes over to it:
//
//	Canary(10, 15*time.Minute)  a tenth of the invocations, and all after a quarter of an hour
//	Linear(10, time.Minute)     another tenth each minute
//	AllAtOnce()                 all at once; there is a last version to go back to
//
// GoFunction.Live is what is to be invoked then: the alias. Whatever is given the function itself invokes what was deployed last, from
// its first moment. Queues and streams go through the alias as well: Lambda picks the version of each batch by the weights.
//
// If in any minute more than ErrorPercent of the new version's invocations fail, or another alarm of AddRollbackAlarm is on, CodeDeploy
// gives all invocations back to the last version, and CloudFormation takes the rest of the deployment back. What fails and does not show as
// an error of the function, such as the messages of a batch that it reports, needs such an alarm of its own. Somebody should be told: ErrorAlarm has no
// action until it is given one.
//
// A deployment takes as long as the slowest rollout in it, since they go on at the same time. A function's first deployment has nothing to shift.
// While there are two versions, both read what the other has written, so that a change of data has to be one that the last
// version can bear.
//
// Old versions stay, so that the alias can be set back by hand at once, and are deleted with their function:
//
//	aws lambda update-alias --function-name FUNCTION --name live --function-version NUMBER
//
// The next deployment of another version goes on from there.
//
// # Defaults
//
// 256 MB, 10 s, arm64, log level INFO, logs kept for 30 days and retained with
// the stack's deletion, no reserved concurrency, no rollout; with one, 5 percent of errors.
//
// # Locally
//
// The Handler property, which provided.al2023 ignores, is the function's name:
// the local runner finds the Go handler by it; package local/appfunctions has this
// module's. Memory, architecture, tracing and
// log settings have no effect there. An alias invokes its version, which has the function's code, and nothing is shifted.
package gofunction
