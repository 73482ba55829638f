package order

import (
	"fmt"
	"strings"
)

// Reasons that stand in a record without being the name of an error of a step.
const (
	// ReasonInvalidOrder is why intake rejects a body that is no valid order.
	ReasonInvalidOrder = "InvalidOrder"
	// ReasonCancelRequested is why an order is CANCELLED.
	ReasonCancelRequested = "CancelRequested"
)

// Rejections returns the names of the errors that mean a rejection: a business
// outcome, which is never retried. Each is the Go type's name, which Lambda
// reports as errorType, and so the workflow's error name and the record's reason.
func Rejections() []string { return []string{"OutOfStock", "PaymentDeclined", "UnknownSku"} }

// OutOfStock says that there is less of some SKUs than the order wants.
type OutOfStock struct {
	// Shortages holds one entry for each SKU that is short, by SKU.
	Shortages []Shortage
}

// Shortage is one SKU of which there is too little.
type Shortage struct {
	SKU       string `json:"sku"`
	Wanted    int    `json:"wanted"`
	Available int    `json:"available"`
}

func (e *OutOfStock) Error() string {
	parts := make([]string, len(e.Shortages))
	for i, s := range e.Shortages {
		parts[i] = fmt.Sprintf("%s (wanted %d, available %d)", s.SKU, s.Wanted, s.Available)
	}
	return "out of stock: " + strings.Join(parts, ", ")
}

// UnknownSku says that some SKUs of the order do not exist.
type UnknownSku struct {
	// SKUs are the unknown ones, sorted.
	SKUs []string
}

func (e *UnknownSku) Error() string { return "unknown sku: " + strings.Join(e.SKUs, ", ") }

// PaymentDeclined says that the payment provider refused to charge.
type PaymentDeclined struct {
	// Reason is the provider's own word for it, such as "insufficient_funds".
	Reason string
}

func (e *PaymentDeclined) Error() string {
	if e.Reason == "" {
		return "the payment was declined"
	}
	return "the payment was declined: " + e.Reason
}
