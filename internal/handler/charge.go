package handler

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/dynamo"
	"github.com/orderflow-cdk/orderflow/internal/payment"
)

// payments is a payment provider.
type payments interface {
	Charge(context.Context, payment.Charge) (payment.Receipt, error)
	Refund(context.Context, payment.Refund) (payment.Refunded, error)
}

var (
	_ payments = (*payment.HTTP)(nil)
	_ payments = (*payment.Sandbox)(nil)
)

// NewCharge returns the handler that charges an order's total to its card,
// once. It returns a payment.Receipt, or the error PaymentDeclined.
func NewCharge(env Env) (lambda.Handler, error) {
	c, err := config.LoadCharge(env.Getenv)
	if err != nil {
		return nil, err
	}
	provider, err := newPayments(env, c)
	if err != nil {
		return nil, err
	}
	return newStep(Charge, env, c.Common, func(ctx context.Context, in *input) (any, error) {
		charge := payment.Charge{
			Key:      in.Key,
			Amount:   in.Order.Total(),
			Currency: in.Order.Currency,
			Token:    in.Order.Payment.Token,
		}
		if charge.Amount == 0 {
			return payment.Receipt{Currency: charge.Currency}, nil // providers refuse to charge nothing
		}
		return provider.Charge(ctx, charge)
	}).counting(), nil
}

func newPayments(env Env, c config.Payment) (payments, error) {
	if c.Provider == config.ProviderSandbox {
		return &payment.Sandbox{Attempts: &dynamo.Inventory{
			Client: dynamodb.NewFromConfig(env.AWS), Table: c.InventoryTable, Now: env.Now,
		}}, nil
	}
	if env.HTTP == nil {
		return nil, errors.New("handler: Env.HTTP is needed for the payment provider")
	}
	return &payment.HTTP{
		Endpoint: c.Endpoint,
		Timeout:  c.Timeout,
		Client:   env.HTTP,
		Secret:   &payment.StoredSecret{Client: secretsmanager.NewFromConfig(env.AWS), ARN: c.SecretARN},
	}, nil
}
