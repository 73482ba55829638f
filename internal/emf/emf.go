// Package emf writes metrics in CloudWatch's embedded metric format: a log line
// that CloudWatch Logs turns into metrics, without a call of any API.
// (CloudWatch user guide, "Specification: Embedded metric format".)
package emf

import (
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"time"
)

// unit is a CloudWatch unit.
type unit string

const (
	count        unit = "Count"
	milliseconds unit = "Milliseconds"
)

// Line is one line of metrics, all under one dimension. A Line is for one
// goroutine.
type Line struct {
	namespace        string
	dimension, value string
	metrics          []metric
}

type metric struct {
	name   string
	unit   unit
	values []float64
}

// New returns an empty line for a namespace and one dimension.
func New(namespace, dimension, value string) *Line {
	return &Line{namespace: namespace, dimension: dimension, value: value}
}

// Count adds 1 to a counter of the line. What was never counted is not written.
func (l *Line) Count(name string) {
	if m := l.find(name, count); len(m.values) > 0 {
		m.values[0]++
	} else {
		m.values = append(m.values, 1)
	}
}

// Observe adds a duration to the metric's values.
func (l *Line) Observe(name string, d time.Duration) {
	m := l.find(name, milliseconds)
	m.values = append(m.values, float64(d.Microseconds())/1000)
}

// maxValues is how many values the format allows a metric in a line.
const maxValues = 100

func (l *Line) find(name string, u unit) *metric {
	i := slices.IndexFunc(l.metrics, func(m metric) bool { return m.name == name })
	if i < 0 {
		i = len(l.metrics)
		l.metrics = append(l.metrics, metric{name: name, unit: u})
	}
	return &l.metrics[i]
}

// Flush writes the line, with the time at, in one Write, and empties it. Metrics of more than 100 values,
// the most that the format allows, go on in further lines. An empty line is not written.
func (l *Line) Flush(w io.Writer, at time.Time) error {
	var b []byte
	for metrics := l.metrics; len(metrics) > 0; {
		b = l.append(b, metrics, at)
		var rest []metric
		for _, m := range metrics {
			if len(m.values) > maxValues {
				rest = append(rest, metric{m.name, m.unit, m.values[maxValues:]})
			}
		}
		metrics = rest
	}
	l.metrics = l.metrics[:0]
	if len(b) == 0 {
		return nil
	}
	_, err := w.Write(b)
	return err
}

// append appends a line with the first values of metrics.
func (l *Line) append(b []byte, metrics []metric, at time.Time) []byte {
	b = append(b, `{"_aws":{"Timestamp":`...)
	b = strconv.AppendInt(b, at.UnixMilli(), 10)
	b = append(b, `,"CloudWatchMetrics":[{"Namespace":`...)
	b = appendString(b, l.namespace)
	b = append(b, `,"Dimensions":[[`...)
	b = appendString(b, l.dimension)
	b = append(b, `]],"Metrics":[`...)
	for i, m := range metrics {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"Name":`...)
		b = appendString(b, m.name)
		b = append(b, `,"Unit":`...)
		b = appendString(b, string(m.unit))
		b = append(b, '}')
	}
	b = append(b, `]}]},`...)
	b = appendString(b, l.dimension)
	b = append(b, ':')
	b = appendString(b, l.value)
	for _, m := range metrics {
		b = append(b, ',')
		b = appendString(b, m.name)
		b = append(b, ':')
		b = appendValues(b, m.values[:min(len(m.values), maxValues)])
	}
	return append(b, '}', '\n')
}

func appendString(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		return append(b, `""`...) // a string always has a JSON form
	}
	return append(b, quoted...)
}

func appendValues(b []byte, values []float64) []byte {
	if len(values) == 1 {
		return strconv.AppendFloat(b, values[0], 'f', -1, 64)
	}
	for i, v := range values {
		b = append(b, "[,"[min(i, 1)])
		b = strconv.AppendFloat(b, v, 'f', -1, 64)
	}
	return append(b, ']')
}
