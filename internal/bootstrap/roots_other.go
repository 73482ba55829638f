//go:build !linux

package bootstrap

import (
	"crypto/x509"
	"fmt"
	"os"
)

// rootCAs are those of SSL_CERT_FILE, which the system's verifier does not heed everywhere but on Linux: a function on a
// developer's machine trusts the authority of the local stack by it. Without the variable they are the system's.
func rootCAs() (*x509.CertPool, error) {
	file := os.Getenv("SSL_CERT_FILE")
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("SSL_CERT_FILE: there is no certificate in %s", file)
	}
	return roots, nil
}
