package runtimeapi

import (
	"bytes"
	"sync"
)

// maxLine is the largest event of a log, in bytes (CloudWatch Logs quotas: 1 MB since April 2025, 256 KB before).
// A longer line becomes several.
const maxLine = 1 << 20

// lines is a writer that tells lines. What is left without an end is told by flush.
type lines struct {
	tell func(line []byte)
	mu   sync.Mutex
	rest []byte
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(b)
	for len(b) > 0 {
		part := b[:min(len(b), maxLine-len(l.rest))]
		end := bytes.IndexByte(part, '\n')
		if end >= 0 {
			part = part[:end]
		}
		l.rest = append(l.rest, part...)
		b = b[len(part):]
		if end >= 0 {
			b = b[1:]
		}
		if end >= 0 || len(l.rest) == maxLine {
			l.tellRest()
		}
	}
	return n, nil
}

func (l *lines) tellRest() {
	l.tell(bytes.TrimSuffix(l.rest, []byte("\r")))
	l.rest = l.rest[:0]
}

func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.tellRest()
	}
}
