package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// protect sets the headers that keep others out of the page.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// hostAllowed reports whether a request's Host can be meant for the page. A name of somebody else's
// that resolves to this machine ("DNS rebinding") is neither localhost nor an address.
func (c *Console) hostAllowed(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host) != nil || slices.Contains(c.options.Hosts, host)
}

// ownHeader is on everything that the page posts. A page of another origin cannot send it without asking
// first, which is not answered.
const ownHeader = "X-Console"

// foreign says why a request that changes something does not come from the page, or "".
func foreign(r *http.Request) string {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return "a request of another site"
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return "a request of another origin"
		}
	}
	if r.Header.Get(ownHeader) == "" {
		return "the header " + ownHeader + " is missing"
	}
	return ""
}

// readBody reads a request's body to its end: the request outlives its connection.
func readBody(r *http.Request) error {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return badRequest{fmt.Errorf("the body: %w", err)}
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	return nil
}

// posted decodes the body of a request.
func posted(r *http.Request, v any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return badRequest{fmt.Errorf("the body: %w", err)}
	}
	return nil
}
