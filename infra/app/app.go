// Package app is the reference app built from the constructs: the stack of an
// order flow, for each environment of environments.go.
//
//	orderflow-<environment>
//	├── Inventory                 table of stock, reservations and shipments
//	├── Reserve, Charge, Ship,    functions, one per step
//	│   Release, Refund           and compensation
//	├── Workflow                  orderworkflow.OrderWorkflow, with the orders table
//	├── Intake                    function that takes orders off the queue
//	├── Users, Client             Cognito user pool: who may call, and for which tenant
//	├── Api                       asyncapi.AsyncApi
//	├── Notify                    function that tells of changes
//	├── NotifyGraphQL             the same for AppSync alone, where the environment has it
//	├── DeliverWebhook            function that delivers to tenants' webhooks
//	├── ManageWebhooks            function behind /webhooks
//	├── Status                    statusnotifier.StatusNotifier, with all channels
//	└── Alarms                    and their topic, where the environment has them
package app

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// Options are what the app's surroundings decide, not the environments.
type Options struct {
	// Assets is the folder with <architecture>/<function>/bootstrap, as
	// build-functions writes it. Default: dist.
	Assets string

	// Context takes the place of what the CDK's command line reads from
	// cdk.json, for a synthesis without it. Default: none.
	Context map[string]any

	// Outdir is where the cloud assembly goes. Default: what the CDK's command
	// line says, or else a temporary folder.
	Outdir string
}

// New returns the app with the stacks of all environments. The process must end
// with jsii.Close.
func New(options Options) awscdk.App {
	props := &awscdk.AppProps{AnalyticsReporting: jsii.Bool(false)}
	if options.Context != nil {
		props.Context = &options.Context
	}
	if options.Outdir != "" {
		props.Outdir = jsii.String(options.Outdir)
	}
	if options.Assets == "" {
		options.Assets = "dist"
	}
	app := awscdk.NewApp(props)
	for _, env := range Environments() {
		newStack(app, env, options.Assets)
	}
	return app
}
