package egress_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/egress"
)

// proxy is one that takes every tunnel to a server on this machine, and knows who was asked for.
type proxy struct {
	url  *url.URL
	mu   sync.Mutex
	asks []string
}

func newProxy(t *testing.T, port string) *proxy {
	t.Helper()
	p := &proxy{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asks = append(p.asks, r.Method+" "+r.Host)
		p.mu.Unlock()
		to, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { _, _ = io.Copy(to, conn); _ = to.Close() }()
		_, _ = io.Copy(conn, to)
		_ = conn.Close()
	}))
	t.Cleanup(s.Close)
	p.url, _ = url.Parse(s.URL)
	return p
}

func (p *proxy) expect(t *testing.T, want ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.asks, want) {
		t.Errorf("the proxy was asked for %v, want %v", p.asks, want)
	}
	p.asks = nil
}

func TestProxy(t *testing.T) {
	port, roots := listener(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	p := newProxy(t, port)
	direct := map[string]bool{}
	client := egress.NewClient(egress.Options{
		RootCAs: roots, Resolver: nameserver(t, "127.0.0.1"),
		Proxy: func(r *http.Request) (*url.URL, error) {
			if direct[r.URL.Hostname()] {
				return nil, nil
			}
			return p.url, nil
		},
	})
	res, err := do(t, client, "https://example.com:8443/in")
	if err != nil || res.StatusCode != http.StatusNoContent {
		t.Fatalf("%v, %v", res, err)
	}
	p.expect(t, "CONNECT example.com:8443")

	for _, bad := range []string{
		"https://127.0.0.1:" + port, "https://10.0.0.1/", "https://169.254.169.254/", "https://[::1]:" + port, "https://[fd00:ec2::254]/", "https://127.1/", "https://2130706433/",
		"https://localhost:" + port, "https://metadata.internal/", "https://example.local./", "http://example.com/", "https://u:p@example.com/",
	} {
		var refused *egress.RefusedError
		if _, err := do(t, client, bad); !errors.As(err, &refused) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	p.expect(t)

	// What does not go through the proxy is judged as ever, the proxy's own address included.
	for _, host := range []string{"example.com", "127.0.0.1"} {
		direct[host] = true
		for _, port := range []string{port, p.url.Port()} {
			var refused *egress.RefusedError
			if _, err := do(t, client, "https://"+host+":"+port); !errors.As(err, &refused) {
				t.Errorf("%s:%s: %v", host, port, err)
			}
		}
	}
	p.expect(t)
	client.CloseIdleConnections()
}

func TestProxyThatFails(t *testing.T) {
	sad := errors.New("which proxy?")
	client := egress.NewClient(egress.Options{Proxy: func(*http.Request) (*url.URL, error) { return nil, sad }})
	if _, err := do(t, client, "https://example.com/"); !errors.Is(err, sad) {
		t.Error(err)
	}
}

// The proxy of the environment is net/http's, which reads the variables once in a process: this test starts itself
// for each case.
func TestProxyOfTheEnvironment(t *testing.T) {
	const target, authority = "EGRESS_TEST_TARGET", "EGRESS_TEST_AUTHORITY"
	if to := os.Getenv(target); to != "" {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(os.Getenv(authority)))
		res, err := do(t, egress.NewClient(egress.Options{RootCAs: roots, Proxy: http.ProxyFromEnvironment}), to)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusNoContent {
			t.Fatal(res.Status)
		}
		return
	}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer s.Close()
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, port)
	const unresolved = "lookup " // what a machine without such names says, before anything is judged
	for _, c := range []struct {
		name, to  string
		variables []string
		asks      []string
		err       string // within the output; empty: it succeeds
	}{
		{"none", "https://127.0.0.1:" + port, nil, nil, "is not public"},
		{"for HTTPS", "https://example.com", []string{"HTTPS_PROXY=" + p.url.String()}, []string{"CONNECT example.com:443"}, ""},
		{"for HTTP only", "https://127.0.0.1:" + port, []string{"HTTP_PROXY=" + p.url.String()}, nil, "is not public"},
		{"exempt", "https://sub.example.invalid:" + port, []string{"HTTPS_PROXY=" + p.url.String(), "NO_PROXY=.example.invalid"}, nil, unresolved},
		{"exempt by address", "https://10.1.2.3:" + port, []string{"HTTPS_PROXY=" + p.url.String(), "NO_PROXY=10.0.0.0/8"}, nil, "is not public"},
		{"all exempt", "https://127.0.0.1:" + port, []string{"HTTPS_PROXY=" + p.url.String(), "NO_PROXY=*"}, nil, "is not public"},
		{"another is exempt", "https://example.com", []string{"HTTPS_PROXY=" + p.url.String(), "NO_PROXY=example.org"}, []string{"CONNECT example.com:443"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestProxyOfTheEnvironment$")
			cmd.Env = append(c.variables, target+"="+c.to, authority+"="+string(certificateOf(s)))
			out, err := cmd.CombinedOutput()
			if (err == nil) != (c.err == "") || !strings.Contains(string(out), c.err) {
				t.Errorf("%v\n%s", err, out)
			}
			p.expect(t, c.asks...)
		})
	}
}

func certificateOf(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}
