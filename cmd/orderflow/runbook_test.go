package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var (
	continued = regexp.MustCompile(`\s*\\\n\s*`)
	typed     = regexp.MustCompile("(?m)(?:^ {4,}|`)orderflow ((?:redrive|replay|stuck)\\b[^`\n]*)")
)

// TestTheRunbooksCommandsAreOnes: who is on call types what the documents say.
func TestTheRunbooksCommandsAreOnes(t *testing.T) {
	found := 0
	for _, document := range []string{"../../docs/operations.md", "../../docs/recovery.md"} {
		b, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		text := continued.ReplaceAllString(string(b), " ")
		for _, m := range typed.FindAllStringSubmatch(text, -1) {
			line, _, _ := strings.Cut(m[1], "  ") // what follows is an explanation
			found++
			parser, err := kong.New(&commands{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(strings.Fields(strings.NewReplacer("$STACK", "orderflow-prod", "…", "x").Replace(line))); err != nil {
				t.Errorf("%s: orderflow %s: %v", document, line, err)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d commands found", found)
	}
}
