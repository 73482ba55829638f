package logs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/logs"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

func newService(t *testing.T) (*sim.Kernel, *logs.Service) {
	t.Helper()
	k := sim.New(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 1)
	return k, logs.NewService(k, "eu-central-1", "123456789012")
}

// ask makes a call and reads the answer; the error is the call's.
func ask(t *testing.T, s *logs.Service, action string, in map[string]any, out any) (refused error) {
	t.Helper()
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	s.Do(api.Call{Service: "logs", Action: action, Input: b}, func(answer []byte, err error) {
		if refused = err; err == nil {
			if err := json.Unmarshal(answer, out); err != nil {
				t.Fatal(err)
			}
		}
	})
	return refused
}

type page struct {
	Events []struct {
		Message string
		EventID string `json:"eventId"`
	}
	Next     string `json:"nextToken"`
	Forward  string `json:"nextForwardToken"`
	Backward string `json:"nextBackwardToken"`
}

func (p page) messages() string {
	var all []string
	for _, e := range p.Events {
		all = append(all, e.Message)
	}
	return strings.Join(all, " ")
}

func read(t *testing.T, s *logs.Service, action string, in map[string]any) page {
	t.Helper()
	var p page
	if err := ask(t, s, action, in, &p); err != nil {
		t.Fatalf("%s %v: %v", action, in, err)
	}
	return p
}

func TestEventsAreReadInPages(t *testing.T) {
	k, s := newService(t)
	g, err := s.CreateLogGroup("g", logs.GroupProperties{})
	if err != nil {
		t.Fatal(err)
	}
	a, b := g.Stream("a", logs.Writer{}), g.Stream("b", logs.Writer{})
	for i := range 6 {
		st := []*logs.Stream{a, b}[i%2]
		st.PutLater(func() string { return fmt.Sprint(i) })
		k.RunUntil(k.Now().Add(time.Second))
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	first := read(t, s, "FilterLogEvents", map[string]any{"logGroupName": "g", "limit": 4})
	rest := read(t, s, "FilterLogEvents", map[string]any{"logGroupName": "g", "nextToken": first.Next})
	if first.messages() != "0 1 2 3" || rest.messages() != "4 5" || rest.Next != "" {
		t.Errorf("got %q and %q", first.messages(), rest.messages())
	}
	for _, c := range []struct {
		action string
		in     map[string]any
		want   string
	}{
		{"FilterLogEvents", map[string]any{"logGroupIdentifier": g.ARN(), "logStreamNames": []string{"b"}}, "1 3 5"},
		{"FilterLogEvents", map[string]any{"logGroupName": "g", "startTime": start + 1000, "endTime": start + 3000}, "1 2 3"},
		{"GetLogEvents", map[string]any{"logGroupName": "g", "logStreamName": "a", "endTime": start + 4000}, "0 2"},
		{"GetLogEvents", map[string]any{"logGroupName": "g", "logStreamName": "a", "limit": 2}, "2 4"},
		{"GetLogEvents", map[string]any{"logGroupName": "g", "logStreamName": "a", "limit": 2, "startFromHead": true}, "0 2"},
	} {
		if got := read(t, s, c.action, c.in).messages(); got != c.want {
			t.Errorf("%s %v: got %q, want %q", c.action, c.in, got, c.want)
		}
	}
	last := read(t, s, "GetLogEvents", map[string]any{"logGroupName": "g", "logStreamName": "a", "limit": 2})
	before := read(t, s, "GetLogEvents", map[string]any{"logGroupName": "g", "logStreamName": "a", "limit": 2, "nextToken": last.Backward})
	end := read(t, s, "GetLogEvents", map[string]any{"logGroupName": "g", "logStreamName": "a", "nextToken": last.Forward})
	if before.messages() != "0" || end.messages() != "" || end.Forward != last.Forward {
		t.Errorf("before: %q; after: %q, token %s, was %s", before.messages(), end.messages(), end.Forward, last.Forward)
	}
	a.Put("6")
	if more := read(t, s, "GetLogEvents", map[string]any{"logGroupName": "g", "logStreamName": "a", "nextToken": end.Forward}); more.messages() != "6" {
		t.Errorf("what came later: %q", more.messages())
	}
}

func TestAGroupKeepsTheLatestEventsForItsRetention(t *testing.T) {
	k, s := newService(t)
	week := cfn.Int(7)
	g, err := s.CreateLogGroup("g", logs.GroupProperties{RetentionInDays: &week})
	if err != nil {
		t.Fatal(err)
	}
	st := g.Stream("s", logs.Writer{})
	for i := range 3*logs.MaxEvents + 5 {
		st.Put(fmt.Sprint(i))
	}
	all := read(t, s, "FilterLogEvents", map[string]any{"logGroupName": "g"})
	if len(all.Events) != logs.MaxEvents || all.Events[0].Message != fmt.Sprint(2*logs.MaxEvents+5) {
		t.Errorf("%d events, from %s on", len(all.Events), all.Events[0].Message)
	}
	if !slices.IsSortedFunc(all.Events, func(a, b struct {
		Message string
		EventID string `json:"eventId"`
	},
	) int {
		return strings.Compare(a.EventID, b.EventID)
	}) {
		t.Error("the ids of the events do not order them")
	}
	k.RunUntil(k.Now().Add(8 * 24 * time.Hour))
	if late := read(t, s, "FilterLogEvents", map[string]any{"logGroupName": "g"}); len(late.Events) > 0 {
		t.Errorf("%d events are older than the retention", len(late.Events))
	}
	if _, err := s.CreateLogGroup("h", logs.GroupProperties{RetentionInDays: new(cfn.Int)}); err == nil {
		t.Error("a retention of 0 days was taken")
	}
}

func TestAStreamIsWrittenWithPermissionsOnly(t *testing.T) {
	_, s := newService(t)
	var asked []string
	s.Authorize = func(c api.Call) error {
		asked = append(asked, c.Action+" "+c.Caller)
		if c.Caller == "stranger" {
			return errors.New("no")
		}
		return nil
	}
	s.GroupOf("/aws/lambda/f").Stream("s", logs.Writer{Caller: "stranger"}).Put("x")
	var out struct {
		LogGroups []struct{ LogGroupName string }
	}
	if err := ask(t, s, "DescribeLogGroups", nil, &out); err != nil || len(out.LogGroups) > 0 {
		t.Errorf("a group that nobody could make: %v %v", out, err)
	}
	st := s.GroupOf("/aws/lambda/f").Stream("s", logs.Writer{Caller: "role"})
	st.Put("x")
	st.Put("y")
	want := []string{"CreateLogGroup stranger", "CreateLogGroup role", "CreateLogStream role", "PutLogEvents role"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
	if got := read(t, s, "FilterLogEvents", map[string]any{"logGroupName": "/aws/lambda/f"}).messages(); got != "x y" {
		t.Errorf("the group holds %q", got)
	}
}

func TestAdoptKeepsEventsOfGroupsThatAreStillThere(t *testing.T) {
	k, old := newService(t)
	for _, name := range []string{"stays", "goes"} {
		g, err := old.CreateLogGroup(name, logs.GroupProperties{})
		if err != nil {
			t.Fatal(err)
		}
		g.Stream("s", logs.Writer{}).Put(name)
	}
	old.GroupOf("made").Stream("s", logs.Writer{}).Put("made")
	s := logs.NewService(k, "eu-central-1", "123456789012")
	g, err := s.CreateLogGroup("stays", logs.GroupProperties{})
	if err != nil {
		t.Fatal(err)
	}
	s.Adopt(old)
	g.Stream("s", logs.Writer{}).Put("more")
	if got := read(t, s, "GetLogEvents", map[string]any{"logGroupName": "stays", "logStreamName": "s"}).messages(); got != "stays more" {
		t.Errorf("the group holds %q", got)
	}
	if s.Group("goes") != nil || s.Group("made") == nil {
		t.Error("a group that is gone is there, or one that was made by its events is not")
	}
}

func TestFilterPatterns(t *testing.T) {
	_, s := newService(t)
	g, err := s.CreateLogGroup("g", logs.GroupProperties{})
	if err != nil {
		t.Fatal(err)
	}
	st := g.Stream("s", logs.Writer{})
	messages := []string{
		"ERROR disk full", "ERROR disk gone", "INFO all fine", `{"level":"ERROR","ms":250,"user":{"id":"u-1"},"tags":["a","b"],"ok":false,"none":null}`,
		`{"level":"INFO","ms":20,"user":{"id":"u-2"},"ok":true}`,
	}
	for _, m := range messages {
		st.Put(m)
	}
	for pattern, want := range map[string]string{
		"":                                    "0 1 2 3 4",
		"ERROR":                               "0 1 3",
		"ERROR disk":                          "0 1",
		"ERROR -gone":                         "0 3",
		`"all fine"`:                          "2",
		"?gone ?fine":                         "1 2",
		"ERROR ?fine":                         "0 1 3",
		"error":                               "",
		`-"\"level\""`:                        "0 1 2",
		`{ $.level = "ERROR" }`:               "3",
		`{ $.level = ERROR }`:                 "3",
		`{ $.level != "ERROR" }`:              "4",
		`{ $.ms > 100 && $.level = "ERROR" }`: "3",
		`{ $.ms <= 20 || $.ms >= 250 }`:       "3 4",
		`{ ($.ms < 100 || $.ms > 200) && $.ok IS TRUE }`:    "4",
		`{ $.user.id = "u-*" && $.user.id != "*-2" }`:       "3",
		`{ $.tags[1] = "b" }`:                               "3",
		`{ $.ok IS FALSE }`:                                 "3",
		`{ $.none IS NULL }`:                                "3",
		`{ $.none NOT EXISTS }`:                             "4",
		`{ $["level"] = "INFO" }`:                           "4",
		`{ $."level" = "INFO" }`:                            "4",
		`{ $.tags EXISTS && ($.ms = 250 || $.ms = 1) }`:     "3",
		`{ $.ms = 20 || $.ms = 250 && $.level = "NOBODY" }`: "4",
	} {
		var got []string
		for _, e := range read(t, s, "FilterLogEvents", map[string]any{"logGroupName": "g", "filterPattern": pattern}).Events {
			got = append(got, fmt.Sprint(slices.Index(messages, e.Message)))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s finds %v, want %s", pattern, got, want)
		}
	}
	for pattern, code := range map[string]string{
		"[a, b]": "NotSimulated", "%a+%": "NotSimulated", `{ $.a = %b% }`: "NotSimulated", `"open`: "InvalidParameterException", "a=b": "InvalidParameterException",
		"{ $.a ": "InvalidParameterException", "{ $.a }": "InvalidParameterException", "{ a = 1 }": "InvalidParameterException", "{ $.a > \"b\" }": "InvalidParameterException",
		"{ ($.a = 1 }": "InvalidParameterException", "{ $.a = 1 x }": "InvalidParameterException", "-": "InvalidParameterException", "{ $.a[x] = 1 }": "InvalidParameterException",
	} {
		var refused *api.Error
		if err := ask(t, s, "FilterLogEvents", map[string]any{"logGroupName": "g", "filterPattern": pattern}, &page{}); !errors.As(err, &refused) || refused.Code != code {
			t.Errorf("%s: got %v, want %s", pattern, err, code)
		}
	}
}
