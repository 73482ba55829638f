package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Stacks lists the stacks of a cloud assembly, the folder that cdk synth writes (cdk.out), sorted.
func Stacks(assembly string) ([]string, error) {
	m, err := readManifest(assembly)
	if err != nil {
		return nil, err
	}
	var names []string
	for name, a := range m.Artifacts {
		if a.Type == "aws:cloudformation:stack" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// ReadTemplate reads a stack's template from a cloud assembly, the folder that
// cdk synth writes (cdk.out). The error for a stack that is not in it lists those that are. A folder without
// a manifest will do if it has the file <stack>.template.json.
func ReadTemplate(assembly, stack string) ([]byte, error) {
	m, err := readManifest(assembly)
	if errors.Is(err, fs.ErrNotExist) {
		if template, e := os.ReadFile(filepath.Join(assembly, stack+".template.json")); e == nil {
			return template, nil
		}
	}
	if err != nil {
		return nil, err
	}
	a, ok := m.Artifacts[stack]
	if !ok || a.Type != "aws:cloudformation:stack" {
		names, err := Stacks(assembly)
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("%s has no stack", assembly)
		}
		return nil, fmt.Errorf("%s has no stack %q: it has %s", assembly, stack, strings.Join(names, ", "))
	}
	return os.ReadFile(filepath.Join(assembly, a.Properties.TemplateFile))
}

// missingError says that a folder is no cloud assembly.
type missingError struct{ folder string }

func (e *missingError) Error() string {
	return e.folder + " is no cloud assembly: it has no manifest.json"
}

// Is makes it an fs.ErrNotExist.
func (e *missingError) Is(target error) bool { return target == fs.ErrNotExist }

// manifest is that of a cloud assembly, as far as it matters here.
type manifest struct {
	Version   string
	Artifacts map[string]struct {
		Type       string
		Properties struct {
			TemplateFile string `json:"templateFile"`
		}
	}
}

func readManifest(assembly string) (*manifest, error) {
	file := filepath.Join(assembly, "manifest.json")
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &missingError{assembly}
	}
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &m, nil
}
