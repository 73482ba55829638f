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
// The role may write to this one log group and nowhere else, which is less than
// the managed policy AWSLambdaBasicExecutionRole allows. X-Ray's actions have
// no resource types (Service Authorization Reference, "AWS X-Ray"), so they
// are allowed on "*": the only wildcard here.
//
// # Defaults
//
// 256 MB, 10 s, arm64, log level INFO, logs kept for 30 days and retained with
// the stack's deletion, no reserved concurrency.
//
// # Locally
//
// The Handler property, which provided.al2023 ignores, is the function's name:
// the local runner finds the Go handler by it; package local/appfunctions has this
// module's. Memory, architecture, tracing and
// log settings have no effect there.
package gofunction
