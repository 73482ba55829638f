// Package mapping builds API Gateway's mapping templates out of readable
// .vtl files, for the constructs that share one contract about ids and keys.
//
// A file is written with one statement or piece of output on each line,
// indented, and with comments. [Compact] takes all of that away, because a
// template's white space would become part of what it renders: of a form body
// sent to SQS, for one.
//
// The templates keep to what is known of API Gateway's dialect of Velocity:
//
//   - $input.params() and $context are there in integration responses too,
//     which is how a response template knows the ids that the request template
//     computed.
//   - A JSON path that leads nowhere is "" and not null.
//   - A string has no escapes: in "\\'" both backslashes are the string's.
//   - replaceAll takes a regular expression; character classes spare it
//     backslashes.
//   - $context.responseOverride can be set once for each header, and wins over
//     the static mapping of that header.
//   - A member of a null, or of a string, is null; $!x prints it as "".
package mapping

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed *.vtl
var files embed.FS

// Names of the shared fragments.
const (
	// Caller sets $tenant, $tag and $known out of the placeholder "tenant".
	Caller = "caller.vtl"
	// Header sets the placeholder "variable" to the request header that the
	// placeholder "header" names in lower case.
	Header = "header.vtl"
	// Submission sets what identifies a new order; it needs Caller, and Header
	// for $key.
	Submission = "submission.vtl"
	// Reference sets what identifies the order in the path; it needs Caller.
	Reference = "reference.vtl"
	// Problem renders problem+json out of $status, $title, $code and $detail.
	Problem = "problem.vtl"
)

// Shared returns a shared fragment, compacted.
func Shared(name string, values ...string) string { return File(files, name, values...) }

// File returns a template of fsys, compacted, with each {{name}} in it
// replaced: values alternates names and texts. It panics if a placeholder is
// left, since that is a mistake in the program.
func File(fsys embed.FS, name string, values ...string) string {
	text, err := fsys.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("mapping: %v", err))
	}
	return Fill(name, Compact(string(text)), values...)
}

var placeholder = regexp.MustCompile(`\{\{[a-zA-Z]+\}\}`)

// Fill replaces each {{name}} in text. The name is for messages.
func Fill(name, text string, values ...string) string {
	for i := 0; i+1 < len(values); i += 2 {
		text = strings.ReplaceAll(text, "{{"+values[i]+"}}", values[i+1])
	}
	if left := placeholder.FindString(text); left != "" {
		panic(fmt.Sprintf("mapping: %s: nothing given for %s", name, left))
	}
	return text
}

// needsBreak matches a line that ends in a directive without parentheses, of
// which a following letter would become a part.
var needsBreak = regexp.MustCompile(`#(else|end)$`)

// Compact joins the lines of a template: leading and trailing white space,
// blank lines and lines that start with ## go. A line break stays only behind
// #else and #end, where Velocity swallows it.
func Compact(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "##") {
			continue
		}
		b.WriteString(line)
		if needsBreak.MatchString(line) {
			b.WriteByte('\n')
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Join puts fragments together.
func Join(fragments ...string) string {
	var b strings.Builder
	for i, f := range fragments {
		b.WriteString(f)
		if i < len(fragments)-1 && needsBreak.MatchString(f) {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
