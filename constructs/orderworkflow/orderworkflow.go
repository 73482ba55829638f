package orderworkflow

import (
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/orderflow-cdk/orderflow/constructs/internal/accept"
	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/suppress"
)

// OrderWorkflow is a state machine that takes orders through their steps, and
// the table that says where each of them stands.
type OrderWorkflow struct {
	constructs.Construct

	// Set by New. NewTable is nil if the table was given, LogGroup if
	// nothing is logged.
	Table        awsdynamodb.ITable
	NewTable     awsdynamodb.Table
	StateMachine awsstepfunctions.StateMachine
	Role         awsiam.Role
	LogGroup     awslogs.LogGroup

	props Props
}

// New adds an order workflow to scope. It panics if the props are not valid.
func New(scope constructs.Construct, id string, props Props) *OrderWorkflow {
	if err := props.Validate(); err != nil {
		panic(fmt.Sprintf("orderworkflow: %s/%s: %v", *scope.Node().Path(), id, err))
	}
	w := &OrderWorkflow{props: props.withDefaults()}
	constructs.NewConstruct_Override(w, scope, jsii.String(id))
	w.makeTable()
	w.makeRole()
	w.makeStateMachine()
	return w
}

func (w *OrderWorkflow) makeTable() {
	if w.Table = w.props.Table; w.Table != nil {
		return
	}
	props := &awsdynamodb.TableProps{
		PartitionKey:        stringAttribute(record.PartitionKey),
		SortKey:             stringAttribute(record.SortKey),
		BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Stream:              awsdynamodb.StreamViewType_NEW_AND_OLD_IMAGES,
		TimeToLiveAttribute: jsii.String(record.ExpiresAt),
		DeletionProtection:  jsii.Bool(!w.props.NoDeletionProtection),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(!w.props.NoPointInTimeRecovery),
		},
		RemovalPolicy: w.props.RemovalPolicy,
	}
	if w.props.EncryptionKey != nil {
		props.Encryption = awsdynamodb.TableEncryption_CUSTOMER_MANAGED
		props.EncryptionKey = w.props.EncryptionKey
	}
	w.NewTable = awsdynamodb.NewTable(w, jsii.String("Table"), props)
	w.Table = w.NewTable
}

func stringAttribute(name string) *awsdynamodb.Attribute {
	return &awsdynamodb.Attribute{Name: jsii.String(name), Type: awsdynamodb.AttributeType_STRING}
}

func (w *OrderWorkflow) makeRole() {
	w.Role = awsiam.NewRole(w, jsii.String("Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("states.amazonaws.com"), nil),
	})
	w.grantTable(w.Role, "dynamodb:GetItem", "dynamodb:UpdateItem")
	_, functions := w.props.workflow()
	var invoked []*string
	for _, name := range sortedKeys(functions) {
		if arn := functions[name].FunctionArn(); !slices.ContainsFunc(invoked, func(a *string) bool { return *a == *arn }) {
			invoked = append(invoked, arn)
		}
	}
	if len(invoked) > 0 {
		// Not CDK's GrantInvoke, which adds every version and alias (:*).
		w.Role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings("lambda:InvokeFunction"),
			Resources: &invoked,
		}))
	}
	for _, s := range w.props.Steps {
		for _, r := range []*Runner{&s.Run, s.Compensation.compensation()} {
			if r == nil || r.integration == nil {
				continue
			}
			for _, statement := range r.integration.Permissions {
				w.Role.AddToPolicy(statement)
			}
		}
	}
}

func (w *OrderWorkflow) makeStateMachine() {
	workflow, functions := w.props.workflow()
	definition, err := workflow.Definition()
	if err != nil {
		panic(fmt.Sprintf("orderworkflow: %s: %v", *w.Node().Path(), err))
	}
	substitutions := map[string]*string{"Table": w.Table.TableName()}
	for name, f := range functions {
		substitutions[name] = f.FunctionArn()
	}
	props := &awsstepfunctions.StateMachineProps{
		StateMachineType:        awsstepfunctions.StateMachineType(w.props.Kind),
		DefinitionBody:          awsstepfunctions.DefinitionBody_FromString(jsii.String(string(definition))),
		DefinitionSubstitutions: &substitutions,
		Role:                    w.Role,
		TracingEnabled:          jsii.Bool(!w.props.NoTracing),
		RemovalPolicy:           w.props.RemovalPolicy,
	}
	if w.props.LogLevel != LogOff {
		w.LogGroup = awslogs.NewLogGroup(w, jsii.String("LogGroup"), &awslogs.LogGroupProps{
			Retention:     w.props.LogRetention,
			RemovalPolicy: w.props.RemovalPolicy,
		})
		props.Logs = &awsstepfunctions.LogOptions{
			Destination:          w.LogGroup,
			Level:                awsstepfunctions.LogLevel(w.props.LogLevel),
			IncludeExecutionData: jsii.Bool(w.props.LogExecutionData),
		}
	}
	w.StateMachine = awsstepfunctions.NewStateMachine(w, jsii.String("StateMachine"), props)
	if workflow.Resumes() {
		// A policy of its own: in the role's default policy, which the state machine waits for, it would be a circle.
		policy := awsiam.NewPolicy(w, jsii.String("Resume"), &awsiam.PolicyProps{
			Statements: &[]awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions:   jsii.Strings("states:StartExecution"),
				Resources: &[]*string{w.StateMachine.StateMachineArn()},
			})},
		})
		w.Role.AttachInlinePolicy(policy)
	}
	w.acceptFindings()
}

// acceptFindings says why cdk-nag and cfn-lint find something here.
func (w *OrderWorkflow) acceptFindings() {
	accept.RoleTwice(w.StateMachine)
	if !w.props.NoTracing {
		accept.AnyResource(w.Role, "X-Ray has no resource for traces, nor for the rules by which they are sampled")
	}
	if w.props.LogLevel == LogOff {
		return
	}
	accept.AnyResource(w.Role, "CloudWatch Logs has no resource for log deliveries and resource policies, by which a state machine logs")
	if w.props.LogLevel == LogAll {
		return
	}
	reason := "errors are logged; every event of an execution is in its history for 90 days, and billed once more in a log"
	if w.props.Kind == Express {
		reason = "errors are logged; every status of an order and its time are in the table, and every event of every order in a log costs more than the workflow"
	}
	accept.On(w.StateMachine, suppress.Rule{ID: "AwsSolutions-SF1", Reason: reason})
}

// Final are the statuses that are an end: that of the last step, and Rejected,
// Failed and Cancelled of Props. StatusNotifier's Props.Final wants to know them.
func (w *OrderWorkflow) Final() []string {
	last := w.props.Steps[len(w.props.Steps)-1]
	return []string{last.Status, w.props.Rejected, w.props.Failed, w.props.Cancelled}
}

// Statuses are all that are recorded, in the order in which an order meets them, and then the
// other ends. The webhooks of StatusNotifier want to know them.
func (w *OrderWorkflow) Statuses() []string {
	all := []string{w.props.Initial}
	for _, s := range w.props.Steps {
		all = append(all, s.Status)
	}
	return append(all, w.props.Rejected, w.props.Failed, w.props.Cancelled)
}

// GrantStart lets grantee start executions.
func (w *OrderWorkflow) GrantStart(grantee awsiam.IGrantable) {
	w.StateMachine.GrantStartExecution(grantee)
}

// GrantRecord lets grantee record orders: put and update single items
// of the table.
func (w *OrderWorkflow) GrantRecord(grantee awsiam.IGrantable) {
	w.grantTable(grantee, "dynamodb:PutItem", "dynamodb:UpdateItem")
}

// GrantCallback lets grantee report the success, failure and heartbeat of
// steps that wait for a callback. It may be a function that the workflow runs: a role gets a
// policy of its own for it, since in the one that functions with the role wait for it
// would be a circle, of the function, its policy, the state machine and that one's policy.
func (w *OrderWorkflow) GrantCallback(grantee awsiam.IGrantable) {
	role, ok := grantee.GrantPrincipal().(awsiam.Role)
	if !ok {
		w.StateMachine.GrantTaskResponse(grantee)
		return
	}
	policy := awsiam.NewPolicy(w, jsii.String("Callback"+*awscdk.Names_NodeUniqueId(role.Node())), &awsiam.PolicyProps{
		Statements: &[]awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions:   jsii.Strings("states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"),
			Resources: &[]*string{w.StateMachine.StateMachineArn()},
		})},
	})
	policy.AttachToRole(role)
}

func (w *OrderWorkflow) grantTable(grantee awsiam.IGrantable, actions ...string) {
	awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
		Grantee:      grantee,
		Actions:      jsii.Strings(actions...),
		ResourceArns: &[]*string{w.Table.TableArn()},
	})
	if key := w.Table.EncryptionKey(); key != nil {
		key.GrantEncryptDecrypt(grantee)
	}
}

func sortedKeys(m map[string]awslambda.IFunction) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
