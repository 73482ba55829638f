package local

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
)

// Transport reaches the stack without a network, by the URLs that its Outputs
// name: the gateway's, AppSync's (websockets included) and SNS's. It is the
// transport of an http.Client in the same process; another process reaches the stack
// where ServeHTTP is served.
func (s *Stack) Transport() http.RoundTripper { return transport{s} }

type transport struct{ stack *Stack }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if req.Context().Value(insideKey{}) == t.stack {
		return nil, errors.New("local: the stack cannot be called by who answers a request of it, except with Options.RealTime")
	}
	in := received(req)
	w := newRecorder()
	if req.Header.Get("Upgrade") != "" {
		return t.upgrade(in, w)
	}
	t.stack.ServeHTTP(w, in)
	return w.response(req), in.Body.Close()
}

// upgrade serves a request that may take over the connection, one end of a
// pipe. A handler that does keeps it for as long as it runs.
func (t transport) upgrade(req *http.Request, w *recorder) (*http.Response, error) {
	client, server := net.Pipe()
	w.conn = server
	ended := make(chan struct{})
	// The end of the request's context is not that of the connection, which may be long after.
	req = req.WithContext(context.WithoutCancel(req.Context()))
	go func() {
		defer close(ended)
		t.stack.ServeHTTP(w, req)
	}()
	select {
	case <-ended:
	case <-w.hijacked:
	}
	res := w.response(req)
	if res.StatusCode == http.StatusSwitchingProtocols {
		res.Body = client // also if the handler has left it already
	}
	return res, nil
}

// recorder is a response as it is written.
type recorder struct {
	header   http.Header
	status   int
	body     bytes.Buffer
	limit    int // of the body; 0: none
	conn     net.Conn
	hijacked chan struct{}
}

func newRecorder() *recorder {
	return &recorder{header: http.Header{}, hijacked: make(chan struct{})}
}

// Header implements http.ResponseWriter.
func (w *recorder) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write implements http.ResponseWriter.
func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.limit > 0 && w.body.Len()+len(p) > w.limit {
		return 0, io.ErrClosedPipe
	}
	return w.body.Write(p)
}

// Hijack implements http.Hijacker.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.conn == nil {
		return nil, nil, http.ErrNotSupported
	}
	close(w.hijacked)
	return w.conn, bufio.NewReadWriter(bufio.NewReader(w.conn), bufio.NewWriter(w.conn)), nil
}

func (w *recorder) response(req *http.Request) *http.Response {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return response(req, w.status, w.header, w.body.Bytes())
}

// received is a client's request as a server has it.
func received(req *http.Request) *http.Request {
	in := req.Clone(req.Context())
	in.RequestURI, in.RemoteAddr = req.URL.RequestURI(), "127.0.0.1:0"
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	return in
}

// response is the answer to a request as a client has it.
func response(req *http.Request, status int, header http.Header, body []byte) *http.Response {
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}
}
