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
	root, err := moduleRoot(ctx)
	sources := sourceTimes{root: root}
	if err == nil {
		sources.changed()
	}
	hashes := map[string][sha256.Size]byte{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchInterval):
		}
		// A template that is being written is read again the next time.
		if now, err := c.template(); err == nil && !bytes.Equal(now, template) && settled(now) {
			template = now
			tellReload(tell, "the template", stack.Reload(now))
		}
		if root != "" && sources.changed() {
			names, err := c.rebuild(ctx, stack, root, hashes)
			if err != nil || len(names) > 0 {
				tellReload(tell, strings.Join(names, ", "), err)
			}
		}
	}
}

func settled(template []byte) bool { return bytes.HasSuffix(bytes.TrimSpace(template), []byte("}")) }

func tellReload(w io.Writer, what string, err error) {
	if err != nil {
		fmt.Fprintf(w, "orderflow: not reloaded: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	fmt.Fprintf(w, "orderflow: reloaded %s\n", what)
}

// rebuild builds the functions and has the stack run those that have become others. It
// returns their names.
func (c *upCommand) rebuild(ctx context.Context, stack *local.Stack, root string, hashes map[string][sha256.Size]byte) ([]string, error) {
	if c.edits == "" {
		var err error
		if c.edits, err = os.MkdirTemp("", "orderflow-edited-"); err != nil {
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
