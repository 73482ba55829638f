package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
)

// submission is one line of an orders file: a request and what its sender
// expects to become of it.
type submission struct {
	Line           int
	Tenant         string
	IdempotencyKey string
	Body           []byte
	Expect         string
}

// defaultTenant submits the lines that name no tenant.
const defaultTenant = "acme"

// expectations are the values that "expect" may have.
var expectations = []string{"COMPLETED", "REJECTED", "FAILED", "CANCELLED", "400"}

// readSubmissions reads one submission a line. A line is an order's body as
// it will be sent, or an object that wraps one in "order" and may add
// "tenant", "idempotencyKey" and "expect". A line that is not JSON is sent as it is, for
// the gateway to refuse.
func readSubmissions(name string, r io.Reader) ([]submission, error) {
	var (
		out  []submission
		errs []error
	)
	br := bufio.NewReader(r)
	for line := 1; ; line++ {
		text, err := br.ReadBytes('\n')
		if body := bytes.TrimSpace(text); len(body) > 0 {
			s, perr := parseSubmission(body)
			if perr != nil {
				errs = append(errs, fmt.Errorf("%s:%d: %w", name, line, perr))
			}
			s.Line = line
			out = append(out, s)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
	if len(out) == 0 && len(errs) == 0 {
		return nil, fmt.Errorf("%s: no orders in it; write one order a line", name)
	}
	return out, errors.Join(errs...)
}

func parseSubmission(body []byte) (submission, error) {
	s := submission{Tenant: defaultTenant, Body: body}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return s, nil
	}
	wrapper := []string{"order", "tenant", "idempotencyKey", "expect"}
	if !slices.ContainsFunc(wrapper, func(f string) bool { return fields[f] != nil }) {
		return s, nil
	}
	var problems []string
	for field, value := range fields {
		switch field {
		case "order":
			s.Body = value
		case "tenant":
			problems = append(problems, readString(field, value, &s.Tenant)...)
		case "idempotencyKey":
			problems = append(problems, readString(field, value, &s.IdempotencyKey)...)
		case "expect":
			s.Expect = strings.Trim(string(value), `"`)
			if !slices.Contains(expectations, s.Expect) {
				problems = append(problems, fmt.Sprintf("expect must be one of %s, got %s", strings.Join(expectations, ", "), value))
			}
		default:
			problems = append(problems, fmt.Sprintf("unknown field %q beside %s", field, strings.Join(wrapper, ", ")))
		}
	}
	if fields["order"] == nil {
		problems = append(problems, `"order" is missing`)
	}
	if len(problems) > 0 {
		slices.Sort(problems)
		return s, errors.New(strings.Join(problems, "; "))
	}
	return s, nil
}

func readString(field string, value json.RawMessage, to *string) []string {
	if err := json.Unmarshal(value, to); err != nil {
		return []string{fmt.Sprintf("%s must be a string, got %s", field, value)}
	}
	return nil
}

// readStock reads {"SKU": quantity, …}, or a list of objects with "sku" and
// "available" (or "quantity").
func readStock(name string, b []byte) ([]localapp.StockLevel, error) {
	var out []localapp.StockLevel
	var bySKU map[string]int64
	if err := json.Unmarshal(b, &bySKU); err == nil {
		for sku, n := range bySKU {
			out = append(out, localapp.StockLevel{SKU: sku, Available: n})
		}
	} else {
		var list []struct {
			SKU       string
			Available *int64
			Quantity  *int64
		}
		if json.Unmarshal(b, &list) != nil {
			return nil, fmt.Errorf(`%s: want {"SKU": quantity, …} with whole numbers: %w`, name, err)
		}
		for i, e := range list {
			n := e.Available
			if n == nil {
				n = e.Quantity
			}
			if e.SKU == "" || n == nil {
				return nil, fmt.Errorf(`%s: element %d needs "sku" and "available"`, name, i)
			}
			out = append(out, localapp.StockLevel{SKU: e.SKU, Available: *n})
		}
	}
	for _, s := range out {
		if s.Available < 0 {
			return nil, fmt.Errorf("%s: %s: the quantity must not be negative, got %d", name, s.SKU, s.Available)
		}
	}
	slices.SortFunc(out, func(a, b localapp.StockLevel) int { return strings.Compare(a.SKU, b.SKU) })
	return out, nil
}
