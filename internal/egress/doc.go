// Package egress makes HTTP requests to addresses that customers chose, without
// letting them choose what is not theirs: the function's own machine, its
// network, the metadata service of its cloud.
//
// What counts is the address that is dialed. It is judged after the name was resolved, for every
// connection (net.Dialer.Control), so that a name which resolves to one address when it is
// registered and to another when it is used gains nothing, nor does a redirect:
// none is followed.
package egress
