// Package apigateway simulates the REST APIs (version 1) of Amazon API Gateway.
package apigateway
