// Command ship is the Lambda function that books an order's shipment.
package main

import (
	"github.com/orderflow-cdk/orderflow/internal/bootstrap"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

func main() { bootstrap.Run(handler.NewShip) }
