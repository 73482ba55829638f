package local

import "time"

// SetProcessIdle sets how long idle processes stay, and returns how to take that back.
func SetProcessIdle(d time.Duration) (restore func()) {
	before := processIdle
	processIdle = d
	return func() { processIdle = before }
}
