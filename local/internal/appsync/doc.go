// Package appsync simulates the GraphQL APIs of AWS AppSync, built from their
// CloudFormation resources: the schema with its directives and scalars, the
// authorization modes, resolvers in APPSYNC_JS, subscriptions, and the
// real-time protocol that AppSync's clients speak.
//
// Documents are parsed and validated by gqlparser; resolver code runs in
// package appsyncjs. The executor between them is this package's.
//
// # Fidelity
//
//	GraphQLApi             modelled: all authentication modes and their configuration, IntrospectionConfig, QueryDepthLimit,
//	                       ResolverCountLimit, EnvironmentVariables
//	                       declared: Visibility, LogConfig, XrayEnabled, EnhancedMetricsConfig, OwnerContact, Tags
//	                       refused: merged APIs
//	GraphQLSchema          modelled: Definition. AppSync's scalars and directives are there without being declared
//	                       refused: DefinitionS3Location
//	DataSource             modelled: NONE, AMAZON_DYNAMODB, AWS_LAMBDA
//	                       refused: other types, Versioned, UseCallerCredentials
//	Resolver               modelled: UNIT and PIPELINE in APPSYNC_JS 1.0.0, direct Lambda resolvers
//	                       refused: mapping templates (VTL), CachingConfig, SyncConfig, MaxBatchSize, CodeS3Location
//	FunctionConfiguration  modelled and refused like a Resolver
//	ApiKey                 modelled; its value is a function of the logical ids. Expires as on AWS, after 7 days by default
//	ApiCache, DomainName, SourceApiAssociation, Api (Events) and other types  refused
//
//	DynamoDB operations    GetItem, PutItem, UpdateItem, DeleteItem, Query, Scan with their expressions, conditions and pages;
//	                       refused: batches, transactions, PartiQL, Sync, versioned tables, the comparison after a failed
//	                       condition (equalsIgnore) and its handlers: a failed condition is $ctx.error always
//	Lambda operations      Invoke, synchronously or as an Event; refused: BatchInvoke
//	Filters                by arguments, and extensions.setSubscriptionFilter with all operators. A filter of the resolver
//	                       replaces that of the arguments, which may then be no fields of the type
//	                       refused: invalidation
//	Real-time protocol     upgrade with credentials in the query or in a subprotocol, connection_init, start, stop, data, error,
//	                       complete, keep-alives every minute, 24 hours of life, 100 subscriptions
//	Size limits            1 MB of request, 240 KB of event, 10 functions in a pipeline. Rates, execution times and tokens
//	                       are not modelled, nor is WAF
//
// # As AppSync does it
//
//   - A subscriber gets of an event only what the mutation selected, by the schema's
//     names of the fields; what it selects beyond that is null, and an error if
//     it may not be null. Nothing is resolved or authorized again for an event.
//   - A mutation whose field is null publishes nothing.
//   - An argument that stands for a variable without a value is null for a resolver,
//     and a subscription argument that is null admits only events with null there.
//   - AWSJSON reaches resolvers parsed, and what they return for it is
//     written as JSON text, a string too.
//   - A type's directive holds for its fields without one, and fields without either are for
//     the default mode alone.
//   - A subscription's resolver runs when a client subscribes, and an error of it is a frame
//     of type error instead of start_ack.
//
// # Where AWS's behaviour is not documented
//
//   - Validation errors have AppSync's types and, for undefined fields, its words; else gqlparser's.
//   - With several credentials Authorization counts, if the API has a mode that takes it, before x-api-key.
//   - A subscription that selects a field below its own that the caller may not see is refused.
//   - Conditions on a field that an event lacks hold for ne, notIn and notContains alone.
//   - An unauthorized connection gets connection_error without having to ask, and is closed with 1000.
//   - The errors of a second subscription under an id, and of stop without one, have the names of
//     AppSync Events' protocol.
//   - AWSJSON in events is encoded once, unless Config.EncodeJSONTwice says otherwise.
//   - A subscription by POST, which on AWS begins an MQTT handshake of old, is a BadRequestException.
package appsync
