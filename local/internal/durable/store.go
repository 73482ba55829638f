package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// format is the version of the layout of a store: one bucket for each engine, whose keys and
// values are its records. Engines have versions of their own in their records.
const format = "1"

var (
	metaBucket = []byte("orderflow")
	formatKey  = []byte("format")
)

// Store keeps records in a file. An update is there as a whole or not at all, also if
// the process is killed or the machine loses power while it is made.
type Store struct {
	db *bbolt.DB
}

// Open opens the store of a stack in a folder, which it makes if need be. Only one process at a time
// can have it open.
func Open(folder, stack string) (*Store, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(folder, stack+".db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType})
	switch {
	case errors.Is(err, bbolterrors.ErrTimeout):
		return nil, fmt.Errorf("%s is in use by another process", path)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s := &Store{db}
	if err := s.check(); err != nil {
		_ = db.Close() // nothing was written
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return s, nil
}

func (s *Store) check() error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists(metaBucket)
		if err != nil {
			return err
		}
		switch found := string(meta.Get(formatKey)); found {
		case format:
			return nil
		case "":
			return meta.Put(formatKey, []byte(format))
		default:
			return fmt.Errorf("was written by another version of orderflow (format %s, this one has %s)", found, format)
		}
	})
}

// Path is the store's file.
func (s *Store) Path() string { return s.db.Path() }

// Load returns all records, by engine and key.
func (s *Store) Load() (map[string]map[string][]byte, error) {
	all := map[string]map[string][]byte{}
	err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			if string(name) == string(metaBucket) {
				return nil
			}
			records := map[string][]byte{}
			all[string(name)] = records
			return b.ForEach(func(k, v []byte) error {
				records[string(k)] = append([]byte(nil), v...)
				return nil
			})
		})
	})
	return all, err
}

// Update writes records, by engine and key; nil deletes one.
func (s *Store) Update(changes map[string]map[string][]byte) error {
	return s.db.Update(func(tx *bbolt.Tx) error { return write(tx, changes) })
}

// Replace makes records all that the store holds.
func (s *Store) Replace(records map[string]map[string][]byte) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		var old [][]byte
		err := tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			if string(name) != string(metaBucket) {
				old = append(old, append([]byte(nil), name...))
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, name := range old {
			if err := tx.DeleteBucket(name); err != nil {
				return err
			}
		}
		return write(tx, records)
	})
}

func write(tx *bbolt.Tx, changes map[string]map[string][]byte) error {
	for name, records := range changes {
		b, err := tx.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return err
		}
		for key, value := range records {
			if value == nil {
				err = b.Delete([]byte(key))
			} else {
				err = b.Put([]byte(key), value)
			}
			if err != nil {
				return fmt.Errorf("%s %q: %w", name, key, err)
			}
		}
	}
	return nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }
