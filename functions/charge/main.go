// Command charge is the Lambda function that charges an order to its card.
package main

import (
	"github.com/orderflow-cdk/orderflow/internal/bootstrap"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

func main() { bootstrap.Run(handler.NewCharge) }
