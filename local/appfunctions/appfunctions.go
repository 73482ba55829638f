// Package appfunctions is the code of this module's Lambda functions for stacks
// of your own that package local runs: notify, deliverwebhook and managewebhooks, which
// statusnotifier's channels want, and those of the reference app. For AWS, command
// build-functions builds the same code.
//
//	functions := appfunctions.All()
//	functions["invoice"] = invoice // yours
//	stack, err := local.New(template, local.Options{Functions: functions})
package appfunctions

import (
	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

// All returns the functions by their Handler property, which is the Name that
// gofunction.Props gave them: that of their folder under functions/. The map is the caller's.
func All() map[string]local.NewFunction { return localapp.Functions() }
