package dynamodb

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/durable"
)

type tableRecord struct {
	Key      []keyRecord `json:"key"`
	Sequence uint64      `json:"sequence"`
}

type keyRecord struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func (t *Table) record() []byte {
	r := tableRecord{Sequence: t.sequence}
	for _, k := range t.key.attributes() {
		r.Key = append(r.Key, keyRecord{k.name, k.kind.String()})
	}
	return durable.Encode(r)
}

type tokenRecord struct {
	Input []byte       `json:"input"`
	Until int64        `json:"until"` // Unix nanoseconds
	Costs []costRecord `json:"costs"`
}

type costRecord struct {
	Table string  `json:"table"`
	Units float64 `json:"units"`
}

func (u *tokenUse) record() []byte {
	r := tokenRecord{Input: []byte(u.input), Until: u.until.UnixNano()}
	for i := range u.costs {
		r.Costs = append(r.Costs, costRecord{u.costs[i].table.name, u.costs[i].units})
	}
	return durable.Encode(r)
}

// appendRecord appends what a restored stream cannot know of a record.
func (s *StreamRecord) appendRecord(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"created":"`...), s.Created.UnixNano(), 10)
	b = append(append(append(b, `","event":"`...), s.EventName...), `","view":"`...)
	b = append(append(b, s.ViewType...), `","size":"`...)
	b = strconv.AppendInt(b, int64(s.SizeBytes), 10)
	b = s.Keys.appendJSON(append(b, `","keys":`...))
	if s.NewImage != nil {
		b = s.NewImage.appendJSON(append(b, `,"new":`...))
	}
	if s.OldImage != nil {
		b = s.OldImage.appendJSON(append(b, `,"old":`...))
	}
	if s.ExpiredByService {
		b = append(b, `,"expired":true`...)
	}
	return append(b, '}')
}

// recordDecoder reads a record with the reader of requests.
func (s *Service) recordDecoder(b []byte) *decoder {
	return &decoder{buf: b, names: s.cache.names, scratch: &s.scratch}
}

// wholeItem reads an item that is all there is to read.
func (d *decoder) wholeItem() (Item, error) {
	it, err := d.item()
	if err != nil {
		return nil, err
	}
	return it, d.end()
}

func (d *decoder) item() (Item, error) {
	it, problem, at, err := d.attributes()
	if err == nil && problem != "" {
		err = fmt.Errorf("attribute %q: %s", at, problem)
	}
	return it, err
}

// number reads a number that is written as text.
func (d *decoder) number() (int64, error) {
	s, err := d.text()
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(s, 10, 64)
}

// streamRecord reads what appendRecord writes.
func (d *decoder) streamRecord() (r StreamRecord, err error) {
	err = d.object("", func(name string) (err error) {
		var n int64
		switch name {
		case "created":
			n, err = d.number()
			r.Created = time.Unix(0, n).UTC()
		case "event":
			r.EventName, err = d.nameText()
		case "view":
			r.ViewType, err = d.nameText()
		case "size":
			n, err = d.number()
			r.SizeBytes = int(n)
		case "keys":
			r.Keys, err = d.item()
		case "new":
			r.NewImage, err = d.item()
		case "old":
			r.OldImage, err = d.item()
		case "expired":
			r.ExpiredByService, err = d.boolean()
		default:
			err = fmt.Errorf("there is no member %q", name)
		}
		return err
	})
	switch {
	case err != nil:
		return r, err
	case r.EventName != "INSERT" && r.EventName != "MODIFY" && r.EventName != "REMOVE":
		return r, fmt.Errorf("there is no event %q", r.EventName)
	case len(r.Keys) == 0:
		return r, errors.New("it has no keys")
	}
	return r, d.end()
}
