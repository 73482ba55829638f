// Package sns simulates Amazon SNS: topics, subscriptions, filters, deliveries.
package sns
