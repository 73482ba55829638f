package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Options configure a transport. The zero value is right for Lambda.
type Options struct {
	// Resolver looks names up. Default: net.DefaultResolver.
	Resolver *net.Resolver
	// RootCAs are the authorities whose certificates are accepted. Default: those of the system.
	RootCAs *x509.CertPool
	// Proxy is the proxy through which a request goes, or nil for none, as in http.Transport; http.ProxyFromEnvironment is one.
	// What goes through a proxy is judged by its URL alone: the proxy resolves the name, and judging the address is its business.
	// Default: no proxy, whatever the environment says.
	Proxy func(*http.Request) (*url.URL, error)
	// Allow admits an address that is not public; it is only for tests. Default: none.
	Allow func(netip.Addr) bool
}

// Bounds of a transport. A webhook is one small POST with an answer of a line.
const (
	dialTimeout       = 5 * time.Second
	tlsTimeout        = 5 * time.Second
	idleTimeout       = 30 * time.Second // by the wall clock: a connection of before the function was frozen is not used
	maxHeader         = 16 << 10         // bytes, of an answer's header
	maxIdle           = 100              // connections
	maxIdlePerHost    = 2
	maxPerHost        = 20
	headerReadBuffers = 4 << 10
)

// RefusedError says that a request was not made, or a connection not opened, because of
// where it would have gone. It is for the log: to whoever chose the host, Addr may tell
// something about the network that they did not know.
type RefusedError struct {
	Host string     // as in the URL, or what was dialed
	Addr netip.Addr // what the host resolved to; not valid if it did not come to that
	Why  string
}

func (e *RefusedError) Error() string {
	if e.Addr.IsValid() {
		return fmt.Sprintf("egress: %s at %s is refused: %s", e.Host, e.Addr, e.Why)
	}
	return fmt.Sprintf("egress: %s is refused: %s", e.Host, e.Why)
}

// NewClient returns a client that reaches public addresses only and returns
// redirects as they come.
func NewClient(o Options) *http.Client {
	return &http.Client{
		Transport:     NewTransport(o),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// NewTransport returns a transport that reaches public addresses only, over
// HTTPS with TLS 1.2 or later and HTTP/1.1, and through no proxy but that of the options. Its
// time limits are for the connection alone; that for the answer is the request's context.
func NewTransport(o Options) http.RoundTripper {
	direct := newTransport(o, dialer{o}.dial)
	if o.Proxy == nil {
		return &transport{direct: direct}
	}
	// A transport of its own, which never dials anything but the proxy, wherever that is.
	proxied := newTransport(o, (&net.Dialer{Timeout: dialTimeout}).DialContext)
	proxied.Proxy = func(r *http.Request) (*url.URL, error) {
		u, err := o.Proxy(r)
		if u == nil && err == nil {
			err = errNoProxy
		}
		return u, err
	}
	return &transport{direct, proxied, o}
}

// errNoProxy is the error of a request that was to go through a proxy, for which there is none any more.
var errNoProxy = errors.New("egress: the proxy is gone")

func newTransport(o Options, dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Transport {
	t := &http.Transport{
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
		TLSHandshakeTimeout:    tlsTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		MaxConnsPerHost:        maxPerHost,
		ReadBufferSize:         headerReadBuffers,
		DisableCompression:     true, // a body that is hardly read must not be inflated
		Protocols:              new(http.Protocols),
	}
	// One request, one answer: HTTP/2 would only add what can be attacked.
	t.Protocols.SetHTTP1(true)
	return t
}

type transport struct {
	direct, proxied *http.Transport // the latter is nil without Options.Proxy
	o               Options
}

// RoundTrip implements http.RoundTripper. It fails with a *RefusedError before anything is
// sent, if that is the reason.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	way, err := t.way(req)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // as a RoundTripper must, whatever comes of it
		}
		return nil, err
	}
	return way.RoundTrip(req)
}

// way is how a request goes out, if it may.
func (t *transport) way(req *http.Request) (*http.Transport, error) {
	if err := checkScheme(req.URL); err != nil {
		return nil, err
	}
	if t.proxied == nil {
		return t.direct, nil
	}
	proxy, err := t.o.Proxy(req)
	if err != nil {
		return nil, err
	}
	if proxy == nil {
		return t.direct, nil
	}
	return t.proxied, checkHost(req.URL)
}

// checkHost judges the host of a URL that a proxy is asked for, as far as that can be done without resolving it.
func checkHost(u *url.URL) error {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		if public, why := Public(a); !public {
			return &RefusedError{Host: u.Host, Addr: a, Why: "its address is not public (" + why + ")"}
		}
		return nil
	}
	if numeric(host) {
		return &RefusedError{Host: u.Host, Why: "its host is a number, but not an IP address in its usual form"}
	}
	if isLocal(host) {
		return &RefusedError{Host: u.Host, Why: "its name is local"}
	}
	return nil
}

// CloseIdleConnections is called by http.Client's method of that name.
func (t *transport) CloseIdleConnections() {
	t.direct.CloseIdleConnections()
	if t.proxied != nil {
		t.proxied.CloseIdleConnections()
	}
}

func checkScheme(u *url.URL) error {
	switch {
	case u.Scheme != "https":
		return &RefusedError{Host: u.Host, Why: "only https is possible"}
	case u.User != nil:
		return &RefusedError{Host: u.Host, Why: "a user and password in the URL would be sent along"}
	}
	return nil
}

type dialer struct{ o Options }

// dial connects to a public address of a host, tried in the order of the resolver.
func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	nd := net.Dialer{
		Timeout:  dialTimeout,
		Resolver: d.o.Resolver,
		Control: func(_, resolved string, _ syscall.RawConn) error {
			return d.judge(address, resolved)
		},
	}
	return nd.DialContext(ctx, network, address)
}

// judge is called with the address and port that are about to be connected.
func (d dialer) judge(host, resolved string) error {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ap, err := netip.ParseAddrPort(resolved)
	if err != nil {
		return &RefusedError{Host: host, Why: "what it resolves to is no address and port"}
	}
	public, why := Public(ap.Addr())
	if public || d.o.Allow != nil && d.o.Allow(ap.Addr()) {
		return nil
	}
	return &RefusedError{Host: host, Addr: ap.Addr(), Why: "its address is not public (" + why + ")"}
}
