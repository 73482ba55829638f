// Package config is the environment of each function: the names of the
// variables, one struct per function, and a loader that reports everything
// missing or malformed at once. It imports neither the CDK nor the AWS SDK, so
// that the infrastructure sets exactly what the functions read.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Names of the environment variables.
const (
	// OrdersTableName is the name of the table of orders.
	OrdersTableName = "ORDERS_TABLE_NAME"
	// StateMachineARN is the ARN of the workflow that an order starts.
	StateMachineARN = "STATE_MACHINE_ARN"
	// InventoryTableName is the name of the table of stock, reservations and shipments.
	InventoryTableName = "INVENTORY_TABLE_NAME"
	// RetentionDays is after how many days (1 to 36500) a record expires, or 0: never.
	// An order's record must stay for at least MinOrderRetention.
	RetentionDays = "RETENTION_DAYS"

	// PaymentProvider is ProviderHTTP or ProviderSandbox.
	PaymentProvider = "PAYMENT_PROVIDER"
	// PaymentEndpoint is the https URL of the provider, only for ProviderHTTP.
	PaymentEndpoint = "PAYMENT_ENDPOINT"
	// PaymentSecretARN is the ARN of the secret with the provider's API key, only for ProviderHTTP.
	PaymentSecretARN = "PAYMENT_SECRET_ARN"
	// PaymentTimeout is how long one call of the provider may take, such as "10s", only for ProviderHTTP.
	PaymentTimeout = "PAYMENT_TIMEOUT"

	// TopicARN is the ARN of the SNS topic to which order events are published.
	TopicARN = "TOPIC_ARN"
	// GraphQLEndpoint is the https URL of the AppSync API to which order events are published.
	GraphQLEndpoint = "GRAPHQL_ENDPOINT"
	// CountedEnds are the statuses in which orders end as completed, rejected, failed and cancelled, in this order
	// and with commas between them. Where it is set, orders are counted.
	CountedEnds = "COUNTED_ENDS"

	// WebhooksTableName is the name of the table of webhook endpoints.
	WebhooksTableName = "WEBHOOKS_TABLE_NAME"
	// WebhookStatuses are the statuses that webhooks can choose, with commas between them. It may be missing.
	WebhookStatuses = "WEBHOOK_STATUSES"
	// DeliveryQueueURL is the URL of the queue of events and deliveries to webhook endpoints.
	DeliveryQueueURL = "DELIVERY_QUEUE_URL"
	// DeadLetterQueueURL is the URL of the queue of deliveries that can no longer be made.
	DeadLetterQueueURL = "DEAD_LETTER_QUEUE_URL"

	// LogLevel is DEBUG, INFO, WARN or ERROR.
	LogLevel = "LOG_LEVEL"
	// MetricsNamespace is the CloudWatch namespace of the function's metrics.
	MetricsNamespace = "METRICS_NAMESPACE"
)

// Values of PaymentProvider.
const (
	ProviderHTTP    = "http"
	ProviderSandbox = "sandbox"
)

// Common is what every function reads.
type Common struct {
	LogLevel         slog.Level
	MetricsNamespace string
}

// Intake is the environment of intake.
type Intake struct {
	Common
	OrdersTable     string
	StateMachineARN string
	Retention       time.Duration // 0: records never expire
}

// Warehouse is the environment of reserve, release and ship.
type Warehouse struct {
	Common
	InventoryTable string
	Retention      time.Duration // of reservations; 0: they never expire; not read by ship
}

// Payment is the environment of charge and refund.
type Payment struct {
	Common
	Provider string // ProviderHTTP or ProviderSandbox

	Endpoint  *url.URL      // ProviderHTTP
	SecretARN string        // ProviderHTTP
	Timeout   time.Duration // ProviderHTTP

	InventoryTable string // ProviderSandbox, charge only: it counts the attempts of a flaky card
}

// Notify is the environment of notify. At least one of its channels is set.
type Notify struct {
	Common
	TopicARN        string   // "": events are not published to SNS
	GraphQLEndpoint *url.URL // nil: events are not published to AppSync
	CountedEnds     *Ends    // nil: orders are not counted
}

// Ends are the statuses in which orders end.
type Ends struct{ Completed, Rejected, Failed, Cancelled string }

// Webhooks is the environment of managewebhooks and deliverwebhook.
type Webhooks struct {
	Common
	WebhooksTable      string
	DeliveryQueueURL   string
	DeadLetterQueueURL string   // deliverwebhook only
	Statuses           []string // managewebhooks only: those that a webhook can choose; nil: any
}

// MinOrderRetention is how long an order must be kept at least. Once its record is
// gone, a client can submit another order under the same Idempotency-Key, and so the
// same execution name. Step Functions keeps a name for 90 days after its execution
// has ended (API reference, StartExecution): until then the other order would be
// recorded, and never start. The rest is for an order that itself started late: four
// days in the queue, 14 in the dead-letter queue.
const MinOrderRetention = 110 * 24 * time.Hour

// Getenv looks an environment variable up; "" where it is not set.
type Getenv func(name string) string

// LoadIntake reads the environment of intake.
func LoadIntake(getenv Getenv) (Intake, error) {
	r := reader{getenv: getenv}
	c := Intake{
		Common:          r.common(),
		OrdersTable:     r.text(OrdersTableName),
		StateMachineARN: r.text(StateMachineARN),
		Retention:       r.days(RetentionDays),
	}
	if c.Retention > 0 && c.Retention < MinOrderRetention {
		r.note(RetentionDays, "must be 0 or at least %d days for orders, got %q", MinOrderRetention/(24*time.Hour), getenv(RetentionDays))
	}
	return c, r.err()
}

// LoadShip reads the environment of ship, which makes no records of its own.
func LoadShip(getenv Getenv) (Warehouse, error) {
	r := reader{getenv: getenv}
	c := Warehouse{Common: r.common(), InventoryTable: r.text(InventoryTableName)}
	return c, r.err()
}

// LoadWarehouse reads the environment of reserve or release.
func LoadWarehouse(getenv Getenv) (Warehouse, error) {
	r := reader{getenv: getenv}
	c := Warehouse{
		Common:         r.common(),
		InventoryTable: r.text(InventoryTableName),
		Retention:      r.days(RetentionDays),
	}
	return c, r.err()
}

// LoadCharge reads the environment of charge.
func LoadCharge(getenv Getenv) (Payment, error) {
	r := reader{getenv: getenv}
	c := r.payment()
	if c.Provider == ProviderSandbox {
		c.InventoryTable = r.text(InventoryTableName)
	}
	return c, r.err()
}

// LoadRefund reads the environment of refund.
func LoadRefund(getenv Getenv) (Payment, error) {
	r := reader{getenv: getenv}
	c := r.payment()
	return c, r.err()
}

// LoadNotify reads the environment of notify.
func LoadNotify(getenv Getenv) (Notify, error) {
	r := reader{getenv: getenv}
	c := Notify{Common: r.common(), TopicARN: getenv(TopicARN)}
	graphQL := getenv(GraphQLEndpoint)
	if graphQL != "" {
		c.GraphQLEndpoint = r.endpoint(GraphQLEndpoint)
	}
	if c.TopicARN == "" && graphQL == "" {
		r.note(TopicARN, "or %s must be set", GraphQLEndpoint)
	}
	if v := getenv(CountedEnds); v != "" {
		if ends := strings.Split(v, ","); len(ends) == 4 && !slices.Contains(ends, "") {
			c.CountedEnds = &Ends{ends[0], ends[1], ends[2], ends[3]}
		} else {
			r.note(CountedEnds, "must be four statuses with commas between them, got %q", v)
		}
	}
	return c, r.err()
}

// LoadManageWebhooks reads the environment of managewebhooks.
func LoadManageWebhooks(getenv Getenv) (Webhooks, error) {
	r := reader{getenv: getenv}
	c := r.webhooks()
	if v := getenv(WebhookStatuses); v != "" {
		c.Statuses = strings.Split(v, ",")
	}
	return c, r.err()
}

// LoadDeliverWebhook reads the environment of deliverwebhook.
func LoadDeliverWebhook(getenv Getenv) (Webhooks, error) {
	r := reader{getenv: getenv}
	c := r.webhooks()
	c.DeadLetterQueueURL = r.text(DeadLetterQueueURL)
	return c, r.err()
}

// reader collects what is wrong.
type reader struct {
	getenv   Getenv
	problems []error
}

func (r *reader) note(name, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(name+" "+format, args...))
}

func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	return fmt.Errorf("environment: %w", joined(r.problems))
}

// joined is errors.Join on one line, as a log line wants it.
type joined []error

func (j joined) Unwrap() []error { return j }
func (j joined) Error() string {
	return strings.ReplaceAll(errors.Join(j...).Error(), "\n", "; ")
}

func (r *reader) text(name string) string {
	v := r.getenv(name)
	if v == "" {
		r.note(name, "is not set")
	}
	return v
}

func (r *reader) oneOf(name string, values ...string) string {
	v := r.text(name)
	if v != "" && !slices.Contains(values, v) {
		r.note(name, "must be one of %s, got %q", strings.Join(values, ", "), v)
	}
	return v
}

func (r *reader) days(name string) time.Duration {
	v := r.text(name)
	if v == "" {
		return 0
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 36500 {
		r.note(name, "must be 0 to 36500 days, got %q", v)
		return 0
	}
	return time.Duration(n) * 24 * time.Hour
}

func (r *reader) duration(name string) time.Duration {
	v := r.text(name)
	if v == "" {
		return 0
	}
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 || d > 15*time.Minute {
		r.note(name, "must be a duration of more than 0s and at most 15m, such as 10s, got %q", v)
		return 0
	}
	return d
}

func (r *reader) endpoint(name string) *url.URL {
	v := r.text(name)
	if v == "" {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		r.note(name, "must be an https URL without credentials, query and fragment")
		return nil
	}
	return u
}

func (r *reader) common() Common {
	var c Common
	switch v := r.oneOf(LogLevel, "DEBUG", "INFO", "WARN", "ERROR"); v {
	case "DEBUG":
		c.LogLevel = slog.LevelDebug
	case "WARN":
		c.LogLevel = slog.LevelWarn
	case "ERROR":
		c.LogLevel = slog.LevelError
	}
	c.MetricsNamespace = r.text(MetricsNamespace)
	return c
}

func (r *reader) payment() Payment {
	c := Payment{Common: r.common(), Provider: r.oneOf(PaymentProvider, ProviderHTTP, ProviderSandbox)}
	if c.Provider == ProviderHTTP {
		c.Endpoint = r.endpoint(PaymentEndpoint)
		c.SecretARN = r.text(PaymentSecretARN)
		c.Timeout = r.duration(PaymentTimeout)
	}
	return c
}

func (r *reader) webhooks() Webhooks {
	return Webhooks{Common: r.common(), WebhooksTable: r.text(WebhooksTableName), DeliveryQueueURL: r.text(DeliveryQueueURL)}
}
