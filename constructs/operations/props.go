package operations

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"

	"github.com/orderflow-cdk/orderflow/constructs/asyncapi"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
	"github.com/orderflow-cdk/orderflow/constructs/statusnotifier"
)

// Props of Operations. API, Workflow and Status are what to watch: at least one of them, with the
// functions, queues and tables behind it.
type Props struct {
	API      *asyncapi.AsyncApi
	Workflow *orderworkflow.OrderWorkflow
	Status   *statusnotifier.StatusNotifier

	// Namespace is the CloudWatch namespace of the functions' metrics: what their variable
	// METRICS_NAMESPACE says. With it, and with Workflow and Status.Outbox, the outbox's function is made
	// to count orders by how they end.
	// Default: "", none of their metrics are looked at, and orders are counted by executions.
	Namespace string

	// Errors has, by function, a metric that counts its errors better than Lambda's Errors does,
	// such as one that leaves out rejected orders. The key is the function's name in
	// the alarms' ids: see [Operations].
	// Default: Lambda's Errors; none for steps that reject orders by errors.
	Errors map[string]awscloudwatch.Metric

	// Functions and Tables are others to watch.
	// Default: none.
	Functions []awslambda.IFunction
	Tables    []awsdynamodb.ITable

	// Graphs are shown at the end of the dashboard.
	// Default: none.
	Graphs []Graph

	// Thresholds are what the alarms begin at.
	// Default: derived, see there.
	Thresholds Thresholds

	// Topic is notified by every alarm, when it begins and when it is over.
	// Default: a new one, encrypted with a key of its own.
	Topic awssns.ITopic

	// Runbook is the address of the document that says what to do, to which the name of its section is
	// added after a "#".
	// Default: docs/operations.md of this module.
	Runbook string

	// NoDashboard makes none. CloudWatch takes 3 USD a month for one beyond the third.
	// Default: a dashboard.
	NoDashboard bool
}

// Graph is a graph of the dashboard.
type Graph struct {
	Title string
	// Left and Right are the metrics by axis; Right may be empty.
	Left, Right []awscloudwatch.IMetric
}

const defaultRunbook = "https://github.com/orderflow-cdk/orderflow/blob/main/docs/operations.md"

// namespacePattern: CloudWatch API, MetricDatum; AWS/ is for AWS.
var namespacePattern = regexp.MustCompile(`^[0-9A-Za-z.\-_/#]{1,255}$`)

// Validate reports everything that is wrong with p, joined. It needs no Node.
func (p Props) Validate() error {
	var errs []error
	bad := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(p.API == nil && p.Workflow == nil && p.Status == nil, "API, workflow or status must be given: there is nothing to watch")
	bad(p.Namespace != "" && (!namespacePattern.MatchString(p.Namespace) || len(p.Namespace) > 4 && p.Namespace[:4] == "AWS/"),
		"namespace must be letters, digits and .-_/#, and not begin with AWS/, got %q", p.Namespace)
	for i, g := range p.Graphs {
		bad(g.Title == "" || len(g.Left) == 0, "graph %d must have a title and metrics on its left", i+1)
	}
	errs = append(errs, p.Thresholds.validate())
	return errors.Join(errs...)
}
