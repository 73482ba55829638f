package iam

import "strings"

// MatchesAction reports whether a pattern of actions, such as "sqs:Send*", has an action. Case does
// not matter (IAM JSON policy elements: Action).
func MatchesAction(pattern, name string) bool { return compileActions([]string{pattern})[0].has(name) }

// action is a pattern of actions.
type action struct{ service, name string } // lower case

func compileActions(patterns []string) []action {
	out := make([]action, len(patterns))
	for i, p := range patterns {
		service, name, ok := strings.Cut(strings.ToLower(p), ":")
		if !ok {
			name = service // only "*" is allowed, which has everything
		}
		out[i] = action{service, name}
	}
	return out
}

func (a action) has(name string) bool {
	service, rest, _ := strings.Cut(name, ":")
	return fold(a.service, service) && fold(a.name, rest)
}

// fold is wildcard for a pattern in lower case, whatever the case of the text.
func fold(pattern, text string) bool {
	if pattern == "*" {
		return true
	}
	if !strings.ContainsAny(pattern, "*?") {
		return strings.EqualFold(pattern, text)
	}
	return wildcard(pattern, strings.ToLower(text))
}

// Matches reports whether a pattern of resources has an ARN. "*" has all. Otherwise the first five
// parts are matched each for itself, so that a wildcard does not reach over a colon, and
// in the rest it does (IAM JSON policy elements: Resource).
func Matches(pattern, arn string) bool { return compileResource(pattern).has(arn, nil) }

// resource is a pattern of ARNs.
type resource struct {
	pattern   string
	parts     []string // the first five, and the rest; nil if there are variables
	variables bool
}

func compileResources(patterns []string) []resource {
	out := make([]resource, len(patterns))
	for i, p := range patterns {
		out[i] = compileResource(p)
	}
	return out
}

const arnParts = 6

func compileResource(pattern string) resource {
	r := resource{pattern: pattern, variables: strings.Contains(pattern, "${")}
	if !r.variables {
		r.parts = segments(pattern)
	}
	return r
}

// segments are the parts of a pattern. One that ends too early goes on with * for each that is missing (IAM JSON policy
// elements: Resource, "Incomplete ARNs with missing segments").
func segments(pattern string) []string {
	parts := strings.SplitN(pattern, ":", arnParts)
	for len(parts) < arnParts {
		parts = append(parts, "*")
	}
	return parts
}

func (r resource) has(arn string, variables func(name string) (string, bool)) bool {
	if r.pattern == "*" || r.pattern == arn {
		return true
	}
	parts := r.parts
	if r.variables {
		pattern, ok := expand(r.pattern, variables)
		if !ok {
			return false
		}
		parts = segments(pattern)
	}
	rest := arn
	for _, p := range parts[:arnParts-1] {
		part, after, ok := strings.Cut(rest, ":")
		if !ok || !wildcard(p, part) {
			return false
		}
		rest = after
	}
	return wildcard(parts[arnParts-1], rest)
}

// literal stands before a character of a pattern that is itself and no wildcard: the
// value of a variable is compared as it is.
const literal = '\x00'

// expand puts the values of variables into a pattern. A variable without a value leaves the
// pattern without a meaning.
func expand(pattern string, variables func(string) (string, bool)) (string, bool) {
	var out strings.Builder
	for {
		before, after, ok := strings.Cut(pattern, "${")
		out.WriteString(before)
		if !ok {
			return out.String(), true
		}
		name, rest, ok := strings.Cut(after, "}")
		if !ok {
			out.WriteString("${" + after)
			return out.String(), true
		}
		pattern = rest
		switch name {
		case "*", "?", "$": // IAM JSON policy elements: Variables, "Special characters"
			out.WriteByte(literal)
			out.WriteString(name)
			continue
		}
		name, fallback, hasFallback := strings.Cut(name, ",")
		value, ok := "", false
		if variables != nil {
			value, ok = variables(strings.TrimSpace(name))
		}
		if !ok {
			if !hasFallback {
				return "", false
			}
			value = strings.Trim(strings.TrimSpace(fallback), "'")
		}
		for i := range len(value) {
			if value[i] == '*' || value[i] == '?' {
				out.WriteByte(literal)
			}
			out.WriteByte(value[i])
		}
	}
}

// wildcard matches a pattern in which "*" is any text and "?" one byte.
func wildcard(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
			continue
		case p+1 < len(pattern) && pattern[p] == literal:
			if pattern[p+1] == text[t] {
				p, t = p+2, t+1
				continue
			}
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, t = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
