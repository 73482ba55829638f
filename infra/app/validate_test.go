package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"

	"github.com/orderflow-cdk/orderflow/constructs/gofunction"
	"github.com/orderflow-cdk/orderflow/constructs/orderworkflow"
	"github.com/orderflow-cdk/orderflow/infra/app"
	"github.com/orderflow-cdk/orderflow/internal/config"
)

// environment is one of environments.go, changed.
func environment(t testing.TB, name string, change func(*app.Environment)) app.Environment {
	t.Helper()
	for _, env := range app.Environments() {
		if env.Name == name {
			change(&env)
			return env
		}
	}
	t.Fatalf("there is no environment %q", name)
	return app.Environment{}
}

func TestEnvironmentsAreValid(t *testing.T) {
	production := 0
	for _, env := range app.Environments() {
		if err := env.Validate(); err != nil {
			t.Error(err)
		}
		if env.Production {
			production++
		}
	}
	if production != 1 {
		t.Errorf("%d environments are production, want 1", production)
	}
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		of     string // the environment that is changed
		change func(*app.Environment)
		want   string // a part of the only line; "": nothing is wrong
	}{
		{"in an account", "dev", func(e *app.Environment) { e.Account, e.Region = "123456789012", "us-gov-west-1" }, ""},
		{"records for ever", "dev", func(e *app.Environment) { e.RecordRetention = 0 }, ""},
		{"a second production", "prod", func(e *app.Environment) { e.Name = "prod-eu" }, ""},
		{"production by another name", "prod", func(e *app.Environment) { e.Name = "live" }, ""},
		{"a name that only begins alike", "dev", func(e *app.Environment) { e.Name = "products" }, ""},

		{"name", "dev", func(e *app.Environment) { e.Name = "Dev_1" }, `environment "Dev_1": Name is "Dev_1": it must be 1–30`},
		{"no name", "dev", func(e *app.Environment) { e.Name = "" }, `environment "": Name is ""`},
		{"long name", "dev", func(e *app.Environment) { e.Name = strings.Repeat("d", 31) }, "must be 1–30"},
		{"account without region", "dev", func(e *app.Environment) { e.Account = "123456789012" }, `environment dev: Region is ""`},
		{"region without account", "dev", func(e *app.Environment) { e.Region = "eu-central-1" }, `environment dev: Account is ""`},
		{"account", "dev", func(e *app.Environment) { e.Account, e.Region = "12345678901", "eu-central-1" }, `Account is "12345678901"`},
		{"region", "dev", func(e *app.Environment) { e.Account, e.Region = "123456789012", "Frankfurt" }, `Region is "Frankfurt"`},
		{"architecture", "dev", func(e *app.Environment) { e.Architecture = "" }, `Architecture is ""`},
		{"workflow", "dev", func(e *app.Environment) { e.Workflow = "FAST" }, `Workflow is "FAST"`},
		{"workflow log", "dev", func(e *app.Environment) { e.WorkflowLog = "LOUD" }, `WorkflowLog is "LOUD"`},
		{"express without a log", "dev", func(e *app.Environment) { e.Workflow, e.WorkflowLog = orderworkflow.Express, orderworkflow.LogOff }, "there is no other history"},
		{"provider", "dev", func(e *app.Environment) { e.Payment.Provider = "barter" }, `Payment.Provider is "barter": it must be http or sandbox`},
		{"sandbox with an endpoint", "dev", func(e *app.Environment) { e.Payment.Endpoint = "https://pay.example" }, `Payment.Endpoint is "https://pay.example"`},
		{"sandbox with a timeout", "dev", func(e *app.Environment) { e.Payment.Timeout = time.Second }, "Payment.Timeout is 1s"},
		{"provider without TLS", "prod", func(e *app.Environment) { e.Payment.Endpoint = "http://pay.example" }, "the provider's https URL"},
		{"provider with a password", "prod", func(e *app.Environment) { e.Payment.Endpoint = "https://us:secret@pay.example" }, "Payment.Endpoint"},
		{"provider that may take longer than its step", "prod", func(e *app.Environment) { e.Payment.Timeout = 21 * time.Second }, "Payment.Timeout is 21s"},
		{"records go too soon", "dev", func(e *app.Environment) { e.RecordRetention = 109 }, "RecordRetention is 109: it must be at least 110 days"},
		{"no log retention", "dev", func(e *app.Environment) { e.LogRetention = "" }, `LogRetention is ""`},
		{"logs for ever", "dev", func(e *app.Environment) { e.LogRetention = awslogs.RetentionDays_INFINITE }, `LogRetention is "INFINITE"`},
		{"log level that drops metrics", "dev", func(e *app.Environment) { e.LogLevel = gofunction.Warn }, `LogLevel is "WARN"`},
		{"removal policy", "dev", func(e *app.Environment) { e.RemovalPolicy = awscdk.RemovalPolicy_SNAPSHOT }, `RemovalPolicy is "SNAPSHOT"`},
		{"protected and yet deleted", "dev", func(e *app.Environment) { e.DeletionProtection = true }, "with DeletionProtection it must be RETAIN"},
		{"rate", "dev", func(e *app.Environment) { e.Throttle.Rate = 0 }, "Throttle.Rate is 0"},
		{"burst", "dev", func(e *app.Environment) { e.Throttle.Burst = -1 }, "Throttle.Burst is -1"},
		{"concurrency", "dev", func(e *app.Environment) { e.Concurrency = 1 }, "Concurrency is 1: it must be 2–1,000"},
		{"webhooks' concurrency", "dev", func(e *app.Environment) { e.WebhookConcurrency = 1001 }, "WebhookConcurrency is 1001"},
		{"outbox age", "dev", func(e *app.Environment) { e.OutboxAge = 24 * time.Hour }, "OutboxAge is 24h0m0s"},

		{"no alarms for a rollout", "staging", func(e *app.Environment) { e.Alarms = false }, "without Alarms it must be none"},
		{"rollout", "staging", func(e *app.Environment) { e.Rollout = gofunction.Canary(100, 5*time.Minute) }, "Rollout is \"Canary100Percent5Minutes\": the rollout must shift 1–99 percent"},
		{"prod that is updated in place", "prod", func(e *app.Environment) { e.Rollout = gofunction.Rollout{} }, "environment prod: Rollout is \"in place\": production must be Canary or Linear over at least 5m0s"},
		{"prod all at once", "prod", func(e *app.Environment) { e.Rollout = gofunction.AllAtOnce() }, `Rollout is "AllAtOnce": production must be`},
		{"prod in a hurry", "prod", func(e *app.Environment) { e.Rollout = gofunction.Linear(50, 4*time.Minute) }, `Rollout is "Linear50PercentEvery4Minutes"`},
		{"prod step by step", "prod", func(e *app.Environment) { e.Rollout = gofunction.Linear(10, time.Minute) }, ""},
		{"prod that is none", "dev", func(e *app.Environment) { e.Name = "prod" }, "environment prod: Production is false: an environment of this name is production"},
		{"production that is none", "staging", func(e *app.Environment) { e.Name = "production-eu" }, "Production is false"},
		{"prod without protection", "prod", func(e *app.Environment) { e.DeletionProtection = false },
			"environment prod: DeletionProtection is false: production must have it: set it to true"},
		{"prod without recovery", "prod", func(e *app.Environment) { e.PointInTimeRecovery = false }, "PointInTimeRecovery is false"},
		{"prod without a firewall", "prod", func(e *app.Environment) { e.WAF = false }, "WAF is false"},
		{"prod without a second factor", "prod", func(e *app.Environment) { e.RequireMFA = false }, "RequireMFA is false"},
		{"prod with leaked passwords", "prod", func(e *app.Environment) { e.ThreatProtection = false }, "ThreatProtection is false"},
		{"prod without alarms", "prod", func(e *app.Environment) { e.Alarms = false }, "Alarms is false: production must have it"},
		{"prod in the sandbox", "prod", func(e *app.Environment) { e.Payment = app.Payment{Provider: config.ProviderSandbox} },
			`Payment.Provider is "sandbox": production must charge real cards`},
		{"prod that says too much", "prod", func(e *app.Environment) { e.LogLevel = gofunction.Debug }, `LogLevel is "DEBUG"`},
		{"prod that logs every state", "prod", func(e *app.Environment) { e.WorkflowLog = orderworkflow.LogAll }, `WorkflowLog is "ALL"`},
		{"prod that forgets", "prod", func(e *app.Environment) { e.LogRetention = awslogs.RetentionDays_ONE_WEEK }, `LogRetention is "ONE_WEEK"`},
		{"prod that tells its schema", "prod", func(e *app.Environment) { e.GraphQLIntrospection = true }, "GraphQLIntrospection is true"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := environment(t, tt.of, tt.change).Validate()
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("error %v, want none", err)
			case tt.want != "" && err == nil:
				t.Errorf("no error, want one that contains %q", tt.want)
			case tt.want != "" && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("error %v, want one line that contains %q", err, tt.want)
			}
		})
	}
}

// A synthesis does not begin, and so needs no Node, while an environment is not
// what it has to be. Everything that is wrong is told at once.
func TestNewRefusesWhatIsNotGuarded(t *testing.T) {
	unguarded := environment(t, "prod", func(e *app.Environment) {
		e.DeletionProtection, e.PointInTimeRecovery, e.RemovalPolicy = false, false, awscdk.RemovalPolicy_DESTROY
	})
	nothing := func(*app.Environment) {}
	dev := environment(t, "dev", nothing)
	a, err := app.New(app.Options{Environments: []app.Environment{dev, unguarded, dev}})
	if a != nil || err == nil {
		t.Fatalf("app %v and error %v, want an error alone", a, err)
	}
	var fields []string
	for line := range strings.Lines(err.Error()) {
		if strings.HasPrefix(line, "environment prod: ") {
			fields = append(fields, strings.Fields(line)[2])
		}
	}
	if got, want := fmt.Sprint(fields), "[DeletionProtection PointInTimeRecovery RemovalPolicy]"; got != want {
		t.Errorf("fields %s, want %s, in:\n%v", got, want, err)
	}
	if !strings.Contains(err.Error(), "environment dev: there are two with this name") {
		t.Errorf("error %v, want it to tell of the two named dev", err)
	}
}
