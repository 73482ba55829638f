// Command refund is the Lambda function that gives an order's payment back.
package main

import (
	"github.com/orderflow-cdk/orderflow/internal/bootstrap"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

func main() { bootstrap.Run(handler.NewRefund) }
