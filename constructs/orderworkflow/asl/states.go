package asl

import (
	"bytes"
	"encoding/json"
	"time"
)

// machine and the types below are the parts of the Amazon States Language that
// a workflow uses, with their fields in reading order.
type machine struct {
	Comment        string `json:",omitempty"`
	QueryLanguage  string
	StartAt        string
	TimeoutSeconds int
	States         states
}

type state struct {
	Type             string
	Comment          string       `json:",omitempty"`
	Resource         string       `json:",omitempty"`
	Arguments        any          `json:",omitempty"`
	TimeoutSeconds   int          `json:",omitempty"`
	HeartbeatSeconds int          `json:",omitempty"`
	Seconds          int          `json:",omitempty"`
	Assign           object       `json:",omitempty"`
	Output           any          `json:",omitempty"`
	Retry            []retrier    `json:",omitempty"`
	Catch            []catcher    `json:",omitempty"`
	Choices          []choiceRule `json:",omitempty"`
	Default          string       `json:",omitempty"`
	Error            string       `json:",omitempty"`
	Cause            string       `json:",omitempty"`
	Next             string       `json:",omitempty"`
	End              bool         `json:",omitempty"`
}

type retrier struct {
	ErrorEquals     []string
	IntervalSeconds int     `json:",omitempty"`
	BackoffRate     float64 `json:",omitempty"`
	MaxAttempts     int
	MaxDelaySeconds int    `json:",omitempty"`
	JitterStrategy  string `json:",omitempty"`
}

type catcher struct {
	ErrorEquals []string
	Assign      object `json:",omitempty"`
	Next        string
}

type choiceRule struct {
	Condition string
	Assign    object `json:",omitempty"`
	Next      string
}

type object map[string]any

// states keeps the order in which states were added: the definition reads from
// the start of an order to its end.
type states struct {
	names  []string
	byName map[string]state
}

func (s *states) add(name string, st state) {
	if s.byName == nil {
		s.byName = map[string]state{}
	}
	s.names = append(s.names, name)
	s.byName[name] = st
}

// MarshalJSON implements json.Marshaler.
func (s states) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range s.names {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := encode(name)
		if err != nil {
			return nil, err
		}
		value, err := encode(s.byName[name])
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode is json.Marshal without the escapes that make expressions unreadable.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func seconds(d time.Duration) int { return int(d / time.Second) }
