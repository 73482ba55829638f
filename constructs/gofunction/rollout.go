package gofunction

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodedeploy"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/jsii-runtime-go"
)

// Rollout is how a new version of a function takes over from the last one. The zero value is
// no rollout: the function is updated in place.
type Rollout struct {
	shape   shape
	percent int
	every   time.Duration
}

type shape string

const (
	allAtOnce shape = "AllAtOnce"
	canary    shape = "Canary"
	linear    shape = "Linear"
)

// AllAtOnce gives the new version all invocations from one moment to the next. It can be taken back, but nothing
// is learnt before.
func AllAtOnce() Rollout { return Rollout{shape: allAtOnce} }

// Canary gives the new version a share of the invocations, 1–99 percent, and after a while, in whole
// minutes, all of them.
func Canary(percent int, after time.Duration) Rollout { return Rollout{canary, percent, after} }

// Linear gives the new version another such share, 1–99 percent, every so many whole minutes.
func Linear(percent int, every time.Duration) Rollout { return Rollout{linear, percent, every} }

// longestShift is the time between the first and the last shift of a deployment (CodeDeploy user guide, "CodeDeploy quotas").
const longestShift = 2880 * time.Minute

// Validate reports what is wrong with r. It needs no Node.
func (r Rollout) Validate() error {
	if r.shape != canary && r.shape != linear {
		return nil
	}
	var errs []error
	if r.percent < 1 || r.percent > 99 {
		errs = append(errs, fmt.Errorf("the rollout must shift 1–99 percent at a time, got %d", r.percent))
	}
	if r.every < time.Minute || r.every%time.Minute != 0 {
		errs = append(errs, fmt.Errorf("the rollout must wait for whole minutes, got %s", r.every))
	}
	if len(errs) == 0 && r.Duration() > longestShift {
		errs = append(errs, fmt.Errorf("the rollout must be over within 48h, got %s", r.Duration()))
	}
	return errors.Join(errs...)
}

// IsZero reports whether there is no rollout.
func (r Rollout) IsZero() bool { return r.shape == "" }

// Duration is how long there are two versions. A deployment waits for it.
func (r Rollout) Duration() time.Duration {
	if r.shape == linear && r.percent > 0 {
		return time.Duration((100-1)/r.percent) * r.every // the first share is given at once
	}
	return r.every
}

// String is r as CodeDeploy names it, such as Canary10Percent5Minutes, or "in place".
func (r Rollout) String() string {
	minutes := int(r.every / time.Minute)
	plural := "s"
	if minutes == 1 {
		plural = ""
	}
	switch r.shape {
	case canary:
		return fmt.Sprintf("Canary%dPercent%dMinute%s", r.percent, minutes, plural)
	case linear:
		return fmt.Sprintf("Linear%dPercentEvery%dMinute%s", r.percent, minutes, plural)
	case allAtOnce:
		return string(allAtOnce)
	}
	return "in place"
}

// alias is what is invoked of a function with a rollout.
const alias = "live"

// rollOut makes the alias and what moves it from version to version.
func (f *GoFunction) rollOut(props Props) {
	f.Live = f.Function
	if props.Rollout.IsZero() {
		return
	}
	live := awslambda.NewAlias(f, jsii.String("Live"), &awslambda.AliasProps{
		AliasName: jsii.String(alias),
		Version:   f.Function.CurrentVersion(),
	})
	f.Live = live
	f.ErrorAlarm = f.newErrorAlarm(live, props.ErrorPercent)
	deployments := deploymentsOf(f)
	f.Rollout = awscodedeploy.NewLambdaDeploymentGroup(f, jsii.String("Rollout"), &awscodedeploy.LambdaDeploymentGroupProps{
		Alias:            live,
		Application:      deployments.application,
		DeploymentConfig: deployments.configuration(props.Rollout),
		// As it is, so that the CDK does not attach a managed policy that is for all functions of the account.
		Role:   deployments.role.WithoutPolicyUpdates(nil),
		Alarms: &[]interfacesawscloudwatch.IAlarmRef{f.ErrorAlarm},
		AutoRollback: &awscodedeploy.AutoRollbackConfig{
			FailedDeployment:  jsii.Bool(true),
			StoppedDeployment: jsii.Bool(true),
			DeploymentInAlarm: jsii.Bool(true),
		},
	})
	deployments.grant(f)
}

// newErrorAlarm alarms when too many of the new version's invocations by the alias fail. It names the version (Lambda developer
// guide, "Types of metrics for Lambda functions", ExecutedVersion), so that the last version's errors do not
// count against it.
func (f *GoFunction) newErrorAlarm(live awslambda.Alias, percent int) awscloudwatch.Alarm {
	metric := func(name string) awscloudwatch.IMetric {
		return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			Namespace:  jsii.String("AWS/Lambda"),
			MetricName: jsii.String(name),
			DimensionsMap: &map[string]*string{
				"FunctionName":    f.Function.FunctionName(),
				"Resource":        awscdk.Fn_Join(jsii.String(":"), &[]*string{f.Function.FunctionName(), jsii.String(alias)}),
				"ExecutedVersion": f.Function.CurrentVersion().Version(),
			},
			Period: awscdk.Duration_Minutes(jsii.Number(1)), Statistic: jsii.String("Sum"),
		})
	}
	return awscloudwatch.NewAlarm(f, jsii.String("RolloutErrors"), &awscloudwatch.AlarmProps{
		AlarmDescription: jsii.String(fmt.Sprintf("More than %d %% of the new version's invocations fail: the deployment is rolled back", percent)),
		Metric: awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
			Expression: jsii.String("100 * errors / invocations"),
			Label:      jsii.String("Errors of the new version in percent"),
			UsingMetrics: &map[string]awscloudwatch.IMetric{
				"errors": metric("Errors"), "invocations": metric("Invocations"),
			},
			Period: awscdk.Duration_Minutes(jsii.Number(1)),
		}),
		Threshold:          jsii.Number(percent),
		EvaluationPeriods:  jsii.Number(1),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
}

// AddRollbackAlarm has another alarm take a new version back while it rolls out. Without a rollout nothing happens.
// The alarm must not depend on what invokes the function, such as its state machine: CloudFormation
// would have to make each before the other.
func (f *GoFunction) AddRollbackAlarm(alarm awscloudwatch.IAlarm) {
	if f.Rollout != nil {
		f.Rollout.AddAlarm(alarm)
	}
}
