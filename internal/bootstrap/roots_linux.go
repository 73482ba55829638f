package bootstrap

import "crypto/x509"

// rootCAs are the system's, among them what SSL_CERT_FILE names (crypto/x509).
func rootCAs() (*x509.CertPool, error) { return nil, nil }
