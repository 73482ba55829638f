// Package awsapi is how clients call AWS services over HTTP: which requests are such calls, how they are
// read, and how they are answered.
//
//	AWS JSON 1.0 and 1.1   SQS, DynamoDB and its streams, Step Functions, Secrets Manager, CloudWatch Logs
//	AWS Query              SNS, STS, CloudFormation, and SQS as its SDKs of before 2023 speak it
//	REST JSON              Lambda, AppSync
//
// Calls of anything else are recognized and refused, in the protocol of their client.
package awsapi
