package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/dynamo"
)

// manageWebhooks keeps the webhooks that tenants register through the API.
type manageWebhooks struct {
	env       Env
	log       *slog.Logger
	endpoints *dynamo.Endpoints
	queue     *sqs.Client
	queueURL  string
	statuses  []string // that a webhook can choose; nil: any
}

var _ lambda.Handler = (*manageWebhooks)(nil)

// NewManageWebhooks returns the handler behind /webhooks. It answers what the
// gateway makes a response of; its errors are failures of AWS and of the gateway's template.
//
// IAM: dynamodb:GetItem, Query, PutItem, UpdateItem and DeleteItem on the table
// of webhooks, sqs:SendMessage on the queue of deliveries.
func NewManageWebhooks(env Env) (lambda.Handler, error) {
	c, err := config.LoadManageWebhooks(env.Getenv)
	if err != nil {
		return nil, err
	}
	return &manageWebhooks{
		env: env, log: newLogger(env.Log, env.Now, c.LogLevel),
		endpoints: &dynamo.Endpoints{Client: dynamodb.NewFromConfig(env.AWS), Table: c.WebhooksTable},
		queue:     sqs.NewFromConfig(env.AWS), queueURL: c.DeliveryQueueURL, statuses: c.Statuses,
	}, nil
}

// webhookRequest is what the gateway's mapping template makes of a request.
type webhookRequest struct {
	Tenant    string          `json:"tenant"`
	Operation string          `json:"operation"`
	ID        string          `json:"id"`
	Body      json.RawMessage `json:"body"`
}

// answer is what the gateway's mapping template makes a response of.
type answer struct {
	Status int `json:"status"`
	Body   any `json:"body,omitempty"`
}

// problem is a body of application/problem+json (RFC 9457), with the members that all problems of the
// API have.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	RequestID string `json:"requestId,omitempty"`
}

// refusal is a problem as an error.
type refusal struct {
	status       int
	code, detail string
}

func (r *refusal) Error() string { return r.detail }

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{status, code, fmt.Sprintf(format, args...)}
}

var errUnknownWebhook = refuse(http.StatusNotFound, "unknown-webhook", "There is no such webhook.")

// Invoke implements lambda.Handler.
func (h *manageWebhooks) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var r webhookRequest
	if err := json.Unmarshal(payload, &r); err != nil {
		return nil, &BadInput{Reason: err.Error()}
	}
	a, err := h.do(ctx, &r)
	attrs := []slog.Attr{
		slog.String("requestId", requestID(ctx)), slog.String("tenant", r.Tenant),
		slog.String("operation", r.Operation), slog.String("webhookId", r.ID),
	}
	var no *refusal
	switch {
	case errors.As(err, &no):
		a = answer{no.status, problem{"about:blank", http.StatusText(no.status), no.status, no.code, no.detail, requestID(ctx)}}
		h.log.LogAttrs(ctx, slog.LevelInfo, "request refused", append(attrs, slog.String("code", no.code), slog.String("cause", no.detail))...)
	case err != nil:
		h.log.LogAttrs(ctx, slog.LevelError, "request failed", append(attrs,
			slog.String("error", errorName(outcome(err))), slog.String("cause", err.Error()))...)
		return nil, outcome(err)
	default:
		h.log.LogAttrs(ctx, slog.LevelInfo, "request done", attrs...)
	}
	return json.Marshal(a)
}

// webhookID is the form of an endpoint's id. What has another was never one.
var webhookID = regexp.MustCompile(`^` + dynamo.EndpointPrefix + `[0-9a-f]{32}$`)

func (h *manageWebhooks) do(ctx context.Context, r *webhookRequest) (answer, error) {
	// The gateway's template cannot refuse a request. It says so in this way, and answers by itself.
	if r.Tenant == "" {
		return answer{}, refuse(http.StatusForbidden, "no-tenant", "The credentials name no tenant that webhooks could belong to.")
	}
	operations := map[string]func(context.Context, *webhookRequest) (answer, error){
		"Get": h.get, "Delete": h.delete, "Rotate": h.rotate, "Enable": h.enable, "Test": h.test,
	}
	switch operation, ok := operations[r.Operation]; {
	case r.Operation == "Create":
		return h.create(ctx, r)
	case r.Operation == "List":
		return h.list(ctx, r)
	case !ok:
		return answer{}, &BadInput{Reason: fmt.Sprintf("there is no operation %q", r.Operation)}
	case !webhookID.MatchString(r.ID):
		return answer{}, errUnknownWebhook
	default:
		return operation(ctx, r)
	}
}

func (h *manageWebhooks) list(ctx context.Context, r *webhookRequest) (answer, error) {
	all, err := h.endpoints.List(ctx, r.Tenant)
	if err != nil {
		return answer{}, err
	}
	list := make([]webhook, len(all))
	for i, e := range all {
		list[i] = shown(e)
	}
	return answer{http.StatusOK, map[string]any{"webhooks": list}}, nil
}

func (h *manageWebhooks) get(ctx context.Context, r *webhookRequest) (answer, error) {
	e, found, err := h.endpoints.Get(ctx, r.Tenant, r.ID)
	return one(shown(e), found, err)
}

func (h *manageWebhooks) delete(ctx context.Context, r *webhookRequest) (answer, error) {
	found, err := h.endpoints.Delete(ctx, r.Tenant, r.ID)
	if err == nil && !found {
		err = errUnknownWebhook
	}
	return answer{Status: http.StatusNoContent}, err
}

func (h *manageWebhooks) rotate(ctx context.Context, r *webhookRequest) (answer, error) {
	secret := newSecret()
	e, found, err := h.endpoints.Rotate(ctx, r.Tenant, r.ID, secret, h.env.Now())
	w := shown(e)
	w.Secret = secret
	return one(w, found, err)
}

func (h *manageWebhooks) enable(ctx context.Context, r *webhookRequest) (answer, error) {
	e, found, err := h.endpoints.Enable(ctx, r.Tenant, r.ID)
	return one(shown(e), found, err)
}

// one answers with a webhook, if there is one.
func one(w webhook, found bool, err error) (answer, error) {
	if err == nil && !found {
		err = errUnknownWebhook
	}
	return answer{http.StatusOK, w}, err
}
