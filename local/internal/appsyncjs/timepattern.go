package appsyncjs

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// field is a part of a pattern of java.time.format.DateTimeFormatter: a letter repeated, or (letter 0) text.
type field struct {
	letter byte
	count  int
	text   string
}

// patternFields splits a pattern. Letters stand for parts of a time; 'quoted' text and anything else for itself.
func patternFields(pattern string) ([]field, error) {
	var list []field
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			n := 1
			for i+n < len(pattern) && pattern[i+n] == c {
				n++
			}
			list = append(list, field{letter: c, count: n})
			i += n
		case c == '\'':
			quoted, end, ok := unquote(pattern[i:])
			if !ok {
				return nil, fmt.Errorf("the pattern %q has a quote that does not end", pattern)
			}
			list = append(list, field{text: quoted})
			i += end
		case strings.IndexByte("[]{}#", c) >= 0:
			return nil, fmt.Errorf("the local runtime does not know %q in the pattern %q", c, pattern)
		default:
			list = append(list, field{text: pattern[i : i+1]})
			i++
		}
	}
	return list, nil
}

// unquote reads quoted text, in which two quotes are one, as they are outside of it.
func unquote(s string) (text string, length int, ok bool) {
	if strings.HasPrefix(s, "''") {
		return "'", 2, true
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '\'':
			text += s[i : i+1]
		case strings.HasPrefix(s[i:], "''"):
			text += "'"
			i++
		default:
			return text, i + 1, true
		}
	}
	return "", 0, false
}

func unknown(f field, pattern string) error {
	return fmt.Errorf("the local runtime does not know %q in the pattern %q", strings.Repeat(string(f.letter), f.count), pattern)
}

// formatJava writes a time by a pattern of Java's DateTimeFormatter in English. A letter that it does not know is an error.
func formatJava(t time.Time, pattern string) (string, error) {
	list, err := patternFields(pattern)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	number := func(n, width int) { fmt.Fprintf(&b, "%0*d", width, n) }
	for _, f := range list {
		switch {
		case f.letter == 0:
			b.WriteString(f.text)
		case (f.letter == 'y' || f.letter == 'u') && f.count == 2:
			number(t.Year()%100, 2)
		case f.letter == 'y' || f.letter == 'u':
			number(t.Year(), f.count)
		case f.letter == 'Y' && f.count == 4: // the year of the week, Sunday first, as in the United States
			number(weekYear(t), 4)
		case (f.letter == 'M' || f.letter == 'L') && f.count <= 2:
			number(int(t.Month()), f.count)
		case (f.letter == 'M' || f.letter == 'L') && f.count == 3:
			b.WriteString(t.Format("Jan"))
		case (f.letter == 'M' || f.letter == 'L') && f.count == 4:
			b.WriteString(t.Format("January"))
		case f.letter == 'd' && f.count <= 2:
			number(t.Day(), f.count)
		case f.letter == 'D' && f.count <= 3:
			number(t.YearDay(), f.count)
		case f.letter == 'E' && f.count <= 3:
			b.WriteString(t.Format("Mon"))
		case f.letter == 'E' && f.count == 4:
			b.WriteString(t.Format("Monday"))
		case f.letter == 'a' && f.count == 1:
			b.WriteString(t.Format("PM"))
		case f.letter == 'H' && f.count <= 2:
			number(t.Hour(), f.count)
		case f.letter == 'h' && f.count <= 2:
			number((t.Hour()+11)%12+1, f.count)
		case f.letter == 'm' && f.count <= 2:
			number(t.Minute(), f.count)
		case f.letter == 's' && f.count <= 2:
			number(t.Second(), f.count)
		case f.letter == 'S' && f.count <= 9:
			b.WriteString(fmt.Sprintf("%09d", t.Nanosecond())[:f.count])
		default:
			s, ok := zoneText(t, f)
			if !ok {
				return "", unknown(f, pattern)
			}
			b.WriteString(s)
		}
	}
	return b.String(), nil
}

// weekYear is the year that a week belongs to where weeks begin on Sunday and the first one has 1 January.
func weekYear(t time.Time) int {
	return t.AddDate(0, 0, 6-int(t.Weekday())).Year()
}

// zoneText writes the letters about time zones.
func zoneText(t time.Time, f field) (string, bool) {
	_, offset := t.Zone()
	switch {
	case f.letter == 'X' && f.count <= 3 && offset == 0:
		return "Z", true
	case f.letter == 'X' && f.count == 1 && offset%3600 == 0, f.letter == 'x' && f.count == 1 && offset%3600 == 0:
		return t.Format("-07"), true
	case (f.letter == 'X' || f.letter == 'x') && f.count <= 2, f.letter == 'Z' && f.count <= 3:
		return t.Format("-0700"), true
	case (f.letter == 'X' || f.letter == 'x') && f.count == 3:
		return t.Format("-07:00"), true
	case f.letter == 'Z' && f.count == 5 && offset == 0:
		return "Z", true
	case f.letter == 'Z' && f.count == 5:
		return t.Format("-07:00"), true
	case f.letter == 'V' && f.count == 2:
		return t.Location().String(), true
	case f.letter == 'z' && f.count <= 3 && offset == 0 && t.Location() == time.UTC:
		return "UTC", true
	}
	return "", false
}

// parseJava reads a time by a pattern. Without a zone in the text or given, it is an error, as it is for AppSync.
func parseJava(s, pattern string, zone *time.Location, given bool) (time.Time, error) {
	list, err := patternFields(pattern)
	if err != nil {
		return time.Time{}, err
	}
	all := s
	parts := map[byte]int{'y': 1970, 'M': 1, 'd': 1}
	zoned := given
	for i, f := range list {
		// Fields of digits side by side have fixed widths, else a number may be longer than its letters.
		fixed := i+1 < len(list) && list[i+1].letter != 0
		var ok bool
		switch {
		case f.letter == 0:
			s, ok = strings.CutPrefix(s, f.text)
		case strings.IndexByte("XxZ", f.letter) >= 0:
			var offset int
			if offset, s, ok = parseOffset(s); ok {
				zone, zoned = time.FixedZone("", offset), true
			}
		case (f.letter == 'M' || f.letter == 'L') && f.count > 2:
			s, ok = parseMonth(s, f.count, parts)
		case f.letter == 'a':
			switch {
			case strings.HasPrefix(s, "AM"), strings.HasPrefix(s, "PM"):
				parts['a'], s, ok = int(s[0]), s[2:], true
			}
		case f.letter == 'S':
			s, ok = parseFraction(s, f.count, parts)
		case strings.IndexByte("yuMLdHhms", f.letter) >= 0:
			s, ok = parseNumber(s, f, fixed, parts)
		default:
			return time.Time{}, unknown(f, pattern)
		}
		if !ok {
			return time.Time{}, fmt.Errorf("%q does not match the pattern %q at %q", all, pattern, s)
		}
	}
	if s != "" {
		return time.Time{}, fmt.Errorf("%q is longer than the pattern %q", all, pattern)
	}
	if !zoned {
		return time.Time{}, fmt.Errorf("neither the pattern %q nor an argument has a time zone", pattern)
	}
	hour := parts['H']
	if half, ok := parts['a']; ok {
		hour = parts['h'] % 12
		if half == 'P' {
			hour += 12
		}
	}
	t := time.Date(parts['y'], time.Month(parts['M']), parts['d'], hour, parts['m'], parts['s'], parts['S'], zone)
	if t.Day() != parts['d'] || int(t.Month()) != parts['M'] || hour > 23 || parts['m'] > 59 || parts['s'] > 59 {
		return time.Time{}, fmt.Errorf("%q is not a time", all)
	}
	return t, nil
}

func parseNumber(s string, f field, fixed bool, parts map[byte]int) (string, bool) {
	width := f.count
	if f.count == 1 || (f.letter == 'y' || f.letter == 'u') && f.count != 2 && !fixed {
		width = 10
	}
	n := 0
	for n < len(s) && n < width && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	v, err := strconv.Atoi(s[:n])
	if err != nil || n < f.count {
		return s, false
	}
	letter := f.letter
	switch {
	case letter == 'u' || letter == 'y':
		if letter = 'y'; f.count == 2 {
			v += 2000
		}
	case letter == 'L':
		letter = 'M'
	}
	parts[letter] = v
	return s[n:], true
}

func parseMonth(s string, count int, parts map[byte]int) (string, bool) {
	for m := time.January; m <= time.December; m++ {
		name := m.String()
		if count == 3 {
			name = name[:3]
		}
		if rest, ok := strings.CutPrefix(s, name); ok {
			parts['M'] = int(m)
			return rest, true
		}
	}
	return s, false
}

func parseFraction(s string, count int, parts map[byte]int) (string, bool) {
	if len(s) < count || count > 9 {
		return s, false
	}
	v, err := strconv.Atoi(s[:count] + strings.Repeat("0", 9-count))
	parts['S'] = v
	return s[count:], err == nil && s[0] >= '0'
}

// parseOffset reads Z, +02, +0200 or +02:00, in seconds.
func parseOffset(s string) (offset int, rest string, ok bool) {
	if rest, ok := strings.CutPrefix(s, "Z"); ok {
		return 0, rest, true
	}
	for _, layout := range []string{"-07:00", "-0700", "-07"} {
		if len(s) < len(layout) || s[0] != '+' && s[0] != '-' {
			continue
		}
		if t, err := time.Parse(layout, s[:len(layout)]); err == nil {
			_, offset = t.Zone()
			return offset, s[len(layout):], true
		}
	}
	return 0, s, false
}
