package appsync_test

import (
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
)

func lambdaSource() []appsync.Resource {
	return []appsync.Resource{resource("Fn", "DataSource", m{
		"ApiId": "Api", "Name": "fn", "Type": "AWS_LAMBDA", "ServiceRoleArn": "arn:aws:iam::123456789012:role/ds",
		"LambdaConfig": m{"LambdaFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f"},
	})}
}
