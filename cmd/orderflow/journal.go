package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// journal is what the clients of a demo were told, kept so that a run that was killed
// can be gone on with: whatever was acknowledged must be there then. A nil journal keeps nothing.
type journal struct {
	path string
	old  bool
}

// entry is what a submission led to.
type entry struct {
	*outcome
	Links struct{ Status, Result string } `json:"links"`
}

// openJournal is the journal in a folder; with "" there is none.
func openJournal(folder string) (*journal, error) {
	if folder == "" {
		return nil, nil
	}
	j := &journal{path: filepath.Join(folder, "demo.jsonl")}
	_, err := os.Stat(j.path)
	switch {
	case err == nil:
		j.old = true
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return j, nil
}

// goesOn reports whether there was a run that was killed.
func (j *journal) goesOn() bool { return j != nil && j.old }

// read returns the outcomes of the run that was killed, by line.
func (j *journal) read() (map[int]*outcome, error) {
	if !j.goesOn() {
		return nil, nil
	}
	text, err := os.ReadFile(j.path)
	if err != nil {
		return nil, err
	}
	done := map[int]*outcome{}
	whole := 0
	for line := range bytes.Lines(text) {
		e := entry{outcome: &outcome{}}
		if !bytes.HasSuffix(line, []byte("\n")) || json.Unmarshal(line, &e) != nil {
			break // It was killed while it wrote this.
		}
		whole += len(line)
		e.links = e.Links
		e.settled = e.OrderID == "" // refused
		done[e.Line] = e.outcome
	}
	return done, os.Truncate(j.path, int64(whole))
}

// write adds an outcome.
func (j *journal) write(o *outcome) error {
	if j == nil {
		return nil
	}
	b, err := json.Marshal(entry{o, o.links})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(j.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(b, '\n')); err != nil {
		_ = f.Close() // the error before is what matters
		return fmt.Errorf("%s: %w", j.path, err)
	}
	return f.Close()
}

// remove ends the journal: the run is over.
func (j *journal) remove() error {
	if j == nil {
		return nil
	}
	if err := os.Remove(j.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
