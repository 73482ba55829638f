package handler

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/orderflow-cdk/orderflow/internal/config"
	"github.com/orderflow-cdk/orderflow/internal/dynamo"
)

// Released is the result of release.
type Released struct {
	Units int `json:"releasedUnits"` // 0 if nothing was held, or it went back before
}

// NewRelease returns the handler that undoes reserve, and a shipment that was
// booked on the reservation: stock goes back once. If nothing was reserved, it
// sees to it that nothing will be, for a reserve that comes late.
func NewRelease(env Env) (lambda.Handler, error) {
	c, err := config.LoadWarehouse(env.Getenv)
	if err != nil {
		return nil, err
	}
	inventory := newInventory(env, c)
	return newStep(Release, env, c.Common, func(ctx context.Context, in *input) (any, error) {
		n, err := inventory.Release(ctx, in.Key, dynamo.Lines(in.Order))
		return Released{Units: n}, err
	}), nil
}
