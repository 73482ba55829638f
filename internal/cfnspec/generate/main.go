// Command generate writes updates.txt from the service specification that the pinned CDK command line
// brings (npm ci installs it):
//
//	go generate ./internal/cfnspec
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: generate node_modules/aws-cdk updates.txt")
		os.Exit(2)
	}
	text, err := generate(os.Args[1])
	if err == nil {
		err = os.WriteFile(os.Args[2], text, 0o644)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "generate: %v\n", err)
		os.Exit(1)
	}
}

// database is what we read of the specification.
type database struct {
	Schema struct {
		Resource struct {
			Entities []*resource
		} `json:"resource"`
		TypeDefinition struct {
			Entities []*definition
		} `json:"typeDefinition"`
	} `json:"schema"`
}

type definition struct {
	ID         string              `json:"$id"`
	Properties map[string]property `json:"properties"`
}

type resource struct {
	definition
	Type       string     `json:"cloudFormationType"`
	Identifier []string   `json:"primaryIdentifier"`
	Stateful   bool       `json:"isStateful"`
	Additional [][]string `json:"additionalReplacementProperties"`
}

type property struct {
	Type        json.RawMessage `json:"type"`
	Replacement string          `json:"causesReplacement"`
}

// propertyType is one of the kinds of types, as far as it holds others.
type propertyType struct {
	Type      string `json:"type"`
	Reference struct {
		Ref string `json:"$ref"`
	} `json:"reference"`
	Element json.RawMessage   `json:"element"`
	Types   []json.RawMessage `json:"types"`
}

func generate(cli string) ([]byte, error) {
	var manifest, build struct{ Version, Comment string }
	if err := read(filepath.Join(cli, "package.json"), &manifest); err != nil {
		return nil, err
	}
	if err := read(filepath.Join(cli, "build-info.json"), &build); err != nil {
		return nil, err
	}
	_, date, _ := strings.Cut(build.Comment, "Generated at ")
	date, _, _ = strings.Cut(date, "T")
	var db database
	if err := read(filepath.Join(cli, "db.json.gz"), &db); err != nil {
		return nil, err
	}
	types := map[string]*definition{}
	for _, d := range db.Schema.TypeDefinition.Entities {
		types[d.ID] = d
	}
	var lines []string
	for _, r := range db.Schema.Resource.Entities {
		line, err := describe(r, types)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Type, err)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	var out bytes.Buffer
	fmt.Fprintf(&out, "# AWS service specification (db.json.gz) of the npm package aws-cdk %s, built %s: %d types.\n", manifest.Version, date, len(lines))
	out.WriteString("# go generate ./internal/cfnspec writes this file; package cfnspec says what is in it.\n")
	out.WriteString(strings.Join(lines, "\n") + "\n")
	return out.Bytes(), nil
}

// describe is a resource type's line.
func describe(r *resource, types map[string]*definition) (string, error) {
	found := map[string]string{}
	for name, p := range r.Properties {
		mark, ok := marks[p.Replacement]
		if !ok {
			return "", fmt.Errorf("%s has the unknown update behaviour %q", name, p.Replacement)
		}
		found[name] = mark
		if mark == "" {
			if err := nested(found, name, p.Type, types, nil); err != nil {
				return "", err
			}
		}
	}
	for _, path := range r.Additional {
		found[strings.Join(path, ".")] = "!"
	}
	settable := func(name string) bool { _, ok := r.Properties[name]; return ok }
	if !slices.ContainsFunc(r.Identifier, func(name string) bool { return !settable(name) }) {
		for _, name := range r.Identifier {
			found[name] += "#"
		}
	}
	words := make([]string, 0, len(found))
	for path, mark := range found {
		words = append(words, path+mark)
	}
	slices.Sort(words)
	name := r.Type
	if r.Stateful {
		name += "*"
	}
	return strings.Join(append([]string{name}, words...), " "), nil
}

// marks are how updates.txt writes the specification's causesReplacement.
var marks = map[string]string{"": "", "no": "", "yes": "!", "maybe": "?"}

// nested finds what is below a property that does not itself cause a replacement.
func nested(found map[string]string, path string, raw json.RawMessage, types map[string]*definition, above []string) error {
	var t propertyType
	if err := json.Unmarshal(raw, &t); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	switch t.Type {
	case "ref":
		id := t.Reference.Ref
		if slices.Contains(above, id) {
			return nil // a type within itself
		}
		for name, p := range types[id].Properties {
			at := path + "." + name
			if mark := marks[p.Replacement]; mark != "" {
				found[at] = mark
			} else if err := nested(found, at, p.Type, types, append(slices.Clip(above), id)); err != nil {
				return err
			}
		}
	case "array", "map":
		return nested(found, path+".*", t.Element, types, above)
	case "union":
		for _, one := range t.Types {
			if err := nested(found, path, one, types, above); err != nil {
				return err
			}
		}
	}
	return nil
}

func read(file string, into any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w; run: npm ci", err)
	}
	if strings.HasSuffix(file, ".gz") {
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := json.NewDecoder(r).Decode(into); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		return nil
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
