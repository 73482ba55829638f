package diff

import (
	"fmt"
	"strings"
)

// functions tells of changed settings of functions.
func (d *stackDiff) functions() {
	for _, r := range d.new.of("AWS::Lambda::Function") {
		f := Finding{Kind: Function, Level: Low}
		var lines []string
		for _, c := range d.tell(r.id, "Properties") {
			level, line := setting(c)
			f.Level = max(f.Level, level)
			lines = append(lines, line)
		}
		if len(lines) == 0 {
			continue
		}
		f.Title, f.Details = titled(lines, "settings change")
		d.find(r, f)
	}
}

// setting is a change of a function's property in words. Less time, less memory or a variable that is gone can break what
// worked.
func setting(c *change) (Level, string) {
	from := func(unit string) string { return fmt.Sprintf("%s%s → %s%s", short(c.old), unit, short(c.new), unit) }
	path := c.path[1:]
	switch {
	case path[0] == "Timeout":
		level, _ := less(Medium, "")(c.old, c.new)
		return level, "timeout: " + from(" s")
	case path[0] == "MemorySize":
		level, _ := less(Medium, "")(c.old, c.new)
		return level, "memory: " + from(" MB")
	case path[0] == "ReservedConcurrentExecutions":
		return Medium, "invocations at the same time: " + from("")
	case path[0] == "Runtime" || path[0] == "Architectures" || path[0] == "Handler" || path[0] == "Code" || path[0] == "Layers":
		return Medium, c.at() + ": " + from("")
	case len(path) == 3 && path[0] == "Environment":
		switch {
		case c.old == nil:
			return Low, fmt.Sprintf("environment: %s is new: %s", path[2], short(c.new))
		case c.new == nil:
			return Medium, fmt.Sprintf("environment: %s is gone; it was %s", path[2], short(c.old))
		}
		return Low, fmt.Sprintf("environment: %s: %s", path[2], from(""))
	case path[0] == "TracingConfig" || path[0] == "LoggingConfig" || path[0] == "DeadLetterConfig":
		return Medium, c.at() + ": " + from("")
	}
	return Low, strings.TrimSpace(c.at() + ": " + from(""))
}
