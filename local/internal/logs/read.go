package logs

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

const (
	maxDescribed = 50      // groups or streams of one answer (API reference, DescribeLogGroups: limit)
	maxRead      = 10_000  // events of one answer (FilterLogEvents: limit)
	maxReadBytes = 1 << 20 // of the messages of one answer
)

// limited is a limit that a call may have.
func limited(limit *int, most int) (int, error) {
	if limit == nil {
		return most, nil
	}
	if *limit < 1 || *limit > most {
		return 0, errParameter("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", *limit, most)
	}
	return *limit, nil
}

// page is the part of a list of n that begins at a token, which is how many came before.
func page(n int, token string, limit int) (from, to int, next string, err error) {
	if token != "" {
		if from, err = strconv.Atoi(token); err != nil || from < 0 || from > n {
			return 0, 0, "", errParameter("The specified nextToken is invalid.")
		}
	}
	if to = min(n, from+limit); to < n {
		next = strconv.Itoa(to)
	}
	return from, to, next, nil
}

type groupDescription struct {
	Name         string `json:"logGroupName"`
	CreationTime int64  `json:"creationTime"`
	Retention    int64  `json:"retentionInDays,omitempty"`
	Filters      int    `json:"metricFilterCount"`
	ARN          string `json:"arn"`
	StoredBytes  int    `json:"storedBytes"`
	Class        string `json:"logGroupClass"`
	GroupARN     string `json:"logGroupArn"`
}

func (s *Service) describeLogGroups(input []byte) ([]byte, error) {
	var in struct {
		Prefix  string `json:"logGroupNamePrefix"`
		Pattern string `json:"logGroupNamePattern"`
		Limit   *int   `json:"limit"`
		Token   string `json:"nextToken"`
	}
	if err := decode(input, &in); err != nil {
		return nil, err
	}
	if in.Prefix != "" && in.Pattern != "" {
		return nil, errParameter("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	limit, err := limited(in.Limit, maxDescribed)
	if err != nil {
		return nil, err
	}
	all := []groupDescription{}
	for _, g := range s.sorted {
		if g.made && g.next == 0 { // by nobody yet who was allowed to
			continue
		}
		if !strings.HasPrefix(g.Name, in.Prefix) || !strings.Contains(strings.ToLower(g.Name), strings.ToLower(in.Pattern)) {
			continue
		}
		all = append(all, groupDescription{
			Name: g.Name, CreationTime: millis(g.created), Retention: g.retention, ARN: g.ARN(), StoredBytes: g.bytes(),
			Class: "STANDARD", GroupARN: strings.TrimSuffix(g.ARN(), ":*"),
		})
	}
	from, to, next, err := page(len(all), in.Token, limit)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		Groups []groupDescription `json:"logGroups"`
		Next   string             `json:"nextToken,omitempty"`
	}{all[from:to], next})
}

// bytes is the size of a group: of its messages, and 26 bytes for each (API reference, PutLogEvents).
func (g *Group) bytes() (n int) {
	held := g.held()
	for i := range held {
		n += len(held[i].text()) + 26
	}
	return n
}

type streamDescription struct {
	Name         string `json:"logStreamName"`
	CreationTime int64  `json:"creationTime"`
	First        int64  `json:"firstEventTimestamp"`
	Last         int64  `json:"lastEventTimestamp"`
	Ingested     int64  `json:"lastIngestionTime"`
	Token        string `json:"uploadSequenceToken"`
	ARN          string `json:"arn"`
	StoredBytes  int    `json:"storedBytes"`
}

func (s *Service) describeLogStreams(input []byte) ([]byte, error) {
	var in struct {
		Group      string `json:"logGroupName"`
		Identifier string `json:"logGroupIdentifier"`
		Prefix     string `json:"logStreamNamePrefix"`
		OrderBy    string `json:"orderBy"`
		Descending bool   `json:"descending"`
		Limit      *int   `json:"limit"`
		Token      string `json:"nextToken"`
	}
	if err := decode(input, &in); err != nil {
		return nil, err
	}
	g, err := s.find(in.Group, in.Identifier)
	if err != nil {
		return nil, err
	}
	switch in.OrderBy {
	case "", "LogStreamName":
	case "LastEventTime":
		if in.Prefix != "" {
			return nil, errParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
		}
	default:
		return nil, errParameter("1 validation error detected: Value '%s' at 'orderBy' failed to satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]", in.OrderBy)
	}
	limit, err := limited(in.Limit, maxDescribed)
	if err != nil {
		return nil, err
	}
	all := []streamDescription{}
	for _, st := range g.streams {
		if strings.HasPrefix(st.Name, in.Prefix) {
			all = append(all, streamDescription{
				Name: st.Name, CreationTime: millis(st.created), First: st.first, Last: st.last, Ingested: st.last, Token: "0",
				ARN: strings.TrimSuffix(g.ARN(), "*") + "log-stream:" + st.Name,
			})
		}
	}
	slices.SortFunc(all, func(a, b streamDescription) int {
		order := strings.Compare(a.Name, b.Name)
		if in.OrderBy == "LastEventTime" && a.Last != b.Last {
			order = int(a.Last - b.Last)
		}
		if in.Descending {
			return -order
		}
		return order
	})
	from, to, next, err := page(len(all), in.Token, limit)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		Streams []streamDescription `json:"logStreams"`
		Next    string              `json:"nextToken,omitempty"`
	}{all[from:to], next})
}

// output is an event as the actions that read give it.
type output struct {
	Stream    string `json:"logStreamName,omitempty"`
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
	Ingestion int64  `json:"ingestionTime"`
	ID        string `json:"eventId,omitempty"`
}

// eventID is as long as the service's, and orders as text.
func (e *event) eventID() string { return fmt.Sprintf("%019d%037d", e.at, e.number) }

func (s *Service) filterLogEvents(input []byte) ([]byte, error) {
	var in struct {
		Group      string   `json:"logGroupName"`
		Identifier string   `json:"logGroupIdentifier"`
		Names      []string `json:"logStreamNames"`
		Prefix     string   `json:"logStreamNamePrefix"`
		Start      *int64   `json:"startTime"`
		End        *int64   `json:"endTime"`
		Pattern    string   `json:"filterPattern"`
		Limit      *int     `json:"limit"`
		Token      string   `json:"nextToken"`
	}
	if err := decode(input, &in); err != nil {
		return nil, err
	}
	g, err := s.find(in.Group, in.Identifier)
	if err != nil {
		return nil, err
	}
	if len(in.Names) > 0 && in.Prefix != "" {
		return nil, errParameter("logStreamNames and logStreamNamePrefix cannot both be given.")
	}
	limit, err := limited(in.Limit, maxRead)
	if err != nil {
		return nil, err
	}
	matches, err := compilePattern(in.Pattern)
	if err != nil {
		return nil, err
	}
	first := uint64(0)
	if in.Token != "" {
		if first, err = strconv.ParseUint(in.Token, 10, 64); err != nil {
			return nil, errParameter("The specified nextToken is invalid.")
		}
	}
	out := struct {
		Events   []output `json:"events"`
		Searched []string `json:"searchedLogStreams"`
		Next     string   `json:"nextToken,omitempty"`
	}{Events: []output{}, Searched: []string{}}
	held := g.held()
	size := 0
	for i := sort.Search(len(held), func(i int) bool { return held[i].number >= first }); i < len(held); i++ {
		e := &held[i]
		if !within(e.at, in.Start, in.End) || !strings.HasPrefix(e.stream.Name, in.Prefix) || len(in.Names) > 0 && !slices.Contains(in.Names, e.stream.Name) {
			continue
		}
		message := e.text()
		if !matches(message) {
			continue
		}
		if len(out.Events) == limit || size > 0 && size+len(message) > maxReadBytes {
			out.Next = strconv.FormatUint(e.number, 10)
			break
		}
		size += len(message)
		out.Events = append(out.Events, output{Stream: e.stream.Name, Timestamp: e.at, Message: message, Ingestion: e.at, ID: e.eventID()})
	}
	return json.Marshal(out)
}

// within says whether a time is one that was asked for: from start on, up to end, which is part of it.
func within(at int64, start, end *int64) bool {
	return (start == nil || at >= *start) && (end == nil || at <= *end)
}

// getLogEvents reads one stream. Its tokens are "f/" or "b/" and the number of the event at which the
// next page begins or before which the page before ends.
func (s *Service) getLogEvents(input []byte) ([]byte, error) {
	var in struct {
		Group      string `json:"logGroupName"`
		Identifier string `json:"logGroupIdentifier"`
		Stream     string `json:"logStreamName"`
		Start      *int64 `json:"startTime"`
		End        *int64 `json:"endTime"`
		Limit      *int   `json:"limit"`
		Token      string `json:"nextToken"`
		FromHead   bool   `json:"startFromHead"`
	}
	if err := decode(input, &in); err != nil {
		return nil, err
	}
	g, err := s.find(in.Group, in.Identifier)
	if err != nil {
		return nil, err
	}
	st := g.streams[in.Stream]
	if st == nil {
		return nil, errNoStream()
	}
	limit, err := limited(in.Limit, maxRead)
	if err != nil {
		return nil, err
	}
	held := g.held()
	var found []*event
	for i := range held {
		// The end is not part of it, other than with FilterLogEvents (API reference, GetLogEvents: endTime).
		if e := &held[i]; e.stream == st && within(e.at, in.Start, nil) && (in.End == nil || e.at < *in.End) {
			found = append(found, e)
		}
	}
	forward := in.FromHead
	from, to := 0, len(found)
	if in.Token != "" {
		kind, number, _ := strings.Cut(in.Token, "/")
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil || kind != "f" && kind != "b" {
			return nil, errParameter("The specified nextToken is invalid.")
		}
		at := sort.Search(len(found), func(i int) bool { return found[i].number >= n })
		if forward = kind == "f"; forward {
			from = at
		} else {
			to = at
		}
	}
	chosen := cut(found[from:to], limit, forward)
	out := struct {
		Events   []output `json:"events"`
		Forward  string   `json:"nextForwardToken"`
		Backward string   `json:"nextBackwardToken"`
	}{Events: []output{}}
	for _, e := range chosen {
		out.Events = append(out.Events, output{Timestamp: e.at, Message: e.text(), Ingestion: e.at})
	}
	after, before := g.next, g.next
	switch {
	case len(chosen) > 0:
		after, before = chosen[len(chosen)-1].number+1, chosen[0].number
	case in.Token != "": // at the end, the same tokens again
		_, number, _ := strings.Cut(in.Token, "/")
		n, _ := strconv.ParseUint(number, 10, 64) // was read before
		after, before = n, n
	}
	out.Forward, out.Backward = "f/"+strconv.FormatUint(after, 10), "b/"+strconv.FormatUint(before, 10)
	return json.Marshal(out)
}

// cut keeps as many events as an answer may have, the first or the last.
func cut(found []*event, limit int, forward bool) []*event {
	n, size := 0, 0
	for n < len(found) && n < limit {
		e := found[n]
		if !forward {
			e = found[len(found)-1-n]
		}
		size += len(e.text())
		if n > 0 && size > maxReadBytes {
			break
		}
		n++
	}
	if forward {
		return found[:n]
	}
	return found[len(found)-n:]
}
