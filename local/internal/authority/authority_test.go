package authority_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/authority"
)

func TestCertificates(t *testing.T) {
	a, err := authority.New("test")
	if err != nil {
		t.Fatal(err)
	}
	other, err := authority.New("test")
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"example.com", "8.8.8.8", "2001:4860:4860::8888"} {
		c, err := a.Certificate(host)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := a.Certificate(host); err != nil || again != c {
			t.Errorf("%s has two certificates", host)
		}
		for _, client := range []struct {
			trusts *authority.Authority
			name   string
			ok     bool
		}{{a, host, true}, {a, "example.org", false}, {other, host, false}} {
			if err := get(t, c, client.trusts, client.name); (err == nil) != client.ok {
				t.Errorf("the certificate of %s for %s: %v", host, client.name, err)
			}
		}
	}
}

// get makes a request to a server with a certificate.
func get(t *testing.T, c *tls.Certificate, trusted *authority.Authority, name string) error {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*c}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }() // until Close
	defer func() { _ = s.Close() }()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(trusted.PEM()) {
		t.Fatal("no certificate")
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	secure := tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12})
	defer func() { _ = secure.Close() }()
	if err := secure.Handshake(); err != nil {
		return err
	}
	if _, err := io.WriteString(secure, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return err
	}
	_, err = io.ReadAll(secure)
	return err
}
