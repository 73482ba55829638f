package test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
)

// oneStep returns the smallest workflow, changed.
func oneStep(t *testing.T, build func(awscdk.Stack, *orderworkflow.Props), then func(awscdk.Stack, *orderworkflow.OrderWorkflow)) template {
	t.Helper()
	assets := bootstraps(t)
	return synth(t, func(s awscdk.Stack) {
		ship := gofunction.New(s, "Ship", gofunction.Props{Name: "ship", AssetDir: filepath.Join(assets, "arm64", "ship")})
		props := orderworkflow.Props{Steps: []orderworkflow.Step{{
			Name: "Ship", Status: "COMPLETED", Run: orderworkflow.Function(ship.Function), Compensation: orderworkflow.NoCompensation,
		}}}
		if build != nil {
			build(s, &props)
		}
		w := orderworkflow.New(s, "Orders", props)
		if then != nil {
			then(s, w)
		}
	})
}

// allowed returns what a role's policies allow, as "action on logical id".
func allowed(template template, roleID string) []string {
	var out []string
	for _, p := range template.resources("AWS::IAM::Policy") {
		if r, _ := template.target(list(p.Properties["Roles"])[0]); r.ID != roleID {
			continue
		}
		for _, s := range statements(p.Properties["PolicyDocument"]) {
			for _, action := range list(s["Action"]) {
				for _, on := range list(s["Resource"]) {
					name, _ := on.(string)
					if r, ok := template.target(on); ok {
						name = r.ID
					}
					out = append(out, action.(string)+" on "+name)
				}
			}
		}
	}
	return out
}

func only(t *testing.T, template template, typ, prefix string) resource {
	t.Helper()
	for _, r := range template.resources(typ) {
		if strings.HasPrefix(r.ID, prefix) {
			return r
		}
	}
	t.Fatalf("there is no %s whose id begins with %s", typ, prefix)
	return resource{}
}

func TestTheWorkflowsRoleMayInvokeItsFunctionsAndWriteItsTable(t *testing.T) {
	template := oneStep(t, func(_ awscdk.Stack, p *orderworkflow.Props) { p.NoTracing, p.LogLevel = true, orderworkflow.LogOff }, nil)
	table := only(t, template, "AWS::DynamoDB::Table", "Orders").ID
	function := only(t, template, "AWS::Lambda::Function", "Ship").ID
	want := []string{"dynamodb:GetItem on " + table, "dynamodb:UpdateItem on " + table, "lambda:InvokeFunction on " + function}
	if diff := cmp.Diff(want, allowed(template, only(t, template, "AWS::IAM::Role", "OrdersRole").ID)); diff != "" {
		t.Error(diff)
	}
}

func TestGrantsOfTheWorkflow(t *testing.T) {
	template := oneStep(t, nil, func(s awscdk.Stack, w *orderworkflow.OrderWorkflow) {
		role := func(id string) awsiam.Role {
			return awsiam.NewRole(s, jsii.String(id), &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()})
		}
		w.GrantStart(role("Starter"))
		w.GrantRecord(role("Recorder"))
		w.GrantCallback(role("Caller"))
	})
	table := only(t, template, "AWS::DynamoDB::Table", "Orders").ID
	machine := only(t, template, "AWS::StepFunctions::StateMachine", "Orders").ID
	for role, want := range map[string][]string{
		"Starter":  {"states:StartExecution on " + machine},
		"Recorder": {"dynamodb:PutItem on " + table, "dynamodb:UpdateItem on " + table},
		"Caller":   {"states:SendTaskFailure on " + machine, "states:SendTaskHeartbeat on " + machine, "states:SendTaskSuccess on " + machine},
	} {
		if diff := cmp.Diff(want, allowed(template, only(t, template, "AWS::IAM::Role", role).ID)); diff != "" {
			t.Errorf("%s: %s", role, diff)
		}
	}
}

func TestTheTableIsSafeUnlessAskedOtherwise(t *testing.T) {
	safe := only(t, oneStep(t, nil, nil), "AWS::DynamoDB::Table", "Orders")
	loose := only(t, oneStep(t, func(_ awscdk.Stack, p *orderworkflow.Props) {
		p.NoDeletionProtection, p.NoPointInTimeRecovery, p.RemovalPolicy = true, true, awscdk.RemovalPolicy_DESTROY
	}, nil), "AWS::DynamoDB::Table", "Orders")
	for _, tt := range []struct {
		what        string
		of          func(resource) any
		safe, loose any
	}{
		{"deletion protection", func(r resource) any { return r.Properties["DeletionProtectionEnabled"] }, true, false},
		{"point-in-time recovery", func(r resource) any {
			return at(r.Properties, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")
		}, true, false},
		{"deletion policy", func(r resource) any { return r.All["DeletionPolicy"] }, "Retain", "Delete"},
		{"stream", func(r resource) any { return at(r.Properties, "StreamSpecification", "StreamViewType") }, "NEW_AND_OLD_IMAGES", "NEW_AND_OLD_IMAGES"},
		{"time to live", func(r resource) any { return at(r.Properties, "TimeToLiveSpecification", "AttributeName") }, "expiresAt", "expiresAt"},
		{"billing", func(r resource) any { return r.Properties["BillingMode"] }, "PAY_PER_REQUEST", "PAY_PER_REQUEST"},
	} {
		if got := tt.of(safe); got != tt.safe {
			t.Errorf("by default: %s is %v, want %v", tt.what, got, tt.safe)
		}
		if got := tt.of(loose); got != tt.loose {
			t.Errorf("if asked: %s is %v, want %v", tt.what, got, tt.loose)
		}
	}
}

func TestAGivenTableIsUsed(t *testing.T) {
	template := oneStep(t, func(s awscdk.Stack, p *orderworkflow.Props) {
		p.Table = awsdynamodb.NewTable(s, jsii.String("Mine"), &awsdynamodb.TableProps{
			PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("pk"), Type: awsdynamodb.AttributeType_STRING},
			SortKey:      &awsdynamodb.Attribute{Name: jsii.String("sk"), Type: awsdynamodb.AttributeType_STRING},
		})
	}, nil)
	tables := template.resources("AWS::DynamoDB::Table")
	if len(tables) != 1 {
		t.Fatalf("%d tables, want the given one alone", len(tables))
	}
	machine := only(t, template, "AWS::StepFunctions::StateMachine", "Orders")
	if r, _ := template.target(at(machine.Properties, "DefinitionSubstitutions", "Table")); r.ID != tables[0].ID {
		t.Errorf("the workflow writes to %q, want %s", r.ID, tables[0].ID)
	}
}

func TestAKeyOfOnesOwnIsForTheTableAndItsUsers(t *testing.T) {
	template := oneStep(t, func(s awscdk.Stack, p *orderworkflow.Props) {
		p.EncryptionKey = awskms.NewKey(s, jsii.String("Key"), nil)
	}, nil)
	key := only(t, template, "AWS::KMS::Key", "Key").ID
	table := only(t, template, "AWS::DynamoDB::Table", "Orders")
	if r, _ := template.target(at(table.Properties, "SSESpecification", "KMSMasterKeyId")); r.ID != key {
		t.Errorf("the table is not encrypted with the key: %v", table.Properties["SSESpecification"])
	}
	if got := strings.Join(allowed(template, only(t, template, "AWS::IAM::Role", "OrdersRole").ID), "\n"); !strings.Contains(got, "kms:Decrypt on "+key) {
		t.Errorf("the workflow may not use the key:\n%s", got)
	}
}

func TestLoggingOfTheWorkflow(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*orderworkflow.Props)
		level  any
		data   any
	}{
		{"default", func(*orderworkflow.Props) {}, "ERROR", false},
		{"all", func(p *orderworkflow.Props) { p.LogLevel, p.LogExecutionData = orderworkflow.LogAll, true }, "ALL", true},
		{"off", func(p *orderworkflow.Props) { p.LogLevel = orderworkflow.LogOff }, nil, nil},
	} {
		template := oneStep(t, func(_ awscdk.Stack, p *orderworkflow.Props) { tt.change(p) }, nil)
		logging := only(t, template, "AWS::StepFunctions::StateMachine", "Orders").Properties["LoggingConfiguration"]
		if at(logging, "Level") != tt.level || at(logging, "IncludeExecutionData") != tt.data {
			t.Errorf("%s: logs %v, want level %v and data %v", tt.name, logging, tt.level, tt.data)
		}
	}
}

func TestExpressAndTracing(t *testing.T) {
	machine := only(t, oneStep(t, func(_ awscdk.Stack, p *orderworkflow.Props) {
		p.Kind, p.NoTracing = orderworkflow.Express, true
	}, nil), "AWS::StepFunctions::StateMachine", "Orders")
	if got := machine.Properties["StateMachineType"]; got != "EXPRESS" {
		t.Errorf("the type is %v, want EXPRESS", got)
	}
	if at(machine.Properties, "TracingConfiguration", "Enabled") == true {
		t.Error("it is traced")
	}
}

func TestIntegrationsBringTheirPermissions(t *testing.T) {
	template := oneStep(t, func(_ awscdk.Stack, p *orderworkflow.Props) {
		p.Steps[0].Compensation = orderworkflow.Integration(orderworkflow.ServiceIntegration{
			Resource:  "arn:aws:states:::sns:publish",
			Arguments: map[string]any{"TopicArn": "arn:aws:sns:eu-central-1:123456789012:t", "Message": "undone"},
			Permissions: []awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions: jsii.Strings("sns:Publish"), Resources: jsii.Strings("arn:aws:sns:eu-central-1:123456789012:t"),
			})},
		})
	}, nil)
	got := strings.Join(allowed(template, only(t, template, "AWS::IAM::Role", "OrdersRole").ID), "\n")
	if want := "sns:Publish on arn:aws:sns:eu-central-1:123456789012:t"; !strings.Contains(got, want) {
		t.Errorf("the role may do\n%s\nwant also %s", got, want)
	}
}

func TestConstructsPanicWithTheirPath(t *testing.T) {
	for _, tt := range []struct {
		want  string
		build func(awscdk.Stack)
	}{
		{"orderworkflow: test/Orders: a workflow needs at least one step", func(s awscdk.Stack) {
			orderworkflow.New(s, "Orders", orderworkflow.Props{})
		}},
		{"gofunction: test/Ship: there is no nowhere/bootstrap; run: go run github.com/orderflow-cdk/orderflow/cmd/build-functions", func(s awscdk.Stack) {
			gofunction.New(s, "Ship", gofunction.Props{Name: "ship", AssetDir: "nowhere"})
		}},
	} {
		func() {
			defer func() {
				if got := recover(); got != tt.want {
					t.Errorf("panic %v, want %s", got, tt.want)
				}
			}()
			tt.build(awscdk.NewStack(awscdk.NewApp(nil), jsii.String("test"), nil))
		}()
	}
}

func TestAFunctionsDefaultsAndOptions(t *testing.T) {
	assets := bootstraps(t)
	build := func(change func(*gofunction.Props)) (resource, template) {
		template := synth(t, func(s awscdk.Stack) {
			props := gofunction.Props{Name: "ship", AssetDir: filepath.Join(assets, "arm64", "ship")}
			change(&props)
			gofunction.New(s, "Ship", props)
		})
		return only(t, template, "AWS::Lambda::Function", "Ship"), template
	}
	f, template := build(func(*gofunction.Props) {})
	for what, tt := range map[string]struct{ got, want any }{
		"handler":      {f.Properties["Handler"], "ship"},
		"runtime":      {f.Properties["Runtime"], "provided.al2023"},
		"architecture": {list(f.Properties["Architectures"])[0], "arm64"},
		"memory":       {f.int("MemorySize"), 256},
		"timeout":      {f.int("Timeout"), 10},
		"log format":   {at(f.Properties, "LoggingConfig", "LogFormat"), "JSON"},
		"tracing":      {at(f.Properties, "TracingConfig", "Mode"), "Active"},
		"concurrency":  {f.Properties["ReservedConcurrentExecutions"], nil},
	} {
		if tt.got != tt.want {
			t.Errorf("the default %s is %v, want %v", what, tt.got, tt.want)
		}
	}
	group := only(t, template, "AWS::Logs::LogGroup", "Ship").ID
	want := []string{
		"logs:CreateLogStream on " + group, "logs:PutLogEvents on " + group,
		"xray:PutTelemetryRecords on *", "xray:PutTraceSegments on *",
	}
	role := only(t, template, "AWS::IAM::Role", "Ship")
	if diff := cmp.Diff(want, allowed(template, role.ID)); diff != "" {
		t.Error(diff)
	}
	if got := role.Properties["ManagedPolicyArns"]; got != nil {
		t.Errorf("the role has the managed policies %v, want none", got)
	}

	f, template = build(func(p *gofunction.Props) {
		p.Timeout, p.LogRetention, p.ReservedConcurrency, p.NoTracing = time.Minute, awslogs.RetentionDays_ONE_DAY, 3, true
	})
	if f.int("Timeout") != 60 || f.int("ReservedConcurrentExecutions") != 3 || at(f.Properties, "TracingConfig", "Mode") == "Active" {
		t.Errorf("options were ignored: %v", f.Properties)
	}
	if got := only(t, template, "AWS::Logs::LogGroup", "Ship").int("RetentionInDays"); got != 1 {
		t.Errorf("logs are kept for %d days, want 1", got)
	}
}
