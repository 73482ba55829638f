package diff

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// regrouped folds policies that are written differently and say the same. It comes before what would tell of
// their changes one by one.
func (d *stackDiff) regrouped() {
	d.granted, d.grants = grantsOf(d.old), grantsOf(d.new)
	for _, id := range d.new.ids() {
		r := d.new.resources[id]
		told := false
		for _, path := range policyPaths(r) {
			for _, c := range d.tell(id, append([]string{"Properties"}, path...)...) {
				told = true
				// The version decides what variables in a policy mean: it is told as it is.
				c.told = c.path[len(c.path)-1] != "Version"
			}
		}
		if o := d.was(id); told && o != nil && d.sameGrants(o, r) {
			d.fold(foldedGroups, stem(id))
		}
	}
	for _, r := range slices.Concat(d.gone(), d.fresh()) {
		if slices.Contains(policyOnly, r.kind) && d.sameGrants(r, r) {
			d.fold(foldedGroups, stem(r.id))
		}
	}
}

// sameGrants reports whether nothing changes of what two resources grant.
func (d *stackDiff) sameGrants(old, new *resource) bool {
	for one, from := range d.granted {
		if slices.Contains(from, old.id) && d.grants[one] == nil {
			return false
		}
	}
	for one, from := range d.grants {
		if slices.Contains(from, new.id) && d.granted[one] == nil {
			return false
		}
	}
	return true
}

// sentence is one thing that a principal may or may not any more, of several actions.
type sentence struct {
	grant   // without its action
	was     string
	changed bool // the condition, from was
}

// permissions tells who may do more and who may do less.
func (d *stackDiff) permissions() {
	more, less := map[sentence][]string{}, map[sentence][]string{}
	sources := map[string]string{}
	add := func(to map[sentence][]string, one grant, s sentence, from []string) {
		s.grant = one
		s.action = ""
		to[s] = append(to[s], one.action)
		sources[one.who] = from[0]
	}
	for one, from := range d.grants {
		if d.granted[one] != nil {
			continue
		}
		if was, ok := otherCondition(d.granted, one, d.grants); ok {
			add(more, one, sentence{was: was, changed: true}, from)
			continue
		}
		if !d.granted.covered(one) {
			if one.deny {
				add(less, one, sentence{}, from)
			} else {
				add(more, one, sentence{}, from)
			}
		} else {
			d.fold(foldedGroups, stem(from[0]))
		}
	}
	for one, from := range d.granted {
		if d.grants[one] != nil {
			continue
		}
		if _, ok := otherCondition(d.grants, one, d.granted); ok {
			continue
		}
		if !d.grants.covered(one) {
			if one.deny {
				add(more, one, sentence{}, from)
			} else {
				add(less, one, sentence{}, from)
			}
		} else {
			d.fold(foldedGroups, stem(from[0]))
		}
	}
	d.tellPermissions(more, sources, true)
	d.tellPermissions(less, sources, false)
}

// otherCondition finds the same grant under another condition, if there is exactly one that is no longer.
func otherCondition(g grants, one grant, except grants) (string, bool) {
	found, condition := 0, ""
	for other := range g {
		same := other
		same.condition = one.condition
		if same == one && except[other] == nil {
			found++
			condition = other.condition
		}
	}
	return condition, found == 1
}

func (d *stackDiff) tellPermissions(all map[sentence][]string, sources map[string]string, more bool) {
	byWho := map[string][]sentence{}
	for s := range all {
		who := s.who
		if s.trust {
			who = s.resource
		}
		byWho[who] = append(byWho[who], s)
	}
	for _, who := range slices.Sorted(maps.Keys(byWho)) {
		f := Finding{Kind: IAM, Level: Low}
		lines := d.sayAll(byWho[who], all, more)
		for _, s := range byWho[who] {
			f.Level = max(f.Level, d.gravity(s, all[s], more))
			if s.who == "*" && !s.deny && more && !s.trust {
				f.Kind = Exposure
			}
		}
		slices.Sort(lines)
		s := byWho[who][0]
		id := s.who
		f.Subject = d.principal(s.grant)
		if s.trust {
			id = strings.Trim(s.resource, "${}")
			f.Subject = d.whoIs(id)
		}
		f.Title = lines[0]
		if len(lines) > 1 {
			f.Title = map[bool]string{true: "may do more", false: "may do less"}[more]
			f.Details = lines
		}
		r := d.new.resources[id]
		if r == nil {
			r = d.old.resources[id]
		}
		if r == nil {
			from := sources[s.who]
			if r = d.new.resources[from]; r == nil {
				r = d.old.resources[from]
			}
		}
		d.find(r, f)
	}
}

// sayAll says what changes for a principal, once for all resources of which the same is to say.
func (d *stackDiff) sayAll(sentences []sentence, all map[sentence][]string, more bool) []string {
	const here = "\x00"
	resources := map[string][]string{}
	for _, s := range sentences {
		actions := slices.Clone(all[s])
		slices.Sort(actions)
		name := ""
		if s.resource != "" && !s.trust {
			name, s.resource = d.resourceName(s.resource), here
		}
		line := d.say(s, actions, more)
		resources[line] = append(resources[line], name)
	}
	var lines []string
	for line, names := range resources {
		slices.Sort(names)
		lines = append(lines, strings.Replace(line, here, strings.Join(names, ", "), 1))
	}
	slices.Sort(lines)
	return lines
}

// gravity is how much a change of permissions matters.
func (d *stackDiff) gravity(s sentence, actions []string, more bool) Level {
	if !more {
		return Low
	}
	if s.deny || s.changed {
		return High // a refusal that is gone, or a condition that may be weaker
	}
	if d.about(s.resource) && s.who != "*" {
		return Medium // what is new has to be used by somebody
	}
	wild := slices.ContainsFunc(actions, func(a string) bool { return a == "*" || strings.HasSuffix(a, ":*") || strings.HasPrefix(a, "!") })
	switch {
	case wild || s.who == "*":
		return Critical
	case s.role && d.was(s.who) == nil && d.new.resources[s.who] != nil && s.resource != "*":
		return Medium // a new role, which has to be allowed something
	case s.trust && d.was(strings.Trim(s.resource, "${}")) == nil:
		return Medium
	}
	return High
}

// about reports whether a statement is about a resource that is new.
func (d *stackDiff) about(resource string) bool {
	fresh := false
	subReferences(resource, func(id, _ string) { fresh = fresh || d.new.resources[id] != nil && d.was(id) == nil })
	return fresh
}

// say is a change of permissions in words.
func (d *stackDiff) say(s sentence, actions []string, more bool) string {
	if s.trust {
		by := d.principal(s.grant)
		switch {
		case s.changed:
			return fmt.Sprintf("%s may assume it under another condition: %s → %s", by, orNone(d.readable(s.was)), orNone(d.readable(s.condition)))
		case more:
			return "can now be assumed by " + by + d.under(s.condition)
		}
		return "can no longer be assumed by " + by + d.under(s.condition)
	}
	for i, a := range actions {
		if after, ok := strings.CutPrefix(a, "!"); ok {
			actions[i] = "everything but " + after
		}
	}
	what := strings.Join(actions, ", ")
	on := ""
	if s.resource != "" {
		on = " on " + d.resourceName(s.resource)
	}
	if slices.ContainsFunc(actions, func(a string) bool { return strings.HasPrefix(a, "the managed policy") }) {
		what = "do what " + what + " allows"
	}
	switch {
	case s.changed:
		verb := "may"
		if s.deny {
			verb = "is denied"
		}
		return fmt.Sprintf("%s %s%s under another condition: %s → %s", verb, what, on, orNone(d.readable(s.was)), orNone(d.readable(s.condition)))
	case s.deny && more:
		return "is no longer denied " + what + on + d.under(s.condition)
	case s.deny:
		return "is now denied " + what + on + d.under(s.condition)
	case more && s.role && d.new.resources[s.who] != nil && d.was(s.who) == nil:
		return "is new and may " + what + on + d.under(s.condition)
	case more:
		return "may now also " + what + on + d.under(s.condition)
	}
	return "may no longer " + what + on + d.under(s.condition)
}

func (d *stackDiff) under(condition string) string {
	switch {
	case condition == "":
		return ""
	case strings.Contains(condition, `"aws:SecureTransport":["false"]`):
		return " without TLS"
	}
	return " if " + d.readable(condition)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// principal is how a person calls a principal.
func (d *stackDiff) principal(g grant) string {
	switch {
	case g.role:
		return d.whoIs(g.who)
	case g.who == "*":
		return "anyone"
	}
	return d.readable(g.who)
}

func (d *stackDiff) whoIs(id string) string {
	if d.new.resources[id] != nil {
		return d.new.who(id)
	}
	return d.old.who(id)
}

// resourceName is how a person calls the resource of a statement.
func (d *stackDiff) resourceName(s string) string {
	switch {
	case s == "*":
		return "every resource (*)"
	case strings.HasPrefix(s, "!"):
		return "everything but " + d.readable(s[1:])
	}
	return d.readable(s)
}

// readable is a text in which references to resources are their names.
func (d *stackDiff) readable(s string) string {
	return substitution.ReplaceAllStringFunc(s, func(m string) string {
		id, attribute, _ := strings.Cut(m[2:len(m)-1], ".")
		t := d.new
		if t.resources[id] == nil {
			t = d.old
		}
		if t.resources[id] == nil {
			return m
		}
		switch attribute {
		case "", "Arn":
			return t.name(id)
		}
		return t.name(id) + "." + attribute
	})
}
