package handler

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/payment"
)

// NewRefund returns the handler that undoes charge: what was charged for the
// order goes back, once. If nothing was, it does nothing. It returns a
// payment.Refunded.
func NewRefund(env Env) (lambda.Handler, error) {
	c, err := config.LoadRefund(env.Getenv)
	if err != nil {
		return nil, err
	}
	provider, err := newPayments(env, c)
	if err != nil {
		return nil, err
	}
	return newStep(Refund, env, c.Common, func(ctx context.Context, in *input) (any, error) {
		if in.Order.Total() == 0 {
			return payment.Refunded{}, nil
		}
		// Without a receipt the charge may still have been made: its answer was lost.
		receipt, _ := result(in, func(r payment.Receipt) bool { return r.ChargeID != "" })
		return provider.Refund(ctx, payment.Refund{
			Key:      in.Key,
			ChargeID: receipt.ChargeID,
			Amount:   in.Order.Total(),
			Currency: in.Order.Currency,
		})
	}), nil
}
