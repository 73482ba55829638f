package config_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/config"
)

func TestLoadIntake(t *testing.T) {
	env := map[string]string{
		"LOG_LEVEL": "WARN", "METRICS_NAMESPACE": "orderflow", "ORDERS_TABLE_NAME": "orders",
		"STATE_MACHINE_ARN": "arn:x", "RETENTION_DAYS": "110",
	}
	got, err := config.LoadIntake(func(n string) string { return env[n] })
	want := config.Intake{
		Common:      config.Common{LogLevel: slog.LevelWarn, MetricsNamespace: "orderflow"},
		OrdersTable: "orders", StateMachineARN: "arn:x", Retention: 2640 * time.Hour,
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestAnOrderOutlivesItsExecutionsName(t *testing.T) {
	for value, ok := range map[string]bool{"0": true, "109": false, "110": true, "1": false} {
		env := map[string]string{
			"LOG_LEVEL": "WARN", "METRICS_NAMESPACE": "orderflow", "ORDERS_TABLE_NAME": "orders",
			"STATE_MACHINE_ARN": "arn:x", "RETENTION_DAYS": value,
		}
		_, err := config.LoadIntake(func(n string) string { return env[n] })
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "RETENTION_DAYS must be 0 or at least 110 days") {
			t.Errorf("RETENTION_DAYS=%s: %v", value, err)
		}
	}
}

func TestEverythingWrongIsReportedAtOnce(t *testing.T) {
	env := map[string]string{
		"LOG_LEVEL": "loud", "PAYMENT_PROVIDER": "http",
		"PAYMENT_ENDPOINT": "http://user@pay.example", "PAYMENT_TIMEOUT": "10",
	}
	_, err := config.LoadCharge(func(n string) string { return env[n] })
	want := `environment: LOG_LEVEL must be one of DEBUG, INFO, WARN, ERROR, got "loud"; METRICS_NAMESPACE is not set; ` +
		`PAYMENT_ENDPOINT must be an https URL without credentials, query and fragment; PAYMENT_SECRET_ARN is not set; ` +
		`PAYMENT_TIMEOUT must be a duration of more than 0s and at most 15m, such as 10s, got "10"`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if strings.Contains(err.Error(), "user@") {
		t.Error("the error repeats the URL's credentials")
	}
}

func TestMalformed(t *testing.T) {
	tests := []struct{ name, value string }{
		{config.RetentionDays, "-1"}, {config.RetentionDays, "36501"}, {config.RetentionDays, "a month"},
		{config.LogLevel, "info"},
	}
	good := map[string]string{
		"LOG_LEVEL": "INFO", "METRICS_NAMESPACE": "o", "INVENTORY_TABLE_NAME": "i", "RETENTION_DAYS": "0",
	}
	if c, err := config.LoadWarehouse(func(n string) string { return good[n] }); err != nil || c.Retention != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, test := range tests {
		_, err := config.LoadWarehouse(func(n string) string {
			if n == test.name {
				return test.value
			}
			return good[n]
		})
		if err == nil || !strings.Contains(err.Error(), test.name+" must be") || !strings.Contains(err.Error(), test.value) {
			t.Errorf("%s=%s: %v", test.name, test.value, err)
		}
	}
}

func TestLoadPayment(t *testing.T) {
	http := map[string]string{
		"LOG_LEVEL": "DEBUG", "METRICS_NAMESPACE": "o", "PAYMENT_PROVIDER": "http",
		"PAYMENT_ENDPOINT": "https://pay.example/v1", "PAYMENT_SECRET_ARN": "arn:s", "PAYMENT_TIMEOUT": "2s",
	}
	for _, load := range []func(config.Getenv) (config.Payment, error){config.LoadCharge, config.LoadRefund} {
		c, err := load(func(n string) string { return http[n] })
		if err != nil || c.Endpoint.String() != "https://pay.example/v1" || c.SecretARN != "arn:s" || c.Timeout != 2*time.Second || c.InventoryTable != "" {
			t.Errorf("%+v, %v", c, err)
		}
	}
	sandbox := map[string]string{"LOG_LEVEL": "INFO", "METRICS_NAMESPACE": "o", "PAYMENT_PROVIDER": "sandbox"}
	if _, err := config.LoadCharge(func(n string) string { return sandbox[n] }); err == nil || !strings.Contains(err.Error(), "INVENTORY_TABLE_NAME is not set") {
		t.Errorf("charge in the sandbox without its table: %v", err)
	}
	if _, err := config.LoadRefund(func(n string) string { return sandbox[n] }); err != nil {
		t.Errorf("refund in the sandbox: %v", err)
	}
}

func TestLoadNotify(t *testing.T) {
	const topic, api = "arn:aws:sns:eu-central-1:111122223333:events", "https://abc.appsync-api.eu-central-1.amazonaws.com/graphql"
	tests := []struct{ topic, endpoint, ends, problem string }{
		{topic, "", "", ""},
		{"", api, "", ""},
		{topic, api, "DONE,REFUSED,BROKEN,CANCELLED", ""},
		{"", "", "", "environment: TOPIC_ARN or GRAPHQL_ENDPOINT must be set"},
		{topic, "http://x", "", "environment: GRAPHQL_ENDPOINT must be an https URL without credentials, query and fragment"},
		{topic, "", "DONE,REFUSED,,CANCELLED", `environment: COUNTED_ENDS must be four statuses with commas between them, got "DONE,REFUSED,,CANCELLED"`},
	}
	for _, test := range tests {
		env := map[string]string{
			"LOG_LEVEL": "INFO", "METRICS_NAMESPACE": "o", "TOPIC_ARN": test.topic, "GRAPHQL_ENDPOINT": test.endpoint, "COUNTED_ENDS": test.ends,
		}
		c, err := config.LoadNotify(func(n string) string { return env[n] })
		if test.problem != "" {
			if err == nil || err.Error() != test.problem {
				t.Errorf("%+v: %v", test, err)
			}
			continue
		}
		if err != nil || c.TopicARN != test.topic || (c.GraphQLEndpoint == nil) != (test.endpoint == "") {
			t.Errorf("%+v: %+v, %v", test, c, err)
		}
		var want *config.Ends
		if test.ends != "" {
			want = &config.Ends{Completed: "DONE", Rejected: "REFUSED", Failed: "BROKEN", Cancelled: "CANCELLED"}
		}
		if diff := cmp.Diff(want, c.CountedEnds); diff != "" {
			t.Errorf("%+v: ends (-want +got)\n%s", test, diff)
		}
	}
}

func TestLoadWebhooks(t *testing.T) {
	env := map[string]string{
		"LOG_LEVEL": "INFO", "METRICS_NAMESPACE": "o", "WEBHOOKS_TABLE_NAME": "w",
		"DELIVERY_QUEUE_URL": "https://sqs/1/q", "DEAD_LETTER_QUEUE_URL": "https://sqs/1/dlq",
	}
	want := config.Webhooks{
		Common:        config.Common{LogLevel: slog.LevelInfo, MetricsNamespace: "o"},
		WebhooksTable: "w", DeliveryQueueURL: "https://sqs/1/q",
	}
	got, err := config.LoadManageWebhooks(func(n string) string { return env[n] })
	if got.Statuses != nil {
		t.Errorf("without WEBHOOK_STATUSES: %q", got.Statuses)
	}
	env["WEBHOOK_STATUSES"], want.Statuses = "PAID,FAILED", []string{"PAID", "FAILED"}
	if err == nil {
		got, err = config.LoadManageWebhooks(func(n string) string { return env[n] })
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("managewebhooks: %v (-want +got)\n%s", err, diff)
	}
	want.DeadLetterQueueURL, want.Statuses = "https://sqs/1/dlq", nil
	got, err = config.LoadDeliverWebhook(func(n string) string { return env[n] })
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("deliverwebhook: %v (-want +got)\n%s", err, diff)
	}
	delete(env, "DEAD_LETTER_QUEUE_URL")
	delete(env, "WEBHOOKS_TABLE_NAME")
	_, err = config.LoadDeliverWebhook(func(n string) string { return env[n] })
	if err == nil || err.Error() != "environment: WEBHOOKS_TABLE_NAME is not set; DEAD_LETTER_QUEUE_URL is not set" {
		t.Errorf("deliverwebhook: %v", err)
	}
}
