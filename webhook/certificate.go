package webhook

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"sync"
)

const (
	maxCertificate  = 64 << 10 // bytes of a file; SNS's have about 2,000
	maxCertificates = 64       // kept; SNS has one or two per region at a time
	maxFetches      = 4        // at the same time: a hostile sender must not start more
)

// certificates fetches SNS's signing certificates and keeps them.
type certificates struct {
	options Options
	fetches chan struct{}

	mu   sync.Mutex
	kept map[string]*x509.Certificate
}

func newCertificates(o Options) *certificates {
	return &certificates{options: o, fetches: make(chan struct{}, maxFetches), kept: map[string]*x509.Certificate{}}
}

// certificatePath keeps out the rest of SNS, whose answers may quote what a caller says.
var certificatePath = regexp.MustCompile(`^/[A-Za-z0-9_-]+\.pem$`)

func certificateURL(host, s string) (*url.URL, error) {
	u, err := snsURL(host, s)
	if err != nil {
		return nil, err
	}
	if !certificatePath.MatchString(u.EscapedPath()) || u.RawQuery != "" || u.ForceQuery {
		return nil, fmt.Errorf("%.300q is no certificate of SNS", s)
	}
	return u, nil
}

// key returns the public key of the certificate at an address of a host.
func (c *certificates) key(ctx context.Context, host, address string) (*rsa.PublicKey, error) {
	u, err := certificateURL(host, address)
	if err != nil {
		return nil, fmt.Errorf("%w: SigningCertURL: %w", ErrCertificate, err)
	}
	c.mu.Lock()
	cert := c.kept[u.String()]
	c.mu.Unlock()
	if cert == nil {
		if cert, err = c.fetch(ctx, u.String()); err != nil {
			return nil, err
		}
	}
	if now := c.options.Now(); now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return nil, fmt.Errorf("%w: valid from %s to %s", ErrCertificate, cert.NotBefore, cert.NotAfter)
	}
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: its key is not of RSA", ErrCertificate)
	}
	return key, nil
}

func (c *certificates) fetch(ctx context.Context, address string) (*x509.Certificate, error) {
	select {
	case c.fetches <- struct{}{}:
		defer func() { <-c.fetches }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: certificate: %w", ErrUnavailable, ctx.Err())
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	resp, err := c.options.HTTPClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: certificate: %w", ErrUnavailable, err)
	}
	defer resp.Body.Close()
	file, err := io.ReadAll(io.LimitReader(resp.Body, maxCertificate+1))
	switch {
	case err != nil || resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return nil, fmt.Errorf("%w: certificate: %s", ErrUnavailable, resp.Status)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: %s", ErrCertificate, resp.Status)
	case len(file) > maxCertificate:
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrCertificate, maxCertificate)
	}
	cert, err := c.parse(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) >= maxCertificates {
		clear(c.kept)
	}
	c.kept[address] = cert
	return cert, nil
}

// parse returns the first certificate of a file, checked against Roots with the rest.
func (c *certificates) parse(file []byte) (*x509.Certificate, error) {
	var chain []*x509.Certificate
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		chain = append(chain, cert)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("no certificate in the file")
	}
	if c.options.Roots != nil {
		between := x509.NewCertPool()
		for _, cert := range chain[1:] {
			between.AddCert(cert)
		}
		if _, err := chain[0].Verify(x509.VerifyOptions{
			Roots: c.options.Roots, Intermediates: between, CurrentTime: c.options.Now(),
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		}); err != nil {
			return nil, err
		}
	}
	return chain[0], nil
}
