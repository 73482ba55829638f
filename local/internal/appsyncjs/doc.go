// Package appsyncjs runs the code of AppSync resolvers, pipeline functions and subscription
// handlers: JavaScript as the runtime APPSYNC_JS 1.0.0 takes it.
package appsyncjs
