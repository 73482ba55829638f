// Package payment charges cards and gives the money back: through a provider's
// HTTP API (HTTP), or with a sandbox in which the card's token decides (Sandbox).
//
// Every call carries a key of the caller's. A charge made twice under one key is
// one charge; a refund of a key that was never charged does nothing.
package payment

import (
	"crypto/sha256"
	"encoding/hex"
)

// Charge asks for money.
type Charge struct {
	Key      string // idempotency key: the order's
	Amount   int64  // minor units of Currency
	Currency string // ISO 4217
	Token    string // the card, as the provider knows it; never logged
}

// Receipt is what a charge leaves behind.
type Receipt struct {
	ChargeID string `json:"chargeId,omitempty"` // the provider's; "" if there was nothing to charge
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// Refund gives back what was charged under Key.
type Refund struct {
	Key      string
	ChargeID string // of the receipt; "" where the charge's outcome is not known
	Amount   int64
	Currency string
}

// Refunded is the outcome of a refund.
type Refunded struct {
	// RefundID is the provider's; "" where there was nothing to give back.
	RefundID string `json:"refundId,omitempty"`
	// Refunded tells whether money went back.
	Refunded bool `json:"refunded"`
}

// PaymentUnavailable says that the provider did not answer properly: nobody
// knows whether the charge or refund took effect. The same call can be made
// again. Lambda reports the type's name as the error's.
type PaymentUnavailable struct{ Reason string }

func (e *PaymentUnavailable) Error() string {
	return "the payment provider is not available: " + e.Reason
}

// PaymentRequestInvalid says that the provider refused the call itself, which
// repeating it would not change: wrong credentials, or a fault of ours.
type PaymentRequestInvalid struct{ Reason string }

func (e *PaymentRequestInvalid) Error() string {
	return "the payment provider refused the request: " + e.Reason
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:12])
}
