package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Options says how a Client behaves. The zero value can be used with an API that is
// reachable without credentials, such as one on this machine.
type Options struct {
	// HTTPClient makes the requests; default one with a timeout of 35 s, a little more than API
	// Gateway's own 29. Redirects are not followed.
	HTTPClient *http.Client
	// Authorize adds credentials to a request, anew for every attempt: see [IDToken],
	// [BearerToken], [APIKey] and package client/sigv4. Its context is the call's.
	Authorize func(*http.Request) error
	// Path is that of the orders below the base URL; default "orders".
	Path string

	// GraphQLURL is the endpoint of the AppSync API, https://….appsync-api.<region>.amazonaws.com/graphql
	// or a custom domain's. With it Watch uses a websocket.
	GraphQLURL string
	// RealtimeURL is where AppSync's websockets are; default what follows from GraphQLURL: the host's
	// appsync-api becomes appsync-realtime-api, and to a custom domain's path /realtime is appended.
	RealtimeURL string
	// AuthorizeGraphQL is Authorize for AppSync; default Authorize. With IAM the two
	// sign for different services.
	AuthorizeGraphQL func(*http.Request) error
	// RealtimeTimeout is how long AppSync may take to accept a connection, and to acknowledge a
	// subscription; default 15 s.
	RealtimeTimeout time.Duration

	// Tenant is whose orders these are. It is only told on, in events that are made from an order's
	// history, which does not name the tenant.
	Tenant string

	Retry Retry
	// UserAgent is sent with every request; default "orderflow-go".
	UserAgent string

	// Sleep waits; default by the wall clock. It returns early, with the context's
	// error, when the context ends. Now is the clock; default time.Now. With both, polling runs in virtual time.
	Sleep func(ctx context.Context, d time.Duration) error
	Now   func() time.Time
	// Random gives a number in [0,1), to spread retries; default from math/rand.
	Random func() float64
	// NewKey makes the idempotency key of a Submit that has none; default 32 random
	// hexadecimal digits.
	NewKey func() string
}

func (o Options) withDefaults() Options {
	c := http.Client{Timeout: 35 * time.Second}
	if o.HTTPClient != nil {
		c = *o.HTTPClient
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.HTTPClient = &c
	none := func(*http.Request) error { return nil }
	if o.Authorize == nil {
		o.Authorize = none
	}
	if o.AuthorizeGraphQL == nil {
		o.AuthorizeGraphQL = o.Authorize
	}
	if o.Path == "" {
		o.Path = "orders"
	}
	if o.RealtimeTimeout == 0 {
		o.RealtimeTimeout = 15 * time.Second
	}
	if o.UserAgent == "" {
		o.UserAgent = "orderflow-go"
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.NewKey == nil {
		o.NewKey = newKey
	}
	o.Retry = o.Retry.withDefaults()
	return o
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Client talks to one API. It is safe for concurrent use, and needs no closing: its
// websockets are open only while something is watched.
type Client struct {
	base     *url.URL
	options  Options
	statuses cache

	realtime string        // "" if there is no GraphQL API
	dialing  chan struct{} // held while a socket is chosen or opened
	mu       sync.Mutex
	sockets  []*socket
}

// New returns a client of the API at a base URL: that of the stage (the stack's output ApiUrl)
// or of a custom domain, to which /orders is appended.
func New(baseURL string, o Options) (*Client, error) {
	var errs []error
	base, err := url.Parse(baseURL)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" || base.RawQuery != "" || base.Fragment != "" {
		errs = append(errs, fmt.Errorf("client: base URL %q: must be http or https, without a query", baseURL))
	} else {
		base = base.JoinPath("/")
	}
	realtime, err := realtimeURL(o.GraphQLURL, o.RealtimeURL)
	errs = append(errs, err)
	if strings.Contains(o.Path, "/") {
		errs = append(errs, fmt.Errorf("client: path %q: must be one segment", o.Path))
	}
	errs = append(errs, o.Retry.validate())
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c := &Client{base: base, options: o.withDefaults(), realtime: realtime, dialing: make(chan struct{}, 1)}
	return c, nil
}

// url is the address of something below the base URL.
func (c *Client) url(segments ...string) string {
	escaped := make([]string, len(segments))
	for i, s := range segments {
		escaped[i] = url.PathEscape(s)
		if s == "." || s == ".." {
			escaped[i] = strings.ReplaceAll(s, ".", "%2E") // else it would be another address
		}
	}
	return c.base.String() + strings.Join(escaped, "/")
}
