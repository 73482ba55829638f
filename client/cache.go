package client

import "sync"

// maxCached is how many orders' last status is kept, to be asked for with its ETag.
const maxCached = 1000

// cache keeps the last state of orders. Its zero value is empty.
type cache struct {
	mu   sync.Mutex
	kept map[string]cached
}

type cached struct {
	state State
	etag  string
}

func (c *cache) get(id string) (State, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kept[id]
	return k.state, k.etag
}

// put keeps a status unless it is an end, after which nobody asks again.
func (c *cache) put(id string, s State, etag string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if etag == "" || s.Final() {
		delete(c.kept, id)
		return
	}
	if c.kept == nil {
		c.kept = map[string]cached{}
	}
	if _, ok := c.kept[id]; !ok && len(c.kept) >= maxCached {
		for other := range c.kept { // any one: it is only asked for in full the next time
			delete(c.kept, other)
			break
		}
	}
	c.kept[id] = cached{s, etag}
}
