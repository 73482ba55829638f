// Package order is the domain: what an order is, which statuses it can have,
// how one status may lead to the next, and why an order can be turned down.
// It knows nothing of AWS and nothing of the CDK, so that functions, constructs
// and tests alike can derive what they need from it.
package order
