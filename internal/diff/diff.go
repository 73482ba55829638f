// Package diff tells a reviewer what a change of CloudFormation templates does, the worst first: what is replaced or
// deleted and what is lost with it, who may do more, what is reachable that was not.
//
// Update behaviour is that of package cfnspec. Nothing is asked of AWS. Every difference of the templates is in
// some finding, or in a line of what is folded.
package diff

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/internal/cfnspec"
)

// Report is what there is to say of a change.
type Report struct {
	// Old and New are what was compared, as it was named.
	Old string `json:"old"`
	New string `json:"new"`
	// Verdict is the report in a line.
	Verdict string `json:"verdict"`
	// Level is the gravest of the findings'.
	Level Level `json:"level"`
	// Stacks are those compared, sorted.
	Stacks []string `json:"stacks"`
	// Findings are sorted: the gravest first. The same one in several stacks is one.
	Findings []*Finding `json:"findings"`
	// Folded are changes that a line is enough for.
	Folded []string `json:"folded,omitempty"`
	// Costs are what the change does to the bill, as far as Measure was asked.
	Costs []Cost `json:"costs,omitempty"`
	// Notes say what the report cannot know.
	Notes []string `json:"notes,omitempty"`
	// Specification is where the update behaviour comes from.
	Specification string `json:"specification"`
}

// Compare compares templates by the names of their stacks. If there is one on each side, it is the same one whatever its name.
func Compare(old, new *Source) (*Report, error) {
	r := &Report{Old: old.Name, New: new.Name, Specification: cfnspec.Source(), Notes: notes(old, new)}
	before, after := alignStacks(old.Templates, new.Templates)
	names := maps.Clone(before)
	maps.Copy(names, after)
	byKey, folded := map[string]*Finding{}, map[string][]string{}
	var keys []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		o, err := parseSide(old.Name, name, before)
		if err != nil {
			return nil, err
		}
		n, err := parseSide(new.Name, name, after)
		if err != nil {
			return nil, err
		}
		r.Stacks = append(r.Stacks, name)
		d := compareStacks(name, o, n)
		for _, f := range d.findings {
			key := f.key(name)
			if known := byKey[key]; known != nil {
				if !slices.Contains(known.Stacks, name) {
					known.Stacks = append(known.Stacks, name)
				}
				continue
			}
			byKey[key] = f
			keys = append(keys, key)
		}
		for what, names := range d.folded {
			folded[what] = append(folded[what], names...)
		}
	}
	for _, key := range keys {
		r.Findings = append(r.Findings, byKey[key])
	}
	order(r.Findings)
	r.Findings = merged(r.Findings)
	r.Folded = foldedLines(folded)
	if len(r.Findings) > 0 {
		r.Level = r.Findings[0].Level
	}
	r.Verdict = verdict(r)
	return r, nil
}

// alignStacks has the only stack of each side under one name, that of the new one.
func alignStacks(old, new map[string][]byte) (before, after map[string][]byte) {
	if len(old) == 1 && len(new) == 1 {
		for name := range new {
			for _, template := range old {
				return map[string][]byte{name: template}, new
			}
		}
	}
	return old, new
}

// parseSide is a stack's template of one side; an empty one if the stack is not there.
func parseSide(side, name string, templates map[string][]byte) (*template, error) {
	text, ok := templates[name]
	if !ok {
		return &template{resources: map[string]*resource{}, rest: map[string]any{}}, nil
	}
	t, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", side, name, err)
	}
	return t, nil
}

// verdict is the report in a line.
func verdict(r *Report) string {
	if len(r.Findings) == 0 {
		if len(r.Folded) > 0 {
			return "nothing to look at: " + strings.Join(r.Folded, "; ")
		}
		return "no difference"
	}
	var parts []string
	count := func(one, many string, has func(f *Finding) bool) {
		n := 0
		for _, f := range r.Findings {
			if has(f) {
				n += 1 + len(f.Also)
			}
		}
		switch {
		case n == 1:
			parts = append(parts, "1 "+one)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", n, many))
		}
	}
	kind := func(k Kind, from Level) func(*Finding) bool {
		return func(f *Finding) bool { return f.Kind == k && f.Level >= from }
	}
	stateful := func(k Kind, want bool) func(*Finding) bool {
		return func(f *Finding) bool { return f.Kind == k && f.Stateful == want }
	}
	count("stateful resource replaced", "stateful resources replaced", stateful(Replaced, true))
	count("stateful resource deleted", "stateful resources deleted", stateful(Deleted, true))
	count("stateful resource under another id", "stateful resources under other ids", stateful(Renamed, true))
	count("change of exposure", "changes of exposure", kind(Exposure, Medium))
	count("principal that may do more", "principals that may do more", kind(IAM, Medium))
	count("safeguard changed", "safeguards changed", kind(Protection, Medium))
	count("contract broken or at risk", "contracts broken or at risk", kind(Schema, Medium))
	count("other resource replaced", "other resources replaced", stateful(Replaced, false))
	count("other resource deleted", "other resources deleted", stateful(Deleted, false))
	count("other resource under another id", "other resources under other ids", stateful(Renamed, false))
	count("state machine changed", "state machines changed", kind(Workflow, Info))
	said := func(f *Finding) bool {
		switch f.Kind {
		case Replaced, Deleted, Renamed, Workflow:
			return true
		case Exposure, IAM, Protection, Schema:
			return f.Level >= Medium
		}
		return false
	}
	count("other change", "other changes", func(f *Finding) bool { return !said(f) })
	return strings.Join(parts, ", ")
}

// notes are what the sources keep from the report.
func notes(old, new *Source) []string {
	if old.Masked || new.Masked {
		return []string{"hashes of assets are masked in committed templates: changes of code alone do not show (--synth compares revisions with their assets)"}
	}
	return nil
}
