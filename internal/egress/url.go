package egress

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxURL is how long a URL can be, in bytes.
const maxURL = 2048

// local are the names, and what ends in them, that never mean a host of the
// internet: RFC 6761, RFC 6762, RFC 8375, and "internal", which ICANN reserved for
// private use in 2024 and which clouds use.
var local = []string{"localhost", "local", "internal", "home.arpa"}

// CheckURL judges a URL when it is registered: so early, it is a help to whoever made
// a mistake. It resolves nothing; what protects is the transport. The error is a
// *RefusedError.
func CheckURL(u *url.URL) error {
	refuse := func(why string) error { return &RefusedError{Host: u.Host, Why: why} }
	if err := checkScheme(u); err != nil {
		return err
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	switch {
	case u.Opaque != "" || host == "":
		return refuse("it has no host")
	case strings.IndexFunc(u.Host, func(r rune) bool { return r > '~' }) >= 0: // some of which have a lower case in ASCII
		return refuse(notHost)
	case len(u.String()) > maxURL:
		return refuse("it is longer than " + strconv.Itoa(maxURL) + " bytes")
	case u.Fragment != "" || strings.Contains(u.String(), "#"):
		return refuse("a fragment is never sent")
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return refuse("its port is not 1 to 65535")
		}
	}
	if strings.HasPrefix(u.Host, "[") || numeric(host) {
		a, err := netip.ParseAddr(host)
		if err != nil {
			return refuse("its host is a number, but not an IP address in its usual form")
		}
		if public, why := Public(a); !public {
			return refuse("its address is not public (" + why + ")")
		}
		return nil
	}
	if isLocal(host) {
		return refuse("its name is local")
	}
	return checkName(host, refuse)
}

func isLocal(host string) bool {
	for _, name := range local {
		if host == name || strings.HasSuffix(host, "."+name) {
			return true
		}
	}
	return false
}

// numeric reports whether a host's last label is a number, in which case it is an
// IPv4 address in some form and no name (URL Standard, "ends in a number").
func numeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

const notHost = "its name has characters other than letters, digits, - and _ (names in other scripts are written with xn--)"

// checkName judges a name by RFC 1123, with the underscore that some use.
func checkName(host string, refuse func(string) error) error {
	labels := strings.Split(host, ".")
	if len(labels) < 2 {
		return refuse("its name has no domain")
	}
	if len(host) > 253 {
		return refuse("its name is longer than 253 bytes")
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return refuse("its name is not that of a host")
		}
		for i := 0; i < len(l); i++ {
			if c := l[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return refuse(notHost)
			}
		}
	}
	return nil
}
