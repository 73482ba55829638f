package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const runbook = "../docs/operations.md"

// section is one of the runbook about alarms.
type section struct {
	name   string
	alarms []string // patterns of ids
	text   string
}

func sections(t *testing.T) []section {
	t.Helper()
	b, err := os.ReadFile(runbook)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "\n## The alarms\n")
	text, _, _ = strings.Cut(text, "\n## ")
	var all []section
	for _, part := range strings.Split(text, "\n### ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		first, _, ok := strings.Cut(strings.TrimSpace(body), ". ")
		if !ok || !strings.HasPrefix(first, "Alarm") {
			t.Errorf("section %s does not begin with its alarms", name)
		}
		s := section{name: name, text: body}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(first, -1) {
			s.alarms = append(s.alarms, m[1])
		}
		all = append(all, s)
	}
	return all
}

// alarmID is the id that the documents have for an alarm: its logical id without the scope of Operations and the hash.
func alarmID(r resource) string {
	return strings.TrimPrefix(r.ID[:len(r.ID)-8], "Alarms")
}

// alarmIDs are the alarms of a template by their ids.
func alarmIDs(template template) map[string]resource {
	ids := map[string]resource{}
	for _, r := range template.resources("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm") {
		ids[alarmID(r)] = r
	}
	return ids
}

func TestEveryAlarmHasASectionOfTheRunbook(t *testing.T) {
	ids := alarmIDs(stacks(t)["orderflow-prod"])
	known := sections(t)
	if len(ids) < 40 || len(known) < 25 {
		t.Fatalf("%d alarms, %d sections", len(ids), len(known))
	}
	used := map[string]bool{}
	for id, r := range ids {
		var in []section
		for _, s := range known {
			for _, pattern := range s.alarms {
				if ok, err := path.Match(pattern, id); err != nil {
					t.Fatal(err)
				} else if ok {
					in = append(in, s)
					used[s.name+" "+pattern] = true
				}
			}
		}
		if len(in) != 1 {
			t.Errorf("%s is in %d sections, want 1", id, len(in))
			continue
		}
		if !strings.HasPrefix(r.ID, "Alarms") {
			continue // a rollout's: gofunction's
		}
		description, _ := r.Properties["AlarmDescription"].(string)
		if want := "/docs/operations.md#" + strings.ToLower(in[0].name); !strings.HasSuffix(description, want) {
			t.Errorf("%s: the description %q does not end in %s", id, description, want)
		}
	}
	for _, s := range known {
		for _, pattern := range s.alarms {
			if !used[s.name+" "+pattern] {
				t.Errorf("section %s is about %s, which is no alarm", s.name, pattern)
			}
		}
		for _, part := range []string{"*Over*", "*Do*"} {
			if !strings.Contains(s.text, part) && !strings.Contains(s.text, "*See and do*") {
				t.Errorf("section %s does not have %s", s.name, part)
			}
		}
	}
}

// TestLinksWithinTheRunbook: a link to a section that is not there leads to the top.
func TestLinksWithinTheRunbook(t *testing.T) {
	b, err := os.ReadFile(runbook)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`\]\(#([a-z-]+)\)`).FindAllStringSubmatch(string(b), -1)
	if len(found) < 10 {
		t.Errorf("only %d links", len(found))
	}
	for _, m := range found {
		if !regexp.MustCompile(`(?mi)^##+ ` + m[1] + `$`).Match(b) {
			t.Errorf("there is no section %s", m[1])
		}
	}
}

func number(v any) float64 {
	n, _ := v.(json.Number)
	f, _ := n.Float64()
	return f
}

// document is what the runbook says of the numbers of prod's alarms.
func document(t *testing.T, template template) string {
	ids := alarmIDs(template)
	var b strings.Builder
	b.WriteString("| alarm | begins in prod when | for |\n|---|---|---|\n")
	metrics := 0
	for _, s := range sections(t) {
		for _, pattern := range s.alarms {
			r, ok := ids[pattern]
			if !ok || r.Type != "AWS::CloudWatch::Alarm" {
				continue
			}
			fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", pattern, strings.ToLower(s.name), condition(t, r), lasting(r))
		}
	}
	for _, r := range ids {
		metrics += max(1, len(alarmMetrics(r)))
	}
	composites := len(template.resources("AWS::CloudWatch::CompositeAlarm"))
	own := map[string]bool{}
	for _, m := range append(everyAlarmsMetrics(template), dashboardMetrics(t, template)...) {
		if m.namespace == "orderflow/prod" {
			own[m.name+m.dimensions["Function"]] = true
		}
	}
	const perMetric, perComposite, perDashboard, perOwn = 0.10, 0.50, 3.00, 0.30
	metrics -= composites
	total := float64(metrics)*perMetric + float64(composites)*perComposite + perDashboard
	fmt.Fprintf(&b, "\nIn all %d alarms, with those of the [rollouts](#rollouts), which look at %d metrics, a composite alarm and a dashboard: %.2f USD a month if the account has three dashboards already. "+
		"The functions write %d metrics, at most %.2f USD a month; one that is not written for an hour costs nothing for it. (CloudWatch pricing, us-east-1: a metric of an alarm 0.10, a composite alarm 0.50, a dashboard 3, a custom metric 0.30.)\n",
		len(ids)-composites, metrics, total, len(own), float64(len(own))*perOwn)
	return b.String()
}

// condition is when an alarm begins, in words.
func condition(t *testing.T, r resource) string {
	above := number(r.Properties["Threshold"])
	what, statistic := r.Properties["MetricName"], r.Properties["Statistic"]
	if statistic == nil {
		statistic = r.Properties["ExtendedStatistic"]
	}
	if what != nil {
		return fmt.Sprintf("%v of `%v` > %v", statistic, what, above)
	}
	for _, m := range list(r.Properties["Metrics"]) {
		if expression, ok := at(m, "Expression").(string); ok {
			short := regexp.MustCompile(`FILL\((m\d+),0\)`).ReplaceAllString(expression, "$1")
			for _, q := range slices.Backward(list(r.Properties["Metrics"])) {
				if name, ok := at(q, "MetricStat", "Metric", "MetricName").(string); ok {
					short = regexp.MustCompile(`\b`+at(q, "Id").(string)+`\b`).ReplaceAllString(short, name)
				}
			}
			if parts := strings.Split(short, "+"); len(parts) > 2 && !strings.Contains(short, "(") {
				slices.Sort(parts)
				short = "the sum of `" + strings.Join(slices.Compact(parts), "` and `") + "`"
			}
			if strings.HasPrefix(short, "MAX(") {
				short = "the largest share of its timeout that `Duration` has, p99,"
			} else if strings.HasPrefix(short, "IF(") {
				short = "`" + short + "`"
			}
			return fmt.Sprintf("%s > %v", short, above)
		}
	}
	t.Errorf("%s has no metric", r.ID)
	return ""
}

func lasting(r resource) string {
	period := r.int("Period")
	for _, m := range list(r.Properties["Metrics"]) {
		if n := number(at(m, "MetricStat", "Period")); n > 0 {
			period = int(n)
		}
	}
	minutes := period * r.int("EvaluationPeriods") / 60
	if n := r.int("EvaluationPeriods"); n > 1 {
		return fmt.Sprintf("%d min, %d × %d", minutes, n, period/60)
	}
	return fmt.Sprintf("%d min", minutes)
}

func TestTheDocumentOfOperations(t *testing.T) {
	b, err := os.ReadFile(runbook)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- begin: what the alarms of prod begin at -->\n", "<!-- end -->"
	before, rest, ok := strings.Cut(string(b), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("the runbook has no place for the alarms' numbers")
	}
	want := before + begin + document(t, stacks(t)["orderflow-prod"]) + end + after
	if want == string(b) {
		return
	}
	if !*update {
		t.Fatalf("%s does not say what prod's alarms begin at; run go test ./test -run Document -update", runbook)
	}
	if err := os.WriteFile(runbook, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
