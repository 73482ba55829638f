package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local"
)

// watchInterval is how often up looks for changes.
const watchInterval = 500 * time.Millisecond

// watch takes changes over until ctx ends: another template, or other code of functions. What
// it does, and what fails, it tells in a line each.
func (c *upCommand) watch(ctx context.Context, stack *local.Stack, tell io.Writer) {
	template, _ := c.template() // it was read a moment ago
	root, err := moduleRoot(ctx, ".")
	sources := sourceTimes{root: root}
	if err == nil {
		sources.changed()
	}
	hashes := c.running()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchInterval):
		}
		// A template that is being written is read again the next time.
		if now, err := c.template(); err == nil && !bytes.Equal(now, template) && settled(now) {
			template = now
			c.askAgain()
			err := stack.Reload(now)
			if err != nil {
				err = c.explained(err)
			}
			tellReload(tell, "the template", err)
		}
		if root != "" && sources.changed() {
			fmt.Fprintln(tell, "orderflow: the source has changed: building the functions …")
			names, err := c.rebuild(ctx, stack, root, hashes)
			what := strings.Join(names, ", ")
			if len(names) == 0 {
				what = "nothing: the functions are the same"
			}
			tellReload(tell, what, err)
		}
	}
}

func settled(template []byte) bool { return bytes.HasSuffix(bytes.TrimSpace(template), []byte("}")) }

func tellReload(w io.Writer, what string, err error) {
	if err != nil {
		fmt.Fprintf(w, "orderflow: not reloaded: %s\n", oneLine(err))
		return
	}
	fmt.Fprintf(w, "orderflow: reloaded %s\n", what)
}

// running are the hashes of the executables that functions run as. There are none of those that run in
// process: the first time, all of them are taken over.
func (c *upCommand) running() map[string][sha256.Size]byte {
	c.mu.Lock()
	folder := c.bootstraps
	if c.host.folder != "" {
		folder = c.host.folder
	}
	c.mu.Unlock()
	hashes := map[string][sha256.Size]byte{}
	if folder == "" {
		return hashes
	}
	files, _ := filepath.Glob(filepath.Join(folder, "*", "bootstrap")) // the pattern is well-formed
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil {
			hashes[filepath.Base(filepath.Dir(file))] = sha256.Sum256(b)
		}
	}
	return hashes
}

// rebuild builds the functions and has the stack run those that have become others. It
// returns their names.
func (c *upCommand) rebuild(ctx context.Context, stack *local.Stack, root string, hashes map[string][sha256.Size]byte) ([]string, error) {
	if c.edits == "" {
		var err error
		if c.edits, err = tempFolder("edited"); err != nil {
			return nil, err
		}
	}
	folder, err := buildFunctions(ctx, root, c.edits)
	if err != nil {
		return nil, err
	}
	bootstraps, err := filepath.Glob(filepath.Join(folder, "*", "bootstrap"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range bootstraps {
		b, err := os.ReadFile(file)
		if err != nil {
			return names, err
		}
		name, hash := filepath.Base(filepath.Dir(file)), sha256.Sum256(b)
		if hashes[name] == hash {
			continue
		}
		hashes[name] = hash
		p := &local.Process{Bootstrap: file}
		c.mu.Lock()
		c.edited[name] = p
		c.mu.Unlock()
		if err := stack.SetProcess(name, p); err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}

// sourceTimes are when the files were changed that functions are made of.
type sourceTimes struct {
	root  string
	files map[string]time.Time
}

// notOfFunctions are folders of the module that no function imports.
var notOfFunctions = map[string]bool{
	"cdk.out": true, "cmd": true, "dist": true, "docs": true, "examples": true, "infra": true, "local": true, "node_modules": true, "test": true,
}

// changed reports whether a file was changed, made or deleted since it was last called.
func (s *sourceTimes) changed() bool {
	now := map[string]time.Time{}
	_ = filepath.WalkDir(s.root, func(path string, d fs.DirEntry, err error) error { // what cannot be read now may be the next time
		switch {
		case err != nil:
			return nil
		case d.IsDir():
			if name := d.Name(); path != s.root && (strings.HasPrefix(name, ".") || name == "testdata" || filepath.Dir(path) == s.root && notOfFunctions[name]) {
				return fs.SkipDir
			}
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") || d.Name() == "go.mod":
			if info, err := d.Info(); err == nil {
				now[path] = info.ModTime()
			}
		}
		return nil
	})
	before := s.files
	s.files = now
	if len(before) != len(now) {
		return true
	}
	for path, at := range now {
		if !at.Equal(before[path]) {
			return true
		}
	}
	return false
}
