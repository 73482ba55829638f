// Command reserve is the Lambda function that holds stock for an order.
package main

import (
	"github.com/orderflow-cdk/orderflow/internal/bootstrap"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

func main() { bootstrap.Run(handler.NewReserve) }
