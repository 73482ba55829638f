package handler

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/orderflow-cdk/orderflow/constructs/record"
)

// change is what a stream record says of an item (DynamoDB Streams API, StreamRecord).
type change struct {
	sequenceNumber string
	key, item      string // the item's partition and sort key
	before, after  image  // as the mapping's view type NEW_AND_OLD_IMAGES gives them
}

// image is a STATUS item, or what a notifier has to know of it.
type image struct {
	tenant, orderID, status string
	acceptedAt, updatedAt   string
	reason, detail          string
	sequence                string // a decimal number
	results                 []stepResult
}

// stepResult is a member of results.
type stepResult struct{ step, text string }

// readChanges reads the batch that Lambda invokes the function with (Lambda
// developer guide, "Using AWS Lambda with Amazon DynamoDB"). It looks at the few
// members that matter and steps over the rest, of which there is a lot: each record has
// the order's whole history twice. encoding/json takes ten times as long.
func readChanges(payload []byte) ([]change, error) {
	s := scanner{text: string(payload)}
	var changes []change
	s.object(func(name string) {
		if name != "Records" {
			s.skip()
			return
		}
		s.array(func() {
			changes = append(changes, change{})
			s.record(&changes[len(changes)-1])
		})
	})
	switch {
	case s.bad:
		return nil, fmt.Errorf("not a batch of a table's stream, at byte %d", s.at)
	case len(changes) == 0:
		return nil, errors.New("no records of a table's stream")
	}
	for i := range changes {
		if changes[i].sequenceNumber == "" {
			return nil, fmt.Errorf("record %d has no SequenceNumber", i)
		}
	}
	return changes, nil
}

func (s *scanner) record(c *change) {
	s.object(func(name string) {
		if name != "dynamodb" {
			s.skip()
			return
		}
		s.object(func(name string) {
			switch name {
			case "SequenceNumber":
				c.sequenceNumber = s.string()
			case "Keys":
				s.object(func(name string) {
					switch name {
					case record.PartitionKey:
						c.key = s.attribute("S")
					case record.SortKey:
						c.item = s.attribute("S")
					default:
						s.skip()
					}
				})
			case "OldImage":
				s.image(&c.before)
			case "NewImage":
				s.image(&c.after)
			default:
				s.skip()
			}
		})
	})
}

func (s *scanner) image(i *image) {
	s.object(func(name string) {
		switch name {
		case record.Tenant:
			i.tenant = s.attribute("S")
		case record.OrderID:
			i.orderID = s.attribute("S")
		case record.Status:
			i.status = s.attribute("S")
		case record.AcceptedAt:
			i.acceptedAt = s.attribute("S")
		case record.UpdatedAt:
			i.updatedAt = s.attribute("S")
		case record.Reason:
			i.reason = s.attribute("S")
		case record.Detail:
			i.detail = s.attribute("S")
		case record.Sequence:
			i.sequence = s.attribute("N")
		case record.Results:
			i.results = nil
			s.object(func(kind string) {
				if kind != "M" {
					s.skip()
					return
				}
				s.object(func(step string) {
					i.results = append(i.results, stepResult{step, s.attribute("S")})
				})
			})
		default:
			s.skip()
		}
	})
}

// attribute reads an attribute's value that has the type kind; "" if it has another.
func (s *scanner) attribute(kind string) (value string) {
	s.object(func(name string) {
		if name == kind {
			value = s.string()
		} else {
			s.skip()
		}
	})
	return value
}

// scanner reads JSON that a program wrote: what it steps over it does not
// judge, beyond finding its end. Once something is not as expected, it is bad and reads nothing more.
type scanner struct {
	text string
	at   int
	bad  bool
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// next reports whether the next character is c, and takes it if so.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.bad || s.at >= len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) need(c byte) {
	if !s.next(c) {
		s.bad = true
	}
}

// object reads an object; member must read the value of the member with that name.
func (s *scanner) object(member func(name string)) {
	s.need('{')
	if s.next('}') {
		return
	}
	for !s.bad {
		name := s.string()
		if s.need(':'); s.bad {
			return
		}
		member(name)
		if s.next('}') {
			return
		}
		s.need(',')
	}
}

// array reads an array; element must read one.
func (s *scanner) array(element func()) {
	s.need('[')
	if s.next(']') {
		return
	}
	for !s.bad {
		element()
		if s.next(']') {
			return
		}
		s.need(',')
	}
}

// string reads a string.
func (s *scanner) string() string {
	if s.need('"'); s.bad {
		return ""
	}
	start := s.at
	escaped := s.quoted()
	if s.bad {
		return ""
	}
	if !escaped {
		return s.text[start : s.at-1]
	}
	var unescaped string
	if err := json.Unmarshal([]byte(s.text[start-1:s.at]), &unescaped); err != nil {
		s.bad = true
	}
	return unescaped
}

// quoted goes behind the quotation mark that ends the string in which the
// scanner stands, and reports whether there was a backslash on the way.
func (s *scanner) quoted() (escaped bool) {
	for end := -1; s.at < len(s.text); {
		if end < s.at {
			n := strings.IndexByte(s.text[s.at:], '"')
			if n < 0 {
				break
			}
			end = s.at + n
		}
		backslash := strings.IndexByte(s.text[s.at:end], '\\')
		if backslash < 0 {
			s.at = end + 1
			return escaped
		}
		escaped = true
		s.at += backslash + 2
	}
	s.bad = true
	return escaped
}

// skip steps over a value.
func (s *scanner) skip() {
	s.space()
	depth := 0
	for start := s.at; !s.bad && s.at < len(s.text); {
		switch s.text[s.at] {
		case '"':
			s.at++
			s.quoted()
			if depth == 0 {
				return
			}
		case '{', '[':
			depth++
			s.at++
		case '}', ']':
			if depth == 0 {
				s.bad = s.bad || s.at == start
				return
			}
			depth--
			s.at++
			if depth == 0 {
				return
			}
		case ',':
			if depth == 0 {
				s.bad = s.bad || s.at == start
				return
			}
			s.at++
		default:
			s.at++
		}
	}
	s.bad = true
}

// count reads an attribute's decimal number that counts from 1.
func count(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 1
}
