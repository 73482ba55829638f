package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Webhook is an endpoint to which the tenant's events are sent, signed by Standard
// Webhooks: package webhook receives them.
type Webhook struct {
	ID          string `json:"id"`
	URL         string `json:"url"`
	Description string `json:"description,omitempty"`
	// Statuses are those that it is told of; none: all.
	Statuses []string `json:"statuses,omitempty"`
	Enabled  bool     `json:"enabled"`
	// DisabledReason is "Gone" or "Failing" if orderflow disabled it.
	DisabledReason string    `json:"disabledReason,omitempty"`
	CreatedAt      time.Time `json:"createdAt"`
	// FailingSince is when attempts began to fail without a success since; zero if the last one succeeded.
	FailingSince time.Time `json:"failingSince,omitzero"`
	// LastFailure is nil if there was none ever.
	LastFailure *WebhookFailure `json:"lastFailure,omitempty"`
	// Secret verifies what is sent. It is told once: by CreateWebhook and RotateWebhookSecret.
	Secret string `json:"secret,omitempty"`
}

// WebhookFailure is what went wrong with an attempt.
type WebhookFailure struct {
	At     time.Time `json:"at"`
	Status int       `json:"status,omitempty"` // of the endpoint's answer; 0 if there was none
	Error  string    `json:"error"`
}

// NewWebhook describes an endpoint to be created.
type NewWebhook struct {
	// URL must be https and lead to a public address.
	URL         string   `json:"url"`
	Description string   `json:"description,omitempty"`
	Statuses    []string `json:"statuses,omitempty"` // default all
}

const webhooks = "webhooks"

// CreateWebhook makes an endpoint. The answer has its secret.
func (c *Client) CreateWebhook(ctx context.Context, w NewWebhook) (Webhook, error) {
	body, err := json.Marshal(w)
	if err != nil {
		return Webhook{}, fmt.Errorf("client: the webhook: %w", err)
	}
	return c.webhook(ctx, call{method: http.MethodPost, url: c.url(webhooks), body: body, repeat: ifThrottled, accept: []int{http.StatusCreated}})
}

// ListWebhooks returns the tenant's endpoints.
func (c *Client) ListWebhooks(ctx context.Context) ([]Webhook, error) {
	r, err := c.do(ctx, call{method: http.MethodGet, url: c.url(webhooks), accept: []int{http.StatusOK}})
	if err != nil {
		return nil, err
	}
	var all struct {
		Webhooks []Webhook `json:"webhooks"`
	}
	if err := r.into(&all); err != nil {
		return nil, err
	}
	return all.Webhooks, nil
}

// GetWebhook returns an endpoint.
func (c *Client) GetWebhook(ctx context.Context, id string) (Webhook, error) {
	return c.webhook(ctx, call{method: http.MethodGet, url: c.url(webhooks, id), accept: []int{http.StatusOK}})
}

// DeleteWebhook removes an endpoint. One that is not there (any more) is an ErrNotFound: an
// earlier attempt of this call may have removed it.
func (c *Client) DeleteWebhook(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, url: c.url(webhooks, id), accept: []int{http.StatusNoContent}})
	return err
}

// RotateWebhookSecret gives an endpoint a new secret, which the answer has. For 24
// hours more the old one signs as well.
func (c *Client) RotateWebhookSecret(ctx context.Context, id string) (Webhook, error) {
	return c.webhook(ctx, call{method: http.MethodPost, url: c.url(webhooks, id, "rotate"), repeat: ifThrottled, accept: []int{http.StatusOK}})
}

// EnableWebhook takes an endpoint into use again that was disabled.
func (c *Client) EnableWebhook(ctx context.Context, id string) (Webhook, error) {
	return c.webhook(ctx, call{method: http.MethodPost, url: c.url(webhooks, id, "enable"), accept: []int{http.StatusOK}})
}

// TestWebhook sends an event of the type webhook.test to an endpoint, and returns the event's id.
func (c *Client) TestWebhook(ctx context.Context, id string) (eventID string, err error) {
	r, err := c.do(ctx, call{method: http.MethodPost, url: c.url(webhooks, id, "test"), repeat: ifThrottled, accept: []int{http.StatusAccepted}})
	if err != nil {
		return "", err
	}
	var told struct {
		EventID string `json:"eventId"`
	}
	if err := r.into(&told); err != nil {
		return "", err
	}
	return told.EventID, nil
}

func (c *Client) webhook(ctx context.Context, k call) (Webhook, error) {
	r, err := c.do(ctx, k)
	if err != nil {
		return Webhook{}, err
	}
	var w Webhook
	if err := r.into(&w); err != nil {
		return Webhook{}, err
	}
	return w, nil
}
