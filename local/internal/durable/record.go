package durable

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Header is what the first record of an engine holds, perhaps among other things: the version of
// all its records.
type Header struct {
	Version int `json:"version"`
}

// CheckHeader is an error unless the record has a header that gives the version, which is the
// only one that its caller reads.
func CheckHeader(record []byte, version int) error {
	if record == nil {
		return errors.New("it is missing")
	}
	var h Header
	// Not by Decode: a newer one may hold more.
	if err := json.Unmarshal(record, &h); err != nil {
		return err
	}
	switch {
	case h.Version > version:
		return fmt.Errorf("written by a newer orderflow (version %d, this one reads %d)", h.Version, version)
	case h.Version != version:
		return fmt.Errorf("version %d is unknown (this one reads %d)", h.Version, version)
	}
	return nil
}

// Encode is a record of a value that JSON can hold.
func Encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// Decode reads a record, which is one value and has no member that into has not: for
// other contents there are versions.
func Decode(record []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(record))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the record")
	}
	return nil
}
