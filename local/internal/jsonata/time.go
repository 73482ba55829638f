package jsonata

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
)

// formatTime is $fromMillis. gnata knows names of zones and components of
// pictures that jsonata does not.
func formatTime(args []any, focus any, format function) (any, error) {
	if len(args) == 0 {
		args = append(args, focus)
	}
	if n, ok := number(args[0]); ok && math.Abs(n) > 8.64e15 {
		return nil, fmt.Errorf("$fromMillis: %v is beyond what a date can be", n)
	}
	if len(args) > 1 {
		if err := knownPicture(args[1]); err != nil {
			return nil, err
		}
	}
	if len(args) > 2 {
		if zone, ok := args[2].(string); ok && !offset.MatchString(zone) {
			return nil, fmt.Errorf("$fromMillis: the timezone must be an offset such as \"+0200\", not %q", zone)
		}
	}
	return format(args, focus)
}

var offset = regexp.MustCompile(`^[+-]?\d{4}$`)

// knownPicture refuses components of a picture that jsonata does not know.
func knownPicture(picture any) error {
	s, ok := picture.(string)
	if !ok {
		return nil
	}
	s = strings.ReplaceAll(s, "[[", "")
	for {
		_, rest, found := strings.Cut(s, "[")
		if !found {
			return nil
		}
		component := strings.TrimLeft(rest, " \t\r\n")
		if component != "" && !strings.ContainsRune("YMDdFWwXxHhPmsfZzCE", rune(component[0])) {
			return fmt.Errorf("unknown component specifier %q in date/time picture string", component[:1])
		}
		s = rest
	}
}

var timestamp = regexp.MustCompile(`^\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?$`)

// parseTime is $toMillis. Without a picture it takes what both jsonata and
// gnata read in the same way; with one it must have a year, for otherwise it
// would depend on the day of the run.
func parseTime(args []any, focus any, parse function) (any, error) {
	if len(args) == 0 {
		args = append(args, focus)
	}
	s, ok := args[0].(string)
	if !ok {
		return parse(args, focus)
	}
	if len(args) > 1 && args[1] != nil {
		if err := knownPicture(args[1]); err != nil {
			return nil, err
		}
		if picture, ok := args[1].(string); ok && !strings.Contains(picture, "[Y") {
			return nil, errors.New("$toMillis: a picture without a year takes the date from the clock, which is not simulated")
		}
		return parse(args, focus)
	}
	if !timestamp.MatchString(s) {
		return nil, fmt.Errorf("$toMillis: %q is no ISO 8601 time", s)
	}
	if len(s) == len("2006-01") {
		args[0] = s + "-01"
	}
	return parse(args, focus)
}

// nowString is $now.
func (v *Env) nowString(args []any, focus any, format function) (any, error) {
	if v.host.Now == nil {
		return nil, errNoClock
	}
	if len(args) == 0 {
		return v.now.UTC().Format("2006-01-02T15:04:05.000Z"), nil
	}
	return formatTime(append([]any{float64(v.now.UnixMilli())}, args...), focus, format)
}
