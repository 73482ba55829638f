// Command managewebhooks is the Lambda function behind /webhooks, where tenants register their endpoints.
package main

import (
	"github.com/orderflow-cdk/orderflow/internal/bootstrap"
	"github.com/orderflow-cdk/orderflow/internal/handler"
)

func main() { bootstrap.Run(handler.NewManageWebhooks) }
