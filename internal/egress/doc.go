// Package egress makes HTTP requests to addresses that customers chose, without
// letting them choose what is not theirs: the function's own machine, its
// network, the metadata service of its cloud.
//
// What counts is the address that is dialed. It is judged after the name was resolved, for every
// connection (net.Dialer.Control), so that a name which resolves to one address when it is
// registered and to another when it is used gains nothing, nor does a redirect:
// none is followed.
//
// Where all traffic must go through a proxy (Options.Proxy), the proxy dials, and the judgement is its business: it must refuse
// what is not public as this package does, and a network that lets functions out through nothing else should have one that does. What can be seen in
// the URL, an address or a local name, is refused here too. Requests that are exempt from the proxy are judged as without one.
package egress
