// Package durable is how the services of a local stack outlive its process: as
// records, which a Store keeps and the services of the next process go on from.
package durable

// Engine is a service whose state is a set of records, each under a key that is
// the same in every run.
type Engine interface {
	// Watch has the engine tell the key of every record that is made, changed or
	// deleted. It may tell a key again and again: records are read at the next commit.
	Watch(changed func(key string))
	// Record is a record as it is now; false if there is none, or none any more.
	Record(key string) ([]byte, bool)
	// Keys lists the records there are, sorted.
	Keys() []string
	// Restore goes on from the records of an earlier run, timers included. It is
	// called once, when all resources of the template are there and nothing has happened. The
	// clock goes on: what was due since is due at once. What belongs to resources that are gone
	// is told in dropped, a line for each; a record that cannot be read is an error.
	Restore(records map[string][]byte) (dropped []string, err error)
}
