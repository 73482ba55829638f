package local

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/authority"
)

// outlet is the proxy through which the processes reach everything but the stack itself. It ends TLS, with certificates
// of an authority that only they trust, and hands requests to Options.Egress. Requests to AWS's own hosts, which a
// process makes that does not heed AWS_ENDPOINT_URL, are the stack's. It is of one stack, and the user of its URL is the
// logical id of the function, so that it is known who asks.
type outlet struct {
	stack        *Stack
	authority    *authority.Authority
	password     string
	address      string
	folder       string
	certificates string // the authority's, as a file
	outer, inner *http.Server
	tunnels      tunnels
}

// outlet is the stack's, made when the first process needs it. The caller holds the stack.
func (s *Stack) outlet() (*outlet, error) {
	if s.proxy != nil {
		return s.proxy, nil
	}
	o := &outlet{stack: s, password: rand.Text(), tunnels: tunnels{open: make(chan net.Conn), closed: make(chan struct{})}}
	var err error
	if o.authority, err = authority.New("orderflow local"); err != nil {
		return nil, err
	}
	if o.folder, err = os.MkdirTemp("", "orderflow-"); err != nil {
		return nil, err
	}
	o.certificates = filepath.Join(o.folder, "authority.pem")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = os.WriteFile(o.certificates, o.authority.PEM(), 0o600)
	}
	if err != nil {
		_ = os.RemoveAll(o.folder)
		return nil, err
	}
	o.address = l.Addr().String()
	quiet := log.New(io.Discard, "", 0) // what clients do is theirs to tell
	o.outer = &http.Server{Handler: http.HandlerFunc(o.serveProxy), ReadHeaderTimeout: time.Minute, ErrorLog: quiet}
	o.inner = &http.Server{
		Handler: http.HandlerFunc(o.serveTunnel), ReadHeaderTimeout: time.Minute, ErrorLog: quiet,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, tunnelKey{}, c) },
	}
	go func() { _ = o.outer.Serve(l) }()          // until Close
	go func() { _ = o.inner.Serve(&o.tunnels) }() // until Close
	s.proxy = o
	return o, nil
}

// closeOutlet ends the proxy if there is one.
func (s *Stack) closeOutlet() {
	if o := s.proxy; o != nil {
		_ = o.outer.Close()
		_ = o.inner.Close()
		_ = os.RemoveAll(o.folder)
	}
}

// url is the proxy's for a function.
func (o *outlet) url(function string) string {
	return (&url.URL{Scheme: "http", Host: o.address, User: url.UserPassword(function, o.password)}).String()
}

// serveProxy takes what processes ask of a proxy: tunnels, and plain HTTP.
func (o *outlet) serveProxy(w http.ResponseWriter, r *http.Request) {
	function, ok := o.asker(r)
	switch {
	case !ok:
		w.Header().Set("Proxy-Authenticate", `Basic realm="orderflow"`)
		http.Error(w, "this proxy is for the functions of the stack", http.StatusProxyAuthRequired)
	case r.Method == http.MethodConnect:
		o.tunnel(w, r, function)
	case r.URL.Host == "":
		http.Error(w, "this is a proxy", http.StatusBadRequest)
	default:
		o.forward(w, r, function, r.URL.Scheme, r.URL.Host)
	}
}

// asker is the function that a request to the proxy is from.
func (o *outlet) asker(r *http.Request) (string, bool) {
	encoded, ok := strings.CutPrefix(r.Header.Get("Proxy-Authorization"), "Basic ")
	if !ok {
		return "", false
	}
	b, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", false
	}
	function, password, _ := strings.Cut(string(b), ":")
	return function, subtle.ConstantTimeCompare([]byte(password), []byte(o.password)) == 1
}

// tunnel is TLS to a host, of which this is the end.
func (o *outlet) tunnel(w http.ResponseWriter, r *http.Request, function string) {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if o.stack.opts.Egress == nil && !ofAWS(host) {
		// Go's client makes an error of what comes behind the status's number.
		_, _ = io.WriteString(conn, "HTTP/1.1 502 "+noEgress(host).Error()+"\r\nContent-Length: 0\r\n\r\n")
		_ = conn.Close()
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	to := host
	if port != "443" {
		to = r.Host
	}
	secure := tls.Server(&bufferedConn{conn, buffered.Reader}, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if hello.ServerName != "" {
				return o.authority.Certificate(hello.ServerName)
			}
			return o.authority.Certificate(host) // an address has no server name
		},
	})
	o.tunnels.add(&tunnel{secure, function, to})
}

// noEgress is the error of a request to the outside when there is none.
func noEgress(host string) error {
	return fmt.Errorf("local: the stack may not reach %s: no Egress was configured", host)
}

// ofAWS reports whether a host is AWS's own.
func ofAWS(host string) bool { return strings.HasSuffix(strings.ToLower(host), ".amazonaws.com") }

// serveTunnel takes the requests that come through tunnels.
func (o *outlet) serveTunnel(w http.ResponseWriter, r *http.Request) {
	t := r.Context().Value(tunnelKey{}).(*tunnel)
	o.forward(w, r, t.function, "https", t.to)
}

// hop are the header fields that are for the proxy, not for the host (RFC 9110, 7.6.1).
var hop = []string{"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// forward hands a request to whom it is for. A host that cannot be reached hangs up.
func (o *outlet) forward(w http.ResponseWriter, r *http.Request, function, scheme, host string) {
	if name, _, err := net.SplitHostPort(host + ":0"); err == nil && ofAWS(strings.Split(name, ":")[0]) {
		r = r.Clone(r.Context())
		r.Host = host
		o.stack.ServeHTTP(w, r)
		return
	}
	ctx := context.WithValue(r.Context(), outsideKey{}, true)
	out, err := http.NewRequestWithContext(ctx, r.Method, scheme+"://"+host+r.URL.RequestURI(), r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out.Header, out.ContentLength = r.Header.Clone(), r.ContentLength
	if r.Host != host {
		out.Host = r.Host
	}
	for _, name := range hop {
		out.Header.Del(name)
	}
	res, err := o.roundTrip(out, function)
	if err != nil {
		o.stack.enter(func() {
			fmt.Fprintf(o.stack.opts.Logs, "%s: %s %s: %s\n", function, out.Method, out.URL, err)
		})
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = res.Body.Close() }()
	maps.Copy(w.Header(), res.Header)
	for _, name := range hop {
		w.Header().Del(name)
	}
	w.WriteHeader(res.StatusCode)
	flush := http.NewResponseController(w)
	_ = flush.Flush()
	if _, err := io.Copy(flushing{w, flush}, res.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// roundTrip makes a request of a function, and tells of it.
func (o *outlet) roundTrip(req *http.Request, function string) (*http.Response, error) {
	egress := o.stack.opts.Egress
	if egress == nil {
		return nil, noEgress(req.URL.Host)
	}
	if !o.stack.watching.Load() {
		return egress.RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Body = io.NopCloser(strings.NewReader(string(body)))
	begun := o.stack.Now()
	res, err := egress.RoundTrip(req)
	e := Event{
		Kind: EventHTTP, From: function, To: req.URL.Host, Action: req.Method + " " + req.URL.String(),
		Duration: o.stack.Now().Sub(begun), Err: errText(err), Ref: req.Header.Get("Webhook-Id"), Detail: string(body),
	}
	if res != nil {
		e.Action += " " + strconv.Itoa(res.StatusCode)
		if res.StatusCode >= http.StatusBadRequest {
			e.Err = res.Status
		}
	}
	o.stack.enter(func() { o.stack.emit(e) })
	return res, err
}

// flushing is a body that goes out as it comes in.
type flushing struct {
	io.Writer
	control *http.ResponseController
}

// Write implements io.Writer.
func (f flushing) Write(b []byte) (int, error) {
	n, err := f.Writer.Write(b)
	if err == nil {
		_ = f.control.Flush() // whoever cannot be flushed to is written to at the end
	}
	return n, err
}

// tunnel is a connection of a function to a host.
type tunnel struct {
	*tls.Conn
	function, to string
}

type tunnelKey struct{}

// bufferedConn is a connection of which a reader has read ahead.
type bufferedConn struct {
	net.Conn
	reader *bufio.Reader
}

// Read implements net.Conn.
func (c *bufferedConn) Read(b []byte) (int, error) { return c.reader.Read(b) }

// tunnels are a listener whose connections somebody else has accepted.
type tunnels struct {
	open   chan net.Conn
	closed chan struct{}
}

var errNoTunnels = errors.New("the proxy is closed")

func (t *tunnels) add(c net.Conn) {
	select {
	case t.open <- c:
	case <-t.closed:
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (t *tunnels) Accept() (net.Conn, error) {
	select {
	case c := <-t.open:
		return c, nil
	case <-t.closed:
		return nil, errNoTunnels
	}
}

// Close implements net.Listener.
func (t *tunnels) Close() error {
	close(t.closed)
	return nil
}

// Addr implements net.Listener.
func (t *tunnels) Addr() net.Addr { return &net.TCPAddr{} }
