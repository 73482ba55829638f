package referee

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
)

// Client asks moto. It makes a request in one write and reads the answer to its end: moto's server
// closes the connection with its answer, and http.Transport, which writes and reads at the
// same time, drops the rest of an answer that comes before it is done with writing.
func Client() *http.Client { return &http.Client{Transport: oneWrite{}} }

type oneWrite struct{}

// RoundTrip implements http.RoundTripper.
func (oneWrite) RoundTrip(req *http.Request) (*http.Response, error) {
	conn, err := new(net.Dialer).DialContext(req.Context(), "tcp", req.URL.Host)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	var request bytes.Buffer
	if err := req.Write(&request); err != nil {
		return nil, err
	}
	if _, err := conn.Write(request.Bytes()); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, err
}
