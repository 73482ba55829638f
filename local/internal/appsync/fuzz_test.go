package appsync_test

import (
	"encoding/json"
	"testing"
)

// FuzzQuery: whatever a client asks is answered with JSON.
func FuzzQuery(f *testing.F) {
	for _, q := range refereeQueries {
		f.Add(q.Query, `{"s":true}`)
	}
	f.Add(`query Q($i: ItemInput!) {echo}`, `{"i":{"id":[1]}}`)
	f.Add(`mutation M($i: ItemInput!) {put(item: $i) {id data}}`, `{"i":{"id":1,"data":"[1,{\"a\":2}]","tags":"x"}}`)
	f.Fuzz(func(t *testing.T, query, variables string) {
		if !json.Valid([]byte(variables)) {
			return
		}
		w := itemStack().new(t)
		if answer := w.query(query, json.RawMessage(variables), nil); !json.Valid([]byte(answer)) {
			t.Errorf("%q, %s: %s", query, variables, answer)
		}
	})
}

// FuzzReceive: whatever a client says over its socket, what it hears is JSON.
func FuzzReceive(f *testing.F) {
	f.Add(`{"type":"connection_init"}`)
	f.Add(`{"type":"stop","id":"1"}`)
	f.Add(`{"type":"start","id":"1","payload":{"data":"{\"query\":\"subscription {onPut {id}}\"}","extensions":{"authorization":{"host":"h"}}}}`)
	f.Add(`{"type":"start","id":"\u0000","payload":{"data":"{}","extensions":null}}`)
	f.Fuzz(func(t *testing.T, frame string) {
		w := itemStack().new(t)
		c := w.ready()
		c.send(frame)
		for _, got := range c.take() {
			if !json.Valid([]byte(got)) {
				t.Errorf("%q: %s", frame, got)
			}
		}
	})
}
