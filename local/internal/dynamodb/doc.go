// Package dynamodb is Amazon DynamoDB inside a simulation: tables in memory,
// called in the service's JSON protocol, with its expressions, limits, error
// codes and messages, indexes, transactions, streams and time to live.
//
// Simulated: GetItem, PutItem, UpdateItem, DeleteItem, Query, Scan,
// BatchGetItem, BatchWriteItem, TransactGetItems, TransactWriteItems,
// DescribeTable and ListTables. Any other action, and the legacy parameters
// that precede expressions (Expected, AttributeUpdates, …), are refused by name.
//
// Where it is simpler than the service:
//   - Every read sees every write, also eventually consistent reads and global
//     indexes. The capacity they use is still counted by what was asked for.
//   - Nothing is throttled; capacity is counted, not limited.
//   - An item expires exactly ExpiryDelay after its time.
//   - A stream is one sequence of records, not a set of shards. Of the last day's records
//     that all its readers have read it holds 10,000 (see streamlog.go).
//   - Sets are kept in ascending order, and attributes by name.
package dynamodb
