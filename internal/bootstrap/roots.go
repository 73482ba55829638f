package bootstrap

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
)

// trusting is the transport for the authorities that are trusted; nil are those of the system.
func trusting(roots *x509.CertPool) http.RoundTripper {
	if roots == nil {
		return http.DefaultTransport
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return t
}
