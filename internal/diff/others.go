package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/internal/cfnspec"
)

// mostLines is how many changes of one resource are told one by one.
const mostLines = 12

// others tells of every change that nothing else told of, so that none is ever passed over.
func (d *stackDiff) others() {
	for _, id := range d.new.ids() {
		r := d.new.resources[id]
		f := Finding{Kind: Changed, Level: Low}
		var lines []string
		for _, c := range d.changes[id] {
			if c.told {
				continue
			}
			c.told = true
			more, text := c.lines()
			f.Diff += text
			if c.path[0] == "Properties" && behaviour(r.kind, c.path) == cfnspec.Unknown && !custom(r.kind) {
				f.Level = High
				more[len(more)-1] += " (the specification does not know it: it is not known whether this replaces the resource)"
			}
			if c.path[0] == "Metadata" && f.Level == Low && len(lines) == 0 {
				f.Level = Info
			} else if c.path[0] != "Metadata" {
				f.Level = max(f.Level, Low)
			}
			lines = append(lines, more...)
		}
		if len(lines) == 0 {
			continue
		}
		f.Title, f.Details = titled(lines, "properties change")
		d.find(r, f)
	}
	d.sections()
}

// titled is one line as a title, or a count with the lines as details.
func titled(lines []string, what string) (string, []string) {
	if len(lines) == 1 {
		return lines[0], nil
	}
	title := fmt.Sprintf("%d %s", len(lines), what)
	if len(lines) > mostLines {
		rest := len(lines) - mostLines
		lines = append(slices.Clone(lines[:mostLines]), fmt.Sprintf("and %d more", rest))
	}
	return title, lines
}

// sections tells of changes outside of Resources.
func (d *stackDiff) sections() {
	for _, c := range d.changes[""] {
		if c.told {
			continue
		}
		c.told = true
		level := Low
		if len(c.path) > 0 && (c.path[0] == "Metadata" || c.path[0] == "Description") {
			level = Info
		}
		d.findings = append(d.findings, &Finding{Kind: Changed, Level: level, Subject: c.path[0], Stacks: []string{d.name},
			Title: fmt.Sprintf("%s: %s → %s", c.at(), short(c.old), short(c.new))})
	}
}

// outputs tells of what others read of the stack.
func (d *stackDiff) outputs() {
	byName := map[string][]*change{}
	var names []string
	for _, c := range d.changes[""] {
		if len(c.path) < 2 || c.path[0] != "Outputs" {
			continue
		}
		c.told = true
		if byName[c.path[1]] == nil {
			names = append(names, c.path[1])
		}
		byName[c.path[1]] = append(byName[c.path[1]], c)
	}
	for _, name := range names {
		f := &Finding{Kind: Output, Level: Low, Subject: "output " + name, Stacks: []string{d.name}}
		var lines []string
		for _, c := range byName[name] {
			switch {
			case len(c.path) == 2 && c.new == nil:
				f.Level = High
				lines = append(lines, "is removed: whoever reads it finds nothing")
			case len(c.path) == 2 && c.old == nil:
				lines = append(lines, "is added")
			default:
				if slices.Contains(c.path, "Export") {
					f.Level = High
				} else if c.path[2] == "Value" {
					f.Level = max(f.Level, Medium)
				}
				lines = append(lines, fmt.Sprintf("%s: %s → %s", strings.Join(c.path[2:], "."), short(c.old), short(c.new)))
			}
		}
		f.Title, f.Details = titled(lines, "properties change")
		d.findings = append(d.findings, f)
	}
}

// additions tells of new resources, those of a type in one finding.
func (d *stackDiff) additions() {
	byKind := map[string][]*resource{}
	var order []string
	for _, r := range d.fresh() {
		if slices.Contains(policyOnly, r.kind) && len(grantsOf(&template{resources: map[string]*resource{r.id: r}})) > 0 {
			continue // its statements are told
		}
		if byKind[r.kind] == nil {
			order = append(order, r.kind)
		}
		byKind[r.kind] = append(byKind[r.kind], r)
	}
	slices.Sort(order)
	for _, kind := range order {
		all := byKind[kind]
		f := Finding{Kind: Added, Level: Low, Title: "is new"}
		if _, ok := cfnspec.Lookup(kind); !ok && !custom(kind) {
			f.Level = High
			f.Title = "is new, and the specification does not know its type: later changes cannot be judged"
		}
		if len(all) > 1 {
			var names []string
			for _, r := range all {
				names = append(names, d.new.name(r.id))
			}
			f.Subject = fmt.Sprintf("%d × %s", len(all), kind)
			f.Title = strings.Replace(f.Title, "is new", "are new", 1)
			f.Details = []string{strings.Join(names, ", ")}
		}
		d.find(all[0], f)
	}
}
