// Command intake is the Lambda function that records orders from the queue and starts their workflows.
package main

import (
	"github.com/orderflow-cdk/orderflow/internal/bootstrap"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

func main() { bootstrap.Run(handler.NewIntake) }
