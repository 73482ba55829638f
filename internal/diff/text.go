package diff

import (
	"encoding/json"
	"regexp"
	"strings"

	textdiff "github.com/rogpeppe/go-internal/diff"
)

// longLine is from how many bytes on a line is broken up for a diff.
const longLine = 160

// directive is where a line of a mapping template may be broken.
var directive = regexp.MustCompile(`#(?:set|if|elseif|else|end|foreach)\b|","`)

// unified is a unified diff of two texts. Long lines are broken before directives, since templates have many on one.
func unified(name, old, new string) string {
	d := string(textdiff.Diff(name+" (old)", []byte(broken(old)), name+" (new)", []byte(broken(new))))
	_, d, _ = strings.Cut(d, "\n") // "diff a b", of which the next two lines say the same
	return d
}

func broken(s string) string {
	var out strings.Builder
	for line := range strings.Lines(s) {
		if len(line) > longLine {
			line = directive.ReplaceAllStringFunc(line, func(m string) string {
				if m == `","` {
					return "\",\n\""
				}
				return "\n" + m
			})
		}
		out.WriteString(line)
	}
	if !strings.HasSuffix(out.String(), "\n") {
		out.WriteString("\n")
	}
	return out.String()
}

// isText reports whether a value is better shown as a text, line by line.
func isText(v any) bool {
	s, ok := stringOf(v)
	return ok && (strings.Contains(s, "\n") || len(s) > longLine)
}

// asJSON is a text that holds an object or a list of JSON.
func asJSON(v any) (any, bool) {
	s, ok := stringOf(v)
	if s = strings.TrimSpace(s); !ok || !strings.HasPrefix(s, "{") && !strings.HasPrefix(s, "[") {
		return nil, false
	}
	var out any
	return out, json.Unmarshal([]byte(s), &out) == nil
}

// lines is a change in sentences, or as a unified diff: of texts that hold JSON, its members are compared.
func (c *change) lines() (lines []string, diff string) {
	old, ok := asJSON(c.old)
	new, ok2 := asJSON(c.new)
	if ok && ok2 {
		for _, in := range compare(nil, c.path, old, new) {
			lines = append(lines, in.at()+": "+short(in.old)+" → "+short(in.new))
		}
		if len(lines) > 0 {
			return lines, ""
		}
		return []string{c.at() + ": is written differently and says the same"}, ""
	}
	if isText(c.old) && isText(c.new) {
		o, _ := stringOf(c.old)
		n, _ := stringOf(c.new)
		return []string{c.at() + " changes"}, unified(c.at(), o, n)
	}
	return []string{c.at() + ": " + short(c.old) + " → " + short(c.new)}, ""
}

// tellAll makes one finding of changes.
func (d *stackDiff) tellAll(r *resource, f Finding, changes []*change) {
	var lines []string
	for _, c := range changes {
		more, diff := c.lines()
		lines = append(lines, more...)
		f.Diff += diff
	}
	if len(lines) == 0 {
		return
	}
	f.Title, f.Details = titled(lines, "changes")
	d.find(r, f)
}

// mappingPaths are where resources have templates and code that requests and answers go through.
var mappingPaths = map[string][]string{
	"AWS::ApiGateway::Method":             {"Integration"},
	"AWS::ApiGateway::GatewayResponse":    {"ResponseTemplates", "ResponseParameters"},
	"AWS::AppSync::Resolver":              {"Code", "RequestMappingTemplate", "ResponseMappingTemplate"},
	"AWS::AppSync::FunctionConfiguration": {"Code", "RequestMappingTemplate", "ResponseMappingTemplate"},
}

// mappings tells of changed mapping templates and resolvers.
func (d *stackDiff) mappings() {
	for _, id := range d.new.ids() {
		r := d.new.resources[id]
		var changes []*change
		for _, name := range mappingPaths[r.kind] {
			changes = append(changes, d.tell(id, "Properties", name)...)
		}
		d.tellAll(r, Finding{Kind: Mapping, Level: Medium}, changes)
	}
}
