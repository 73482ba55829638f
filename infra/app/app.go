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
//	├── Alarms                    and their topic, where the environment has them
//	└── Rollouts                  what shifts the functions' aliases to new versions, where it has that
package app

import (
	"errors"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// Options are what the app's surroundings decide, not the environments.
type Options struct {
	// Assets is the folder with <architecture>/<function>/bootstrap, as
	// build-functions writes it. Default: dist.
	Assets string

	// Environments are those that get a stack. Default: all of environments.go.
	Environments []Environment

	// Context takes the place of what the CDK's command line reads from
	// cdk.json, for a synthesis without it. Default: none.
	Context map[string]any

	// Outdir is where the cloud assembly goes. Default: what the CDK's command
	// line says, or else a temporary folder.
	Outdir string
}

// New returns the app with the stacks of all environments, or an error with a line
// for everything that is wrong with one of them. The process must end with jsii.Close.
func New(options Options) (awscdk.App, error) {
	if options.Environments == nil {
		options.Environments = Environments()
	}
	if err := validate(options.Environments); err != nil {
		return nil, err
	}
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
	for _, env := range options.Environments {
		newStack(app, env, options.Assets)
	}
	return app, nil
}

func validate(all []Environment) error {
	var errs []error
	seen := map[string]bool{}
	for _, env := range all {
		errs = append(errs, env.Validate())
		if seen[env.Name] {
			errs = append(errs, fmt.Errorf("environment %s: there are two with this name", env.Name))
		}
		seen[env.Name] = true
	}
	return errors.Join(errs...)
}
