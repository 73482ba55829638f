package egress

import (
	"net/netip"
)

// special is a block of addresses that is not for the internet at large.
type special struct {
	prefix netip.Prefix
	why    string
}

// The blocks of the IANA IPv4 Special-Purpose Address Registry (RFC 6890 and after) that
// are not globally reachable, and those that are and still are no place of a
// customer's: anycast addresses of protocols, multicast (RFC 5771), the
// reserved class E (RFC 1112).
var special4 = blocks(
	"0.0.0.0/8", "this network",
	"10.0.0.0/8", "private use",
	"100.64.0.0/10", "shared address space of carriers",
	"127.0.0.0/8", "loopback",
	"169.254.0.0/16", "link-local, with the metadata service",
	"172.16.0.0/12", "private use",
	"192.0.0.0/24", "IETF protocol assignments",
	"192.0.2.0/24", "documentation",
	"192.31.196.0/24", "AS112",
	"192.52.193.0/24", "automatic multicast tunneling",
	"192.88.99.0/24", "relays of 6to4",
	"192.168.0.0/16", "private use",
	"192.175.48.0/24", "AS112",
	"198.18.0.0/15", "benchmarking",
	"198.51.100.0/24", "documentation",
	"203.0.113.0/24", "documentation",
	"224.0.0.0/4", "multicast",
	"240.0.0.0/4", "reserved",
)

// global6 is all of IPv6 that is given out for unicast (IANA IPv6 Address Space
// registry); what lies outside is refused without being listed: loopback, unique
// local (fd00:ec2::254, the metadata service, too), link-local, site-local,
// multicast, discard-only, segment routing, and all that may yet come.
var global6 = netip.MustParsePrefix("2000::/3")

// The blocks within global6 of the IANA IPv6 Special-Purpose Address Registry.
var special6 = blocks(
	"2001::/23", "IETF protocol assignments, with Teredo, benchmarking and ORCHID",
	"2001:db8::/32", "documentation",
	"2002::/16", "6to4",
	"2620:4f:8000::/48", "AS112",
	"3fff::/20", "documentation",
)

// nat64 is the well-known prefix (RFC 6052) under which an IPv6-only network
// reaches IPv4: the address at its end decides.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func blocks(pairs ...string) []special {
	var all []special
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, special{netip.MustParsePrefix(pairs[i]), pairs[i+1]})
	}
	return all
}

// Public reports whether an address is one of the internet at large. If it is
// not, why says what it is for.
func Public(a netip.Addr) (public bool, why string) {
	if a.Zone() != "" {
		return false, "link-local"
	}
	if !a.IsValid() {
		return false, "no address"
	}
	if a = a.Unmap(); a.Is4() {
		return outside(a, special4)
	}
	if nat64.Contains(a) {
		b := a.As16()
		return Public(netip.AddrFrom4([4]byte(b[12:])))
	}
	if !global6.Contains(a) {
		switch {
		case a.IsUnspecified():
			return false, "unspecified"
		case a.IsLoopback():
			return false, "loopback"
		case a.IsPrivate():
			return false, "private use"
		case a.IsLinkLocalUnicast():
			return false, "link-local"
		case a.IsMulticast():
			return false, "multicast"
		}
		return false, "not given out for unicast"
	}
	return outside(a, special6)
}

func outside(a netip.Addr, list []special) (bool, string) {
	for _, s := range list {
		if s.prefix.Contains(a) {
			return false, s.why
		}
	}
	return true, ""
}
