package order

import (
	"encoding/json"
	"fmt"
	"regexp"
)

var skuRegexp = regexp.MustCompile(SKUPattern)

// The names of all fields, by object.
var (
	orderFields   = []string{"currency", "items", "payment", "shipTo", "notes"}
	itemFields    = []string{"sku", "quantity", "unitPrice"}
	paymentFields = []string{"method", "token"}
	addressFields = []string{"name", "line1", "line2", "city", "postalCode", "region", "country"}
)

// addressTexts are the free texts of an address, from which both Parse and the
// schema derive.
var addressTexts = []struct {
	name     string
	max      int
	required bool
	of       func(*Address) *string
}{
	{"name", MaxName, true, func(a *Address) *string { return &a.Name }},
	{"line1", MaxLine, true, func(a *Address) *string { return &a.Line1 }},
	{"line2", MaxLine, false, func(a *Address) *string { return &a.Line2 }},
	{"city", MaxCity, true, func(a *Address) *string { return &a.City }},
	{"postalCode", MaxPostalCode, true, func(a *Address) *string { return &a.PostalCode }},
	{"region", MaxRegion, false, func(a *Address) *string { return &a.Region }},
}

// Schema returns the JSON Schema (draft 4, the one that API Gateway's models
// are written in) of an order's body, as a tree of maps, slices, strings,
// ints and bools. It matches what Parse accepts, except for the length of the whole
// body in bytes, which a schema cannot say. The tree is the caller's own.
func Schema() map[string]any {
	address := map[string]any{"country": enum(countries)}
	addressRequired := []any{}
	for _, f := range addressTexts {
		address[f.name] = text(1, f.max)
		if f.required {
			addressRequired = append(addressRequired, f.name)
		}
	}
	addressRequired = append(addressRequired, "country")

	item := object(map[string]any{
		"sku":       map[string]any{"type": "string", "pattern": SKUPattern},
		"quantity":  integerBetween(1, MaxQuantity),
		"unitPrice": integerBetween(0, MaxUnitPrice),
	}, "sku", "quantity", "unitPrice")

	s := object(map[string]any{
		"currency": enum(currencies),
		"items":    map[string]any{"type": "array", "minItems": 1, "maxItems": MaxItems, "items": item},
		"payment": object(map[string]any{
			"method": enum([]string{MethodCard}),
			"token":  text(1, MaxToken),
		}, "method", "token"),
		"shipTo": object(address, addressRequired...),
		"notes":  text(0, MaxNotes),
	}, "currency", "items", "payment", "shipTo")
	s["$schema"] = "http://json-schema.org/draft-04/schema#"
	s["title"] = "Order"
	return s
}

// SchemaJSON is Schema as JSON text, the same on every call.
func SchemaJSON() string {
	b, err := json.Marshal(Schema())
	if err != nil {
		panic(fmt.Sprintf("order: schema: %v", err)) // it holds nothing that JSON cannot say
	}
	return string(b)
}

func object(properties map[string]any, required ...any) map[string]any {
	return map[string]any{
		"type":                 "object",
		"properties":           properties,
		"required":             required,
		"additionalProperties": false,
	}
}

func text(minLen, maxLen int) map[string]any {
	s := map[string]any{"type": "string", "maxLength": maxLen}
	if minLen > 0 {
		s["minLength"] = minLen
	}
	return s
}

func integerBetween(lowest, highest int) map[string]any {
	return map[string]any{"type": "integer", "minimum": lowest, "maximum": highest}
}

func enum(values []string) map[string]any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = v
	}
	return map[string]any{"type": "string", "enum": list}
}
