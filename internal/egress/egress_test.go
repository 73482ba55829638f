package egress_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/egress"
)

// The blocks of both IANA special-purpose registries: first and last address, and
// what lies just outside where that is public.
func TestPublic(t *testing.T) {
	refused := []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "255.255.255.255/32", "169.254.169.254/32",
		"::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001::/32", "2001:2::/48", "2001:20::/28", "2001:db8::/32",
		"2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fd00:ec2::254/128", "fe80::/10", "fec0::/10", "ff00::/8",
		"::ffff:10.0.0.0/104", "::ffff:169.254.169.254/128", "::ffff:127.0.0.1/128", "::127.0.0.1/128", "::ffff:0:127.0.0.1/128",
		"64:ff9b::10.0.0.0/104", "64:ff9b::169.254.169.254/128", "64:ff9b::127.0.0.1/128",
		"2002:7f00:1::/48", "2002:a9fe:a9fe::/48", "2001:0:a9fe:a9fe::/64",
	}
	for _, s := range refused {
		p := netip.MustParsePrefix(s)
		for _, a := range []netip.Addr{p.Masked().Addr(), last(p)} {
			if ok, why := egress.Public(a); ok || why == "" {
				t.Errorf("%s of %s is public (%s)", a, s, why)
			}
		}
	}
	for _, s := range []string{
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
		"169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
		"223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2600:1f18::1", "2001:200::", "2001:4860:4860::8888", "2003::1", "3ffe::1",
	} {
		if ok, why := egress.Public(netip.MustParseAddr(s)); !ok {
			t.Errorf("%s is refused: %s", s, why)
		}
	}
	for _, a := range []netip.Addr{{}, netip.MustParseAddr("fe80::1%eth0"), netip.MustParseAddr("2600::1%eth0")} {
		if ok, _ := egress.Public(a); ok {
			t.Errorf("%v is public", a)
		}
	}
}

// last is the last address of a block.
func last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func TestCheckURL(t *testing.T) {
	for s, ok := range map[string]bool{
		"https://hooks.example.com/in?token=a": true, "https://hooks.example.com:8443": true, "https://xn--bcher-kva.example.com/": true,
		"https://8.8.8.8/": true, "https://[2001:4860:4860::8888]/": true, "https://a_b.example.com": true, "https://example.com./": true,
		"http://hooks.example.com/": false, "ftp://hooks.example.com/": false, "https:///x": false, "https:hooks.example.com": false,
		"https://user:password@hooks.example.com/": false, "https://user@hooks.example.com/": false, "https://hooks.example.com/#x": false,
		"https://localhost/": false, "https://LOCALHOST:8443/": false, "https://api.localhost./": false, "https://printer.local": false,
		"https://metadata.google.internal/": false, "https://ip-10-0-0-1.eu-central-1.compute.internal": false, "https://router.home.arpa": false, "https://intranet/": false,
		"https://127.0.0.1/": false, "https://10.1.2.3": false, "https://169.254.169.254/latest/meta-data/": false, "https://[::1]/": false,
		"https://[fd00:ec2::254]/": false, "https://[::ffff:169.254.169.254]/": false, "https://[64:ff9b::a9fe:a9fe]/": false, "https://[fe80::1%25eth0]/": false,
		"https://2130706433/": false, "https://0x7f000001/": false, "https://0177.0.0.1/": false, "https://127.1/": false, "https://1.2.3.4.5/": false,
		"https://a.0x7f/": false, "https://hooks.example.com:0/": false, "https://hooks.example.com:65536/": false, "https://hooks.example.com:/": false,
		"https://bücher.example.com/": false, "https://hoo\u212as.example.com/": false, "https://h\u0130oks.example.com/": false, "https://-a.example.com/": false, "https://a..example.com/": false,
		"https://hooks.example.com/" + strings.Repeat("a", 2048): false,
	} {
		u, err := url.Parse(s)
		if err != nil {
			if ok {
				t.Errorf("%s: %v", s, err)
			}
			continue
		}
		err = egress.CheckURL(u)
		var refused *egress.RefusedError
		if (err == nil) != ok || err != nil && (!errors.As(err, &refused) || refused.Why == "") {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://hooks.example.com/", "https://127.0.0.1", "https://[::1]:1/", "https://0x7f.1", "https://a.internal.", "https://%31%30.0.0.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := url.Parse(s)
		if err != nil || egress.CheckURL(u) != nil {
			return
		}
		if a, err := netip.ParseAddr(u.Hostname()); err == nil {
			if ok, why := egress.Public(a); !ok {
				t.Errorf("%q passes, and is %s", s, why)
			}
		}
		if u.Scheme != "https" || u.User != nil || !strings.ContainsAny(u.Hostname(), ".:") {
			t.Errorf("%q passes", s)
		}
	})
}

// nameserver answers every question for an A record with the addresses, in turn.
func nameserver(t *testing.T, addresses ...string) *net.Resolver {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	var asked atomic.Int64
	go func() {
		for {
			q := make([]byte, 512)
			n, from, err := c.ReadFrom(q)
			if err != nil {
				return
			}
			end := 12
			for q[end] != 0 {
				end += int(q[end]) + 1
			}
			end += 5
			kind := binary.BigEndian.Uint16(q[end-4:])
			r := append([]byte{}, q[:min(end, n)]...)
			r[2], r[3] = 0x81, 0x80
			binary.BigEndian.PutUint64(r[4:], 1<<48) // one question, nothing else
			if kind == 1 {
				a := netip.MustParseAddr(addresses[int(asked.Add(1)-1)%len(addresses)]).As4()
				r[7] = 1
				r = append(r, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
				r = append(r, a[:]...)
			}
			if _, err := c.WriteTo(r, from); err != nil {
				return
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", c.LocalAddr().String())
	}}
}

// listener is an HTTPS server on this machine for example.com, whose certificate is trusted.
func listener(t *testing.T, h http.HandlerFunc) (port string, roots *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, roots
}

func loopback(a netip.Addr) bool { return a.IsLoopback() }

func do(t *testing.T, c *http.Client, target string) (*http.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err == nil {
		t.Cleanup(func() { _ = res.Body.Close() })
	}
	return res, err
}

func TestNothingPrivateIsReached(t *testing.T) {
	var reached atomic.Int64
	port, roots := listener(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:"+port) // it must not be asked
	client := egress.NewClient(egress.Options{RootCAs: roots, Resolver: nameserver(t, "127.0.0.1")})
	for _, host := range []string{"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "example.com", "localhost", "0.0.0.0", "[::]", "127.1"} {
		_, err := do(t, client, "https://"+host+":"+port)
		var refused *egress.RefusedError
		if !errors.As(err, &refused) && host != "127.1" { // which is no name and no address to Go
			t.Errorf("%s: %v", host, err)
		}
		if err == nil || host == "example.com" && refused.Addr != netip.MustParseAddr("127.0.0.1") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests came through", n)
	}
	open := egress.NewClient(egress.Options{RootCAs: roots, Resolver: nameserver(t, "127.0.0.1"), Allow: loopback})
	if res, err := do(t, open, "https://example.com:"+port); err != nil || reached.Load() != 1 {
		t.Errorf("the same with Allow: %v, %v: this test shows nothing", res, err)
	}
	for _, bad := range []string{"http://example.com:" + port, "https://u:p@example.com:" + port} {
		var refused *egress.RefusedError
		if _, err := do(t, open, bad); !errors.As(err, &refused) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// A name that resolves to one address when it is checked and to another when it is used.
func TestRebindingGainsNothing(t *testing.T) {
	var reached atomic.Int64
	port, roots := listener(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	resolver := nameserver(t, "8.8.8.8", "127.0.0.1")
	first, err := resolver.LookupNetIP(t.Context(), "ip4", "example.com")
	if err != nil || len(first) != 1 {
		t.Fatal(first, err)
	}
	if ok, _ := egress.Public(first[0]); !ok {
		t.Fatalf("the first answer is %v", first)
	}
	_, err = do(t, egress.NewClient(egress.Options{RootCAs: roots, Resolver: resolver}), "https://example.com:"+port)
	var refused *egress.RefusedError
	if !errors.As(err, &refused) || reached.Load() != 0 {
		t.Errorf("%v, %d requests came through", err, reached.Load())
	}
}

func TestRedirectsComeAsTheyAre(t *testing.T) {
	port, roots := listener(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://169.254.169.254/latest/meta-data/", http.StatusTemporaryRedirect)
	})
	res, err := do(t, egress.NewClient(egress.Options{RootCAs: roots, Allow: loopback}), "https://127.0.0.1:"+port)
	if err != nil || res.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("%v, %v", res, err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	port, roots := listener(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/header" {
			for i := range 40 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 1000))
			}
		}
	})
	c := egress.NewClient(egress.Options{RootCAs: roots, Allow: loopback})
	if _, err := do(t, c, "https://127.0.0.1:"+port+"/header"); err == nil {
		t.Error("40 kB of header were taken")
	}
	if _, err := do(t, c, "https://127.0.0.1:"+port+"/"); err != nil {
		t.Error(err)
	}
}

func TestOldTLSAndStrangersAreRefused(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	s.Config.ErrorLog = nil
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	if _, err := do(t, egress.NewClient(egress.Options{RootCAs: roots, Allow: loopback}), s.URL); err == nil {
		t.Error("TLS 1.1 is enough")
	}
	port, _ := listener(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") })
	if _, err := do(t, egress.NewClient(egress.Options{Allow: loopback}), "https://127.0.0.1:"+port); err == nil {
		t.Error("a certificate of nobody's is enough")
	}
}
