package payment

import (
	"context"
	"fmt"

	"github.com/orderflow-cdk/orderflow/internal/order"
)

// Tokens that the sandbox knows.
const (
	TokenVisa     = "tok_visa"     // pays
	TokenDeclined = "tok_declined" // is declined
	TokenFlaky    = "tok_flaky"    // fails FlakyFailures times, then pays
	TokenDown     = "tok_down"     // never answers properly
)

// FlakyFailures is how often a charge of TokenFlaky fails before it pays.
const FlakyFailures = 2

// Attempts counts. Lambda may run each attempt in another environment, so the
// count lives outside of the process.
type Attempts interface {
	// CountAttempt adds 1 to the count of key and returns it.
	CountAttempt(ctx context.Context, key string) (int, error)
}

// Sandbox is a payment provider in which the token decides. It moves no money.
type Sandbox struct {
	// Attempts counts the charges of TokenFlaky. Only Charge needs it.
	Attempts Attempts
}

// Charge answers as the token says. Tokens that it does not know are declined.
func (s *Sandbox) Charge(ctx context.Context, c Charge) (Receipt, error) {
	switch c.Token {
	case TokenVisa:
	case TokenDeclined:
		return Receipt{}, &order.PaymentDeclined{Reason: "card_declined"}
	case TokenFlaky:
		n, err := s.Attempts.CountAttempt(ctx, c.Key)
		if err != nil {
			return Receipt{}, err
		}
		if n <= FlakyFailures {
			return Receipt{}, &PaymentUnavailable{Reason: fmt.Sprintf("sandbox: attempt %d of a flaky card", n)}
		}
	case TokenDown:
		return Receipt{}, &PaymentUnavailable{Reason: "sandbox: the provider is down"}
	default:
		return Receipt{}, &order.PaymentDeclined{
			Reason: "the sandbox does not know this token; it knows tok_visa, tok_declined, tok_flaky and tok_down"}
	}
	return Receipt{ChargeID: "ch_" + digest(c.Key), Amount: c.Amount, Currency: c.Currency}, nil
}

// Refund gives back what r names a charge of; without one there is nothing to
// give back, since the sandbox never charges without answering.
func (s *Sandbox) Refund(_ context.Context, r Refund) (Refunded, error) {
	if r.ChargeID == "" {
		return Refunded{}, nil
	}
	return Refunded{RefundID: "re_" + digest(r.Key), Refunded: true}, nil
}
