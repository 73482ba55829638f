package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/event"
)

// What follows is the protocol of AppSync's real-time endpoint ("Building a
// real-time WebSocket client" in the AppSync developer guide).

const (
	subprotocol = "graphql-ws"
	// headerProtocol and the credentials in base64url are offered as a second subprotocol: the address,
	// the other place for them, ends up in logs.
	headerProtocol = "header-"
)

// fields are all that the mutation tells.
const fields = `{ id type orderId tenant status previousStatus sequence occurredAt changes }`

const (
	onOrderStatus = `subscription($orderId: ID!) { onOrderStatus(orderId: $orderId) ` + fields + ` }`
	onMyOrders    = `subscription { onMyOrders ` + fields + ` }`
	onMyOrdersTo  = `subscription($statuses: [String!]) { onMyOrders(statuses: $statuses) ` + fields + ` }`
)

// message is one frame, of either side.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// startPayload is that of a start: a GraphQL request as a text, and credentials for it.
type startPayload struct {
	Data       string `json:"data"`
	Extensions struct {
		Authorization map[string]string `json:"authorization"`
	} `json:"extensions"`
}

type graphQLRequest struct {
	Query     string         `json:"query"`
	Variables map[string]any `json:"variables"`
}

// awsEndpoint is what AppSync calls its own endpoints; every other host is a custom domain.
var awsEndpoint = regexp.MustCompile(`^([a-z0-9]+)\.appsync-api\.([a-z0-9-]+\.amazonaws\.com(\.cn)?)$`)

// realtimeURL is the address of the websockets of a GraphQL endpoint, "" if there is none.
func realtimeURL(graphQL, realtime string) (string, error) {
	if graphQL == "" {
		return "", nil
	}
	u, err := url.Parse(graphQL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", fmt.Errorf("client: GraphQLURL %q: must be http or https", graphQL)
	}
	if realtime != "" {
		r, err := url.Parse(realtime)
		if err != nil || !slices.Contains([]string{"ws", "wss", "http", "https"}, r.Scheme) || r.Host == "" {
			return "", fmt.Errorf("client: RealtimeURL %q: must be wss or ws", realtime)
		}
		return realtime, nil
	}
	if m := awsEndpoint.FindStringSubmatch(u.Host); m != nil {
		u.Host = m[1] + ".appsync-realtime-api." + m[2]
	} else {
		u = u.JoinPath("realtime")
	}
	u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	return u.String(), nil
}

// authorization is what proves who is asking, as members of a JSON object: the headers of a
// request to the GraphQL endpoint that has the same body. Signatures of IAM are made for
// /graphql/connect when connecting, for /graphql when subscribing.
func (c *Client) authorization(ctx context.Context, suffix string, body []byte) (map[string]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.options.GraphQLURL+suffix, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	// A length that is not told is not signed; AppSync does not know it.
	req.ContentLength = -1
	constant := map[string]string{
		"Accept": "application/json, text/javascript", "Content-Encoding": "amz-1.0", "Content-Type": "application/json; charset=UTF-8",
	}
	for name, value := range constant {
		req.Header.Set(name, value)
	}
	if err := c.options.AuthorizeGraphQL(req); err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	signed := strings.HasPrefix(req.Header.Get("Authorization"), "AWS4-")
	members := map[string]string{"host": req.URL.Host}
	for name, values := range req.Header {
		if _, ok := constant[name]; ok && !signed {
			continue // belongs to nothing but a signature
		}
		if name != "Authorization" { // as the guide writes them
			name = strings.ToLower(name)
		}
		members[name] = values[0]
	}
	return members, nil
}

// subprotocols are those to offer when connecting.
func (c *Client) subprotocols(ctx context.Context) ([]string, error) {
	members, err := c.authorization(ctx, "/connect", []byte("{}"))
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	return []string{subprotocol, headerProtocol + base64.RawURLEncoding.EncodeToString(b)}, nil
}

// start is the message that begins a subscription.
func (c *Client) start(ctx context.Context, id, query string, variables map[string]any) (*message, error) {
	if variables == nil {
		variables = map[string]any{}
	}
	data, err := json.Marshal(graphQLRequest{query, variables})
	if err != nil {
		return nil, err
	}
	p := startPayload{Data: string(data)}
	if p.Extensions.Authorization, err = c.authorization(ctx, "", data); err != nil {
		return nil, err
	}
	payload, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return &message{Type: "start", ID: id, Payload: payload}, nil
}

// SubscriptionError is AppSync's refusal of a connection or a subscription, or that it ended one.
type SubscriptionError struct {
	// Type is AppSync's word for it, such as UnauthorizedException; Message is its
	// explanation. Either may be "".
	Type    string
	Message string
	// Code is like an HTTP status; 0 if there is none.
	Code int
}

// Error implements error.
func (e *SubscriptionError) Error() string {
	parts := []string{"subscription refused"}
	for _, s := range []string{e.Type, e.Message} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// Is makes errors.Is find ErrUnauthorized.
func (e *SubscriptionError) Is(target error) bool {
	return target == ErrUnauthorized && (e.Code == 401 || e.Code == 403 || strings.Contains(e.Type, "Unauthorized") || strings.Contains(e.Type, "NotAuthorized"))
}

// refused reads the errors of a payload.
func refused(payload json.RawMessage) *SubscriptionError {
	var p struct {
		Errors []struct {
			ErrorType string          `json:"errorType"`
			Message   string          `json:"message"`
			ErrorCode json.RawMessage `json:"errorCode"`
		} `json:"errors"`
		// So the endpoint answers a handshake that it does not like.
		ErrorType string `json:"errorType"`
		Message   string `json:"message"`
	}
	if json.Unmarshal(payload, &p) != nil {
		return &SubscriptionError{Message: string(payload[:min(len(payload), maxDetail)])}
	}
	if len(p.Errors) == 0 {
		return &SubscriptionError{Type: p.ErrorType, Message: p.Message}
	}
	e := &SubscriptionError{Type: p.Errors[0].ErrorType, Message: p.Errors[0].Message}
	_ = json.Unmarshal(p.Errors[0].ErrorCode, &e.Code) // where it is no number, there is none
	return e
}

// pushed reads the event of a data message.
func pushed(payload json.RawMessage) (event.Event, error) {
	var p struct {
		Data   map[string]*pushedEvent `json:"data"`
		Errors []json.RawMessage       `json:"errors"`
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		return event.Event{}, fmt.Errorf("event by websocket: %w", err)
	}
	if len(p.Errors) > 0 {
		return event.Event{}, fmt.Errorf("event by websocket: %w", refused(payload))
	}
	for _, e := range p.Data {
		if e == nil {
			break
		}
		if e.OrderID == "" || e.Status == "" || e.Sequence < 1 || e.ID != event.ID(e.OrderID, e.Sequence) {
			return event.Event{}, fmt.Errorf("event by websocket: %s is not an event of an order", e.ID)
		}
		changes, err := pushedChanges(e.Changes)
		if err != nil {
			return event.Event{}, fmt.Errorf("event by websocket: changes of %s: %w", e.ID, err)
		}
		return event.Event{
			ID: e.ID, Type: e.Type, OrderID: e.OrderID, Tenant: e.Tenant, Status: e.Status, PreviousStatus: e.PreviousStatus,
			Sequence: e.Sequence, OccurredAt: e.OccurredAt.UTC(), Changes: changes,
		}, nil
	}
	return event.Event{}, errors.New("event by websocket: the message has no event")
}

// pushedEvent is event.Event in the types of GraphQL.
type pushedEvent struct {
	ID             string          `json:"id"`
	Type           string          `json:"type"`
	OrderID        string          `json:"orderId"`
	Tenant         string          `json:"tenant"`
	Status         string          `json:"status"`
	PreviousStatus string          `json:"previousStatus"`
	Sequence       int64           `json:"sequence"`
	OccurredAt     time.Time       `json:"occurredAt"`
	Changes        json.RawMessage `json:"changes"` // AWSJSON: a text that is JSON
}

// maxEncoded is how many texts within texts AWSJSON may be.
const maxEncoded = 2

// pushedChanges reads an AWSJSON: a text that is JSON. In the messages of a subscription users have seen a
// text in a text, where the answer to a query has it once (aws-mobile-appsync-sdk-js issue 533,
// aws-mobile-appsync-sdk-ios issue 375). AWS does not document it, so either will do.
func pushedChanges(raw json.RawMessage) (event.Changes, error) {
	for range maxEncoded {
		if len(raw) == 0 || raw[0] != '"' {
			break
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return event.Changes{}, err
		}
		raw = bytes.TrimSpace([]byte(text))
	}
	var c event.Changes
	if len(raw) == 0 {
		return c, nil
	}
	err := json.Unmarshal(raw, &c)
	return c, err
}
