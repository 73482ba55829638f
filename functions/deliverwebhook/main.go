// Command deliverwebhook is the Lambda function that delivers events to the webhook endpoints of customers.
package main

import (
	"github.com/orderflow-cdk/orderflow/internal/bootstrap"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

func main() { bootstrap.Run(handler.NewDeliverWebhook) }
