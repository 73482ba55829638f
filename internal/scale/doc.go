// Package scale says how far the reference app goes: what an order takes of each quota of AWS and of the stack's own settings, at
// which rate of orders each of them is used up, and how queues fill and drain when something is out of order.
//
// What an order takes is counted by package cost while orders run through prod's template. The quotas are a dated table with
// sources, quotas.json. Outages run in virtual time. docs/scale.md and its drawings are written from all of it by
//
//	go test ./internal/scale -update
package scale
