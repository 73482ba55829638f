// Command notify is the Lambda function that tells the changes of orders to the topic and to AppSync.
package main

import (
	"github.com/orderflow-cdk/orderflow/internal/bootstrap"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

func main() { bootstrap.Run(handler.NewNotify) }
