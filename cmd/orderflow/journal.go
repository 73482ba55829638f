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
	folder string // holds the journal and what the stack keeps, and nothing else
	old    bool
}

// entry is what a submission led to.
type entry struct {
	*outcome
	Links struct{ Status, Result string } `json:"links"`
}

// openJournal is the journal of a demo in a folder; with "" there is none. Unless a run was killed there after
// something was acknowledged, it begins anew.
func openJournal(folder string) (*journal, error) {
	if folder == "" {
		return nil, nil
	}
	j := &journal{folder: filepath.Join(folder, "demo")}
	info, err := os.Stat(j.path())
	if j.old = err == nil && info.Size() > 0; j.old {
		return j, nil
	}
	if err := j.remove(); err != nil {
		return nil, err
	}
	return j, os.MkdirAll(j.folder, 0o700)
}

func (j *journal) path() string { return filepath.Join(j.folder, "demo.jsonl") }

// data is where the demo's stack keeps what it holds, "" if nowhere: in a folder of its own, since it ends with the run.
func (j *journal) data() string {
	if j == nil {
		return ""
	}
	return j.folder
}

// goesOn reports whether there was a run that was killed.
func (j *journal) goesOn() bool { return j != nil && j.old }

// read returns the outcomes of the run that was killed, by line.
func (j *journal) read() (map[int]*outcome, error) {
	if !j.goesOn() {
		return nil, nil
	}
	text, err := os.ReadFile(j.path())
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
	return done, os.Truncate(j.path(), int64(whole))
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
	f, err := os.OpenFile(j.path(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(b, '\n')); err != nil {
		_ = f.Close() // the error before is what matters
		return fmt.Errorf("%s: %w", j.path(), err)
	}
	return f.Close()
}

// remove ends the journal, and with it what the stack kept: the run is over. The journal goes first: without it
// nobody goes on.
func (j *journal) remove() error {
	if j == nil {
		return nil
	}
	if err := os.Remove(j.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(j.folder)
}
