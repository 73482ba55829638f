package diff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local"
)

// Source is one side of a comparison.
type Source struct {
	// Name is how it was named.
	Name string
	// Templates are the stacks' templates in JSON, by the stacks' names.
	Templates map[string][]byte
	// Masked says that hashes of assets are masked in the templates.
	Masked bool
}

// Committed is the folder of a revision with its templates.
const Committed = "internal/snapshot"

const templateSuffix = ".template.json"

// Load reads one side: a cdk.out folder, a folder of templates, a template, or a git revision of the repository
// in the working directory. Of a revision, the templates are those committed with it, or with synth those that
// the revision's own app synthesizes in a worktree for the time being.
func Load(ctx context.Context, name string, synth bool) (*Source, error) {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return loadFolder(name, name)
	case err == nil:
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		return masked(&Source{Name: name, Templates: map[string][]byte{stackOf(name): text}}), nil
	}
	commit, err := git(ctx, "", "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
	if err != nil {
		return nil, fmt.Errorf("%q is no folder, no file and no git revision here", name)
	}
	if synth {
		return synthesize(ctx, name, strings.TrimSpace(commit))
	}
	return loadRevision(ctx, name, strings.TrimSpace(commit))
}

// stackOf is the name of the stack whose template a file is.
func stackOf(file string) string {
	return strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".json"), ".template")
}

// masked finds out whether the hashes of assets are.
func masked(s *Source) *Source {
	for _, text := range s.Templates {
		s.Masked = s.Masked || bytes.Contains(text, []byte(`"ASSET.zip"`))
	}
	return s
}

func loadFolder(name, folder string) (*Source, error) {
	s := &Source{Name: name, Templates: map[string][]byte{}}
	stacks, err := local.Stacks(folder)
	if err == nil {
		for _, stack := range stacks {
			if s.Templates[stack], err = local.ReadTemplate(folder, stack); err != nil {
				return nil, err
			}
		}
		return masked(s), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"+templateSuffix))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%s has neither a manifest.json nor a *%s: is it a cdk.out folder?", name, templateSuffix)
	}
	for _, file := range files {
		if s.Templates[stackOf(file)], err = os.ReadFile(file); err != nil {
			return nil, err
		}
	}
	return masked(s), nil
}

// loadRevision reads the templates that are committed with a revision.
func loadRevision(ctx context.Context, name, commit string) (*Source, error) {
	list, err := git(ctx, "", "ls-tree", "--full-tree", "--name-only", commit, Committed+"/")
	if err != nil {
		return nil, err
	}
	s := &Source{Name: name, Templates: map[string][]byte{}}
	for file := range strings.Lines(list) {
		if file = strings.TrimSpace(file); !strings.HasSuffix(file, templateSuffix) {
			continue
		}
		text, err := git(ctx, "", "cat-file", "blob", commit+":"+file)
		if err != nil {
			return nil, err
		}
		s.Templates[stackOf(path.Base(file))] = []byte(text)
	}
	if len(s.Templates) == 0 {
		return nil, fmt.Errorf("revision %s has no %s/*%s; --synth synthesizes it", name, Committed, templateSuffix)
	}
	return masked(s), nil
}

// synthesize runs the revision's app in a worktree of its own. The npm packages are those of this one.
func synthesize(ctx context.Context, name, commit string) (s *Source, err error) {
	root, err := git(ctx, "", "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	root = strings.TrimSpace(root)
	temp, err := os.MkdirTemp("", "orderflow-diff-")
	if err != nil {
		return nil, err
	}
	tree := filepath.Join(temp, "tree")
	defer func() {
		// Not with ctx: after Ctrl-C the worktree has to go as well.
		_, _ = git(context.WithoutCancel(ctx), root, "worktree", "remove", "--force", tree)
		err = errors.Join(err, os.RemoveAll(temp))
	}()
	if _, err := git(ctx, root, "worktree", "add", "--detach", "--quiet", tree, commit); err != nil {
		return nil, err
	}
	packages := filepath.Join(root, "node_modules")
	if _, err := os.Stat(packages); err != nil {
		return nil, fmt.Errorf("--synth: %w; run: npm ci", err)
	}
	if err := os.Symlink(packages, filepath.Join(tree, "node_modules")); err != nil {
		return nil, err
	}
	out := filepath.Join(temp, "cdk.out")
	if _, err := run(ctx, tree, "npx", "cdk", "synth", "--quiet", "--output", out); err != nil {
		return nil, fmt.Errorf("--synth of %s: %w", name, err)
	}
	return loadFolder(name, out)
}

func git(ctx context.Context, folder string, args ...string) (string, error) {
	return run(ctx, folder, "git", args...)
}

// run runs a program; the error has the last line that it complained with.
func run(ctx context.Context, folder, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = folder
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		lines := slices.DeleteFunc(strings.Split(complaint.String(), "\n"), func(l string) bool { return strings.TrimSpace(l) == "" })
		if len(lines) > 0 {
			return "", fmt.Errorf("%s %s: %w: %s", program, args[0], err, strings.TrimSpace(lines[len(lines)-1]))
		}
		return "", fmt.Errorf("%s %s: %w", program, args[0], err)
	}
	return out.String(), nil
}
