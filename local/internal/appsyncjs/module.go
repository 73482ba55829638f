package appsyncjs

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
	"github.com/evanw/esbuild/pkg/api"
)

// binding is a name that an import statement makes.
type binding struct {
	local    string
	module   string
	exported string // "*" for the whole module
}

// module is the code with its import and export syntax taken out.
type module struct {
	name     string
	source   string // as written
	body     string // of the same length and lines, so that positions stay those of the source
	tree     *ast.Program
	imports  []binding
	exported []export
}

type export struct {
	name, local string
	offset      int
}

// parseModule reads an ES module. esbuild is the judge of its syntax: it knows modules and gives
// good messages. goja knows scripts only, so the import and export syntax is blanked out: where
// goja's parser meets one of the two words is where such a statement begins, whatever strings,
// templates or comments stand around it.
func parseModule(name, source string) (*module, error) {
	result := api.Transform(source, api.TransformOptions{
		Loader: api.LoaderJS, Format: api.FormatESModule, Target: api.ESNext, Sourcefile: name, LogLevel: api.LogLevelSilent,
	})
	if len(result.Errors) > 0 {
		e := result.Errors[0]
		fault := &CompileError{Name: name, Line: 1, Column: 1, Message: e.Text}
		if at := e.Location; at != nil {
			fault.Line, fault.Column = at.Line, utf8.RuneCountInString(at.LineText[:min(at.Column, len(at.LineText))])+1
		}
		return nil, fault
	}
	m := &module{name: name, source: source, body: source}
	for {
		tree, err := parser.ParseFile(nil, name, m.body, 0, parser.WithDisableSourceMaps)
		if err == nil {
			m.tree = tree
			sort.SliceStable(m.exported, func(i, j int) bool { return m.exported[i].offset < m.exported[j].offset })
			return m, nil
		}
		var list parser.ErrorList
		if !errors.As(err, &list) || len(list) == 0 {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := m.blank(list[0]); err != nil {
			return nil, err
		}
	}
}

// blank takes out the import or export statement at which the parser stopped.
func (m *module) blank(at *parser.Error) error {
	offset := offsetOf(m.body, at.Position.Line, at.Position.Column)
	s := &scanner{module: m, at: offset}
	switch s.next() {
	case "import":
		return s.importStatement(offset)
	case "export":
		return s.exportStatement(offset)
	}
	// Outside of an async function goja takes await for a name, and stops at what comes behind it.
	if before := strings.TrimRight(m.body[:offset], " \t\r\n"); strings.HasSuffix(before, "await") {
		return m.fault(len(before)-len("await"), "await is not supported: APPSYNC_JS has no asynchronous code")
	}
	return m.fault(offset, "%s", at.Message)
}

// offsetOf turns goja's line and column, which count bytes, into an offset.
func offsetOf(source string, line, column int) int {
	offset := 0
	for ; line > 1; line-- {
		i := strings.IndexAny(source[offset:], "\r\n\u2028\u2029")
		if i < 0 {
			return len(source)
		}
		offset += i
		switch {
		case strings.HasPrefix(source[offset:], "\r\n"):
			offset += 2
		case source[offset] < utf8.RuneSelf:
			offset++
		default:
			offset += 3
		}
	}
	return min(offset+column-1, len(source))
}

// fault is the error at an offset of the source.
func (m *module) fault(offset int, format string, args ...any) *CompileError {
	line, column := position(m.source, offset)
	return &CompileError{Name: m.name, Line: line, Column: column, Message: fmt.Sprintf(format, args...)}
}

// position counts lines and columns from 1, columns in characters.
func position(source string, offset int) (line, column int) {
	before := source[:min(offset, len(source))]
	line = strings.Count(before, "\n") + 1
	return line, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}

// erase replaces a part of the body by blanks.
func (m *module) erase(from, to int) {
	b := []byte(m.body)
	for i := from; i < to; i++ {
		if b[i] != '\n' && b[i] != '\r' {
			b[i] = ' '
		}
	}
	m.body = string(b)
}
