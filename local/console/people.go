package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/orderflow-cdk/orderflow/client"
)

const (
	// maxTenants is how many tenants may be signed in on the page, maxPolls how many orders it polls at a time.
	maxTenants, maxPolls = 20, 64
	// slowestPoll and fastestPoll bound how often an order is polled, whatever Retry-After says.
	fastestPoll, slowestPoll = 25 * time.Millisecond, 2 * time.Second
	// settling is how long a request waits for the tenant's channels, the first time, so that they miss nothing of it.
	settling = 3 * time.Second
	// pollFor is how long an order is polled at most.
	pollFor = 30 * time.Minute
	// maxSent is how many requests are sent at once.
	maxSent = 200
	// maxAnswer is how much of an answer is shown, in bytes.
	maxAnswer = 1 << 20
)

// inside is a host of which the stack's transport makes its own gateway and GraphQL API.
const inside = "http://console.localhost"

// people are the tenants that are signed in on the page, and what it does in their name.
type people struct {
	c       *Console
	client  *http.Client
	mu      sync.Mutex
	tenants map[string]*tenant
	polls   int
	closed  bool // nothing more is begun
}

type tenant struct {
	token  string
	socket string // "opening", "open", or why there is none
	notes  []string
	ready  chan struct{} // closed when the channels are there, or will not be
}

// tenantState is what the page shows of a tenant.
type tenantState struct {
	Tenant    string   `json:"tenant"`
	WebSocket string   `json:"websocket"`
	Notes     []string `json:"notes,omitempty"`
}

func newPeople(c *Console) *people {
	return &people{c: c, client: &http.Client{
		Transport:     c.stack.Transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, tenants: map[string]*tenant{}}
}

var errClosed = errors.New("the page is closed")

func (p *people) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

func (p *people) state() []tenantState {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := []tenantState{}
	for _, name := range slices.Sorted(maps.Keys(p.tenants)) {
		t := p.tenants[name]
		all = append(all, tenantState{name, t.socket, slices.Clone(t.notes)})
	}
	return all
}

// token signs a tenant in, the first time with all that goes with it; again is for a token that was refused.
func (p *people) token(name string, again bool) (string, error) {
	if p.c.options.SignIn == nil || name == "" {
		return "", nil
	}
	p.mu.Lock()
	t := p.tenants[name]
	full := len(p.tenants) >= maxTenants
	known := ""
	if t != nil {
		known = t.token
	}
	p.mu.Unlock()
	if t != nil && !again {
		return known, nil
	}
	if t == nil && full {
		return "", badRequest{fmt.Errorf("%d tenants are signed in already", maxTenants)}
	}
	token, err := p.c.options.SignIn(name)
	if err != nil {
		return "", fmt.Errorf("signing %s in: %w", name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if t = p.tenants[name]; t != nil {
		t.token = token
		return token, nil
	}
	if p.closed {
		return "", errClosed
	}
	t = &tenant{token: token, socket: "opening", ready: make(chan struct{})}
	p.tenants[name] = t
	var channels sync.WaitGroup
	channels.Go(func() { p.welcome(name) })
	channels.Add(1)
	p.c.working.Go(func() { p.listen(name, sync.OnceFunc(channels.Done)) })
	p.c.working.Go(func() {
		channels.Wait()
		close(t.ready)
	})
	return token, nil
}

// settle waits until the channels of a tenant who just signed in are there, but not for long.
func (p *people) settle(ctx context.Context, name string) {
	p.mu.Lock()
	t := p.tenants[name]
	p.mu.Unlock()
	if t == nil {
		return
	}
	timer := time.NewTimer(settling)
	defer timer.Stop()
	select {
	case <-t.ready:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// welcome sends Options.OnSignIn.
func (p *people) welcome(name string) {
	for _, e := range p.c.options.OnSignIn {
		e.Path, e.Body = strings.ReplaceAll(e.Path, "{tenant}", url.PathEscape(name)), strings.ReplaceAll(e.Body, "{tenant}", url.PathEscape(name))
		note := e.Name + ": "
		if res, err := p.do(p.c.ctx, name, e); err != nil {
			note += err.Error()
		} else {
			note += strconv.Itoa(res.Status) + " " + http.StatusText(res.Status)
		}
		p.mu.Lock()
		p.tenants[name].notes = append(p.tenants[name].notes, note)
		p.mu.Unlock()
	}
}

func (p *people) socket(name, state string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tenants[name].socket = state
}

// listen keeps a websocket open on which the tenant's events come. They are seen in the stack's trace.
// settled is called when it is open for the first time, or cannot be opened.
func (p *people) listen(name string, settled func()) {
	defer settled()
	if !p.c.plan.hasGraphQL() {
		p.socket(name, "the template has no GraphQL API")
		return
	}
	cl, err := client.New(inside, client.Options{
		HTTPClient: p.client, GraphQLURL: inside + "/graphql", Tenant: name, UserAgent: "orderflow-console",
		Authorize: client.IDToken(func(context.Context) (string, error) { return p.token(name, true) }),
	})
	if err != nil {
		p.socket(name, err.Error())
		return
	}
	for p.c.ctx.Err() == nil {
		if sub, err := cl.Subscribe(p.c.ctx, client.SubscribeOptions{}); err != nil {
			p.socket(name, err.Error())
			settled()
		} else {
			p.socket(name, "open")
			settled()
			for _, err := range sub.All(p.c.ctx) {
				if err != nil {
					p.socket(name, err.Error())
					break
				}
			}
		}
		select {
		case <-p.c.ctx.Done():
		case <-time.After(slowestPoll):
		}
	}
}

// response is an answer of the gateway as the page shows it.
type response struct {
	Request Example     `json:"request"`
	Status  int         `json:"status"`
	Text    string      `json:"text"`
	Header  http.Header `json:"header"`
	Body    string      `json:"body"`
	// Milliseconds is how long it took by the wall clock.
	Milliseconds float64 `json:"ms"`
	OrderID      string  `json:"orderId,omitempty"`
	Error        string  `json:"error,omitempty"`
}

// do sends a request to the gateway in the name of a tenant; with a new token if the one that it has is refused.
func (p *people) do(ctx context.Context, name string, e Example) (*response, error) {
	token, err := p.token(name, false)
	if err != nil {
		return nil, err
	}
	res, err := p.try(ctx, token, e)
	if err == nil && res.Status == http.StatusUnauthorized && token != "" {
		if token, err = p.token(name, true); err != nil {
			return nil, err
		}
		res, err = p.try(ctx, token, e)
	}
	return res, err
}

func (p *people) try(ctx context.Context, token string, e Example) (*response, error) {
	if e.Method == "" {
		e.Method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, e.Method, inside+"/"+strings.TrimPrefix(e.Path, "/"), strings.NewReader(e.Body))
	if err != nil {
		return nil, badRequest{err}
	}
	if e.Body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	for k, v := range e.Header {
		req.Header.Set(k, v)
	}
	begun := time.Now()
	res, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	out := &response{
		Request: e, Status: res.StatusCode, Text: http.StatusText(res.StatusCode), Header: res.Header, Body: string(b),
		Milliseconds: float64(time.Since(begun).Microseconds()) / 1000,
	}
	if t, _, ok := parseTold(out.Body); ok {
		out.OrderID = t.OrderID
	}
	return out, nil
}

// signIn answers POST /signin.
func (c *Console) signIn(r *http.Request) (any, error) {
	var in struct{ Tenant string }
	if err := posted(r, &in); err != nil {
		return nil, err
	}
	if in.Tenant == "" {
		return nil, badRequest{errors.New("the tenant is missing")}
	}
	if c.options.SignIn == nil {
		return nil, badRequest{errors.New("this stack has no sign-in: Options.SignIn is not set")}
	}
	token, err := c.people.token(in.Tenant, true)
	return map[string]string{"tenant": in.Tenant, "token": token}, err
}

// send answers POST /send: it sends a request one or several times, all at once.
func (c *Console) send(r *http.Request) (any, error) {
	var in struct {
		Tenant  string
		Request Example
		Times   int
	}
	if err := posted(r, &in); err != nil {
		return nil, err
	}
	if in.Times = max(in.Times, 1); in.Times > maxSent {
		return nil, badRequest{fmt.Errorf("at most %d requests are sent at once", maxSent)}
	}
	if !strings.HasPrefix(in.Request.Path, "/") {
		return nil, badRequest{errors.New("the path must begin with /")}
	}
	if _, err := c.people.token(in.Tenant, false); err != nil {
		return nil, err
	}
	if !c.stack.Paused() {
		c.people.settle(r.Context(), in.Tenant)
	}
	answers := make([]*response, in.Times)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			res, err := c.people.do(r.Context(), in.Tenant, in.Request)
			if err != nil {
				res = &response{Request: in.Request, Error: err.Error()}
			}
			answers[i] = res
			c.hub.belongs(res.OrderID, in.Tenant)
			if location := res.Header.Get("Location"); res.Status == http.StatusAccepted && location != "" {
				c.people.follow(in.Tenant, location, res.OrderID)
			}
		})
	}
	all.Wait()
	return map[string]any{"responses": answers}, nil
}

// follow polls an order as a client does, until it is told not to come back: the answer has no Retry-After.
func (p *people) follow(name, location, order string) {
	u, err := url.Parse(location)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.polls >= maxPolls {
		return
	}
	p.polls++
	p.c.working.Go(func() {
		defer func() {
			p.mu.Lock()
			p.polls--
			p.mu.Unlock()
		}()
		ctx, cancel := context.WithTimeout(p.c.ctx, pollFor)
		defer cancel()
		wait := fastestPoll
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			res, err := p.do(ctx, name, Example{Method: http.MethodGet, Path: u.RequestURI()})
			switch {
			case err != nil || res.Status == http.StatusTooManyRequests || res.Status >= http.StatusInternalServerError:
				wait = slowestPoll
			case res.Header.Get("Retry-After") == "":
				p.c.hub.finish(order)
				return
			default:
				wait = min(wait*3/2, slowestPoll)
			}
		}
	})
}

// belongs notes whose order it is, which the answer to its request does not say.
func (h *hub) belongs(id, tenant string) {
	h.catchUp()
	h.mu.Lock()
	defer h.mu.Unlock()
	if a := h.orders.byID[id]; a != nil && a.Tenant == "" {
		a.Tenant = tenant
		h.orders.touch(a, a.Last)
	}
}

// finish notes that an order is at its end.
func (h *hub) finish(id string) {
	h.catchUp()
	h.mu.Lock()
	defer h.mu.Unlock()
	if a := h.orders.byID[id]; a != nil {
		a.Final = true
		h.orders.touch(a, a.Last)
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// rawJSON is a document as it is, or a string if it is none.
func rawJSON(b []byte) json.RawMessage {
	if json.Valid(b) {
		return b
	}
	text, _ := json.Marshal(string(b)) // a string always can
	return text
}
