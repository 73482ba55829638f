package console

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

//go:embed static
var static embed.FS

// Options says what the page offers besides what the template says. The zero value is useful.
type Options struct {
	// Path is where the page is mounted; default "/console".
	Path string
	// Title is the page's name; default "orderflow".
	Title string
	// Requests are examples to send to the gateway. Default: none; any request can be typed in.
	Requests []Example
	// Tenants are suggested for signing in; default "acme".
	Tenants []string
	// SignIn returns a token of a user of the tenant, which is sent as Authorization.
	// Default: requests are sent without one.
	SignIn func(tenant string) (token string, err error)
	// OnSignIn are sent once for each tenant that signs in, such as the registration of a webhook. In path and
	// body, {tenant} is replaced by the tenant. Default: none.
	OnSignIn []Example
	// Faults are switches that are offered by their Name; any other fault can be composed. Default: none.
	Faults []local.Fault
	// Inbox is what receives the webhooks, if the stack's Egress leads there: see Inbox.
	Inbox *Inbox
	// Explanations are reasons for permissions that are not used, or wide. Default: none.
	Explanations []local.Explanation
	// Hosts are names under which the page is reached, besides localhost and literal addresses.
	Hosts []string
}

// Example is a request of the gateway.
type Example struct {
	// Name is for people.
	Name string `json:"name"`
	// Method defaults to POST.
	Method string `json:"method"`
	Path   string `json:"path"`
	// Header are headers besides Authorization; with a body, Content-Type is application/json.
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body,omitempty"`
}

func (o Options) withDefaults() Options {
	if o.Path == "" {
		o.Path = "/console"
	}
	o.Path = "/" + strings.Trim(o.Path, "/")
	if o.Title == "" {
		o.Title = "orderflow"
	}
	if len(o.Tenants) == 0 {
		o.Tenants = []string{"acme"}
	}
	return o
}

// Console is the page of a stack. It is an http.Handler for everything below Options.Path.
type Console struct {
	stack   *local.Stack
	options Options
	mux     *http.ServeMux
	hub     *hub
	people  *people
	jobs    jobs
	stop    func() // observing
	ctx     context.Context
	cancel  context.CancelFunc
	working sync.WaitGroup
	plan    plan
}

var _ http.Handler = (*Console)(nil)

// New returns the page of a stack, which should run in real time. It watches the stack until Close.
func New(stack *local.Stack, o Options) *Console {
	c := &Console{stack: stack, options: o.withDefaults()}
	c.plan.stack = stack
	c.hub = newHub(c.plan.place)
	c.plan.changed = func() { c.hub.tell("template", struct{}{}) }
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.people = newPeople(c)
	c.mux = c.routes()
	c.stop = stack.Observe(c.hub.observe)
	c.working.Go(func() { c.hub.run(c.ctx) })
	return c
}

// Close ends the watching, open streams and what was started on the page. It can be called several times, and is best
// called when the server shuts down (http.Server.RegisterOnShutdown): it would wait for the streams.
func (c *Console) Close() {
	c.stop()
	c.people.close()
	c.cancel()
	c.working.Wait()
}

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	if !c.hostAllowed(r.Host) {
		http.Error(w, "this name is none of the console's: use localhost or an address", http.StatusMisdirectedRequest)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if reason := foreign(r); reason != "" {
			http.Error(w, reason, http.StatusForbidden)
			return
		}
	}
	c.mux.ServeHTTP(w, r)
}

func (c *Console) routes() *http.ServeMux {
	mux := http.NewServeMux()
	base := c.options.Path
	get := func(path string, f func(*http.Request) (any, error)) {
		mux.HandleFunc("GET "+base+"/api/"+path, func(w http.ResponseWriter, r *http.Request) {
			c.hub.catchUp()
			v, err := f(r)
			answer(w, v, err)
		})
	}
	post := func(path string, f func(*http.Request) (any, error)) {
		mux.HandleFunc("POST "+base+"/api/"+path, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxPosted)
			c.startJob(w, r, f)
		})
	}
	get("info", c.info)
	mux.HandleFunc("GET "+base+"/api/stream", c.stream)
	get("trace", c.trace)
	get("trace/{seq}", c.traceEvent)
	get("orders", c.orders)
	get("orders/{id}", c.order)
	get("architecture", c.architecture)
	get("resources/{id}", c.resource)
	get("queues", c.queues)
	get("queues/{id}", c.queue)
	get("machines", c.machines)
	get("executions", c.executions)
	get("execution", c.execution)
	get("tables", c.tables)
	get("tables/{id}", c.table)
	get("logs", c.logs)
	get("faults", c.faults)
	get("permissions", c.permissions)
	post("signin", c.signIn)
	post("send", c.send)
	post("queues/{id}/redrive", c.redrive)
	post("queues/{id}/purge", c.purge)
	post("executions/stop", c.stopExecution)
	post("faults", c.setFaults)
	post("inbox", c.setInbox)
	post("time", c.setTime)
	for _, method := range []string{"GET ", "POST "} {
		mux.HandleFunc(method+base+"/api/", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil, errNotFound) })
	}

	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // The folder is part of the program.
	}
	served := http.StripPrefix(base+"/static/", http.FileServerFS(files))
	mux.HandleFunc("GET "+base+"/static/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		served.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET "+base+"/", c.page)
	mux.HandleFunc("GET "+base, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, base+"/", http.StatusMovedPermanently)
	})
	return mux
}

// maxPosted is the largest body that the page posts, in bytes: ten times the largest order.
const maxPosted = 4 << 20

// page is the one page of all paths, which are the page's own.
func (c *Console) page(w http.ResponseWriter, _ *http.Request) {
	b, err := static.ReadFile("static/index.html")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(strings.ReplaceAll(string(b), "{{base}}", c.options.Path))) // to a client that may be gone
}

var errNotFound = errors.New("there is no such thing")

// badRequest is an error of who asks.
type badRequest struct{ error }

func answer(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		status := http.StatusBadGateway
		var bad badRequest
		switch {
		case errors.Is(err, errNotFound):
			status = http.StatusNotFound
		case errors.As(err, &bad):
			status = http.StatusBadRequest
		}
		w.WriteHeader(status)
		v = map[string]string{"error": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(v) // to a client that may be gone
}

// patience is how long an answer is waited for before the page is told that it will come
// by the stream. While time is paused it comes only when time goes on.
const patience = 1500 * time.Millisecond

// maxJobs is how many of the page's actions may be under way.
const maxJobs = 256

// jobs counts the page's actions that are under way.
type jobs struct {
	mu      sync.Mutex
	running int
	last    int
}

func (j *jobs) start() (id int, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running >= maxJobs {
		return 0, false
	}
	j.running++
	j.last++
	return j.last, true
}

func (j *jobs) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.running--
}

// startJob answers with what f returns, if that is soon, or else says under which id the
// stream will tell of it.
func (c *Console) startJob(w http.ResponseWriter, r *http.Request, f func(*http.Request) (any, error)) {
	id, ok := c.jobs.start()
	if !ok {
		answer(w, nil, errors.New("too much is under way: while time is paused nothing is answered"))
		return
	}
	if err := readBody(r); err != nil {
		c.jobs.end()
		answer(w, nil, err)
		return
	}
	type outcome struct {
		v   any
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		defer c.jobs.end()
		v, err := f(r.WithContext(c.ctx))
		done <- outcome{v, err}
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case o := <-done:
		answer(w, o.v, o.err)
	case <-timer.C:
		go func() {
			select {
			case o := <-done:
				told := map[string]any{"job": id, "result": o.v}
				if o.err != nil {
					told["error"] = o.err.Error()
				}
				c.hub.tell("job", told)
			case <-c.ctx.Done():
			}
		}()
		answer(w, map[string]int{"pending": id}, nil)
	}
}
