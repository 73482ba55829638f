package appsyncjs

import (
	"math"
	"strings"
	"time"
	_ "time/tzdata" // so that time zones do not depend on the machine

	"github.com/dop251/goja"
)

var utilTime = map[string]utility{
	"util.time.nowISO8601":           func(rt *Runtime, a []goja.Value) goja.Value { return rt.vm.ToValue(iso8601(rt.env.Now())) },
	"util.time.nowEpochSeconds":      func(rt *Runtime, a []goja.Value) goja.Value { return rt.vm.ToValue(rt.env.Now().Unix()) },
	"util.time.nowEpochMilliSeconds": func(rt *Runtime, a []goja.Value) goja.Value { return rt.vm.ToValue(rt.env.Now().UnixMilli()) },
	"util.time.nowFormatted": func(rt *Runtime, a []goja.Value) goja.Value {
		return rt.formatted("util.time.nowFormatted", rt.env.Now(), text(a, 0), arg(a, 1))
	},
	"util.time.parseFormattedToEpochMilliSeconds": func(rt *Runtime, a []goja.Value) goja.Value {
		const name = "util.time.parseFormattedToEpochMilliSeconds"
		zone, named := rt.zone(name, arg(a, 2))
		t, err := parseJava(text(a, 0), text(a, 1), zone, named)
		if err != nil {
			rt.fail("%s: %w", name, err)
		}
		return rt.vm.ToValue(t.UnixMilli())
	},
	"util.time.parseISO8601ToEpochMilliSeconds": func(rt *Runtime, a []goja.Value) goja.Value {
		t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text(a, 0)))
		if err != nil {
			rt.fail("util.time.parseISO8601ToEpochMilliSeconds: %q is not a time with a zone in ISO 8601", text(a, 0))
		}
		return rt.vm.ToValue(t.UnixMilli())
	},
	"util.time.epochMilliSecondsToSeconds": func(rt *Runtime, a []goja.Value) goja.Value {
		return rt.vm.ToValue(math.Floor(arg(a, 0).ToFloat() / 1000))
	},
	"util.time.epochMilliSecondsToISO8601": func(rt *Runtime, a []goja.Value) goja.Value {
		return rt.vm.ToValue(iso8601(time.UnixMilli(arg(a, 0).ToInteger())))
	},
	"util.time.epochMilliSecondsToFormatted": func(rt *Runtime, a []goja.Value) goja.Value {
		return rt.formatted("util.time.epochMilliSecondsToFormatted", time.UnixMilli(arg(a, 0).ToInteger()), text(a, 1), arg(a, 2))
	},
}

// iso8601 is how AppSync writes times: UTC with milliseconds.
func iso8601(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// zone is a time zone by name ("Europe/Berlin", "UTC") or offset ("+02:00"); UTC if none is given.
func (rt *Runtime) zone(function string, v goja.Value) (zone *time.Location, given bool) {
	if nullish(v) {
		return time.UTC, false
	}
	name := v.String()
	if offset, rest, ok := parseOffset(name); ok && rest == "" {
		return time.FixedZone(name, offset), true
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		rt.fail("%s: there is no time zone %q", function, name)
	}
	return zone, true
}

func (rt *Runtime) formatted(function string, t time.Time, format string, zone goja.Value) goja.Value {
	in, _ := rt.zone(function, zone)
	s, err := formatJava(t.In(in), format)
	if err != nil {
		rt.fail("%s: %w", function, err)
	}
	return rt.vm.ToValue(s)
}
