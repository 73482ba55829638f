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

// Unit is a CloudWatch unit.
type Unit string

// The units in use.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
)

// Line is one line of metrics, all under one dimension. A Line is for one
// goroutine.
type Line struct {
	namespace        string
	dimension, value string
	metrics          []metric
}

type metric struct {
	name  string
	unit  Unit
	value float64
}

// New returns an empty line for a namespace and one dimension.
func New(namespace, dimension, value string) *Line {
	return &Line{namespace: namespace, dimension: dimension, value: value}
}

// Add adds v to a metric of the line; a metric that was never added to is not written.
func (l *Line) Add(name string, unit Unit, v float64) {
	if i := slices.IndexFunc(l.metrics, func(m metric) bool { return m.name == name }); i >= 0 {
		l.metrics[i].value += v
		return
	}
	l.metrics = append(l.metrics, metric{name, unit, v})
}

// Flush writes the line, with the time at, in one Write, and empties it. An
// empty line is not written.
func (l *Line) Flush(w io.Writer, at time.Time) error {
	if len(l.metrics) == 0 {
		return nil
	}
	b := make([]byte, 0, 512)
	b = append(b, `{"_aws":{"Timestamp":`...)
	b = strconv.AppendInt(b, at.UnixMilli(), 10)
	b = append(b, `,"CloudWatchMetrics":[{"Namespace":`...)
	b = appendString(b, l.namespace)
	b = append(b, `,"Dimensions":[[`...)
	b = appendString(b, l.dimension)
	b = append(b, `]],"Metrics":[`...)
	for i, m := range l.metrics {
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
	for _, m := range l.metrics {
		b = append(b, ',')
		b = appendString(b, m.name)
		b = append(b, ':')
		b = strconv.AppendFloat(b, m.value, 'f', -1, 64)
	}
	b = append(b, '}', '\n')
	l.metrics = l.metrics[:0]
	_, err := w.Write(b)
	return err
}

func appendString(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		return append(b, `""`...) // a string always has a JSON form
	}
	return append(b, quoted...)
}
