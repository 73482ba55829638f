package handler

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/dynamo"
)

// Reservation is the result of reserve.
type Reservation struct {
	SKUs  int `json:"skus"`  // different ones
	Units int `json:"units"` // of all SKUs together
}

// NewReserve returns the handler that takes an order's items out of the stock,
// all or none. It returns a Reservation, or the error OutOfStock or UnknownSku.
func NewReserve(env Env) (lambda.Handler, error) {
	c, err := config.LoadWarehouse(env.Getenv)
	if err != nil {
		return nil, err
	}
	inventory := newInventory(env, c)
	return newStep(Reserve, env, c.Common, func(ctx context.Context, in *input) (any, error) {
		lines := dynamo.Lines(in.Order)
		r := Reservation{SKUs: len(lines)}
		for _, l := range lines {
			r.Units += l.Quantity
		}
		return r, inventory.Reserve(ctx, in.Key, lines)
	}).counting(), nil
}

func newInventory(env Env, c config.Warehouse) *dynamo.Inventory {
	return &dynamo.Inventory{
		Client: dynamodb.NewFromConfig(env.AWS), Table: c.InventoryTable, Now: env.Now, Retention: c.Retention,
	}
}
