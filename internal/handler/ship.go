package handler

import (
	"context"
	"crypto/sha256"
	"encoding/base32"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/orderflow-cdk/orderflow/internal/config"
)

// Shipment is the result of ship.
type Shipment struct {
	TrackingNumber string `json:"trackingNumber"`
}

// NewShip returns the handler that books the shipment of what is reserved for
// an order. It returns a Shipment.
func NewShip(env Env) (lambda.Handler, error) {
	c, err := config.LoadShip(env.Getenv)
	if err != nil {
		return nil, err
	}
	inventory := newInventory(env, c)
	return newStep(Ship, env, c.Common, func(ctx context.Context, in *input) (any, error) {
		number, err := inventory.Ship(ctx, in.Key, trackingNumber(in.Key))
		return Shipment{TrackingNumber: number}, err
	}), nil
}

// trackingNumber derives from the order's key, so that a repetition books the
// same shipment. 80 bits of a hash do not meet by chance.
func trackingNumber(key string) string {
	sum := sha256.Sum256([]byte("shipment " + key))
	return "OF" + base32.StdEncoding.EncodeToString(sum[:10])
}
